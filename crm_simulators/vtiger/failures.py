"""The three ways in which the server refuses."""

from __future__ import annotations


class Refused(Exception):
    """Answered with HTTP 200, ``success: false``, a code and a message."""

    def __init__(self, code: str | int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Crashed(Exception):
    """PHP threw an ``Error``: HTTP 500 with an empty body; what was written before stays written."""


class Restricted(Exception):
    """A page of text instead of JSON, although the record was written."""


class Hanging(Exception):
    """The lexer spins: no answer ever comes."""


class SqlError(Exception):
    """The database refused the SQL; some flavours swallow that and answer an empty list."""


def denied(message: str = "Permission to perform the operation is denied") -> Refused:
    """The answer to nearly everything that is unknown, hidden, deleted or forbidden."""
    return Refused("ACCESS_DENIED", message)


def wrong_id() -> Refused:
    """The answer to an id of the wrong form or module."""
    return Refused("INVALID_ID_ATTRIBUTE", "Id specified is incorrect")


def unknown_error() -> Refused:
    """The answer to any exception that has no code of its own."""
    return Refused("INTERNAL_SERVER_ERROR", "Unknown Error while processing request")
