"""What can go wrong, grouped by what the caller can do about it.

The text of an error is one sentence for people: system, what was being done, the server's code, what to do. The
server's own words may hold personal data; they are kept apart in :attr:`CrmError.server_says` and are never printed.
"""

from __future__ import annotations

TIMED_OUT = "time-out"
"""The code of a request whose answer did not come in time."""
NOT_FOUND = "HTTP 404"
"""The code of an answer that there is nothing at an address."""


class CrmError(Exception):
    """A CRM, or the network on the way to it, did not do what was asked."""

    def __init__(self, what: str, *, code: str = "", hint: str = "", server_says: str = "") -> None:
        super().__init__(what, code, hint)
        self.what = what
        self.code = code
        self.hint = hint
        # It goes into files of UTF-8, which cannot hold half a character.
        self.server_says = server_says.encode("utf-8", "replace").decode()

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        hint = f": {self.hint}" if self.hint else ""
        sentence = f"{self.what}{code}{hint}"
        return sentence if sentence.endswith((".", "?")) else f"{sentence}."


class ConfigError(CrmError):
    """The user must change a setting or something in the CRM."""


class LogInRefused(ConfigError):
    """The credentials were refused; ``worth_retrying`` where one refusal proves nothing."""

    def __init__(self, what: str, *, code: str = "", hint: str = "", worth_retrying: bool = False) -> None:
        super().__init__(what, code=code, hint=hint)
        self.worth_retrying = worth_retrying


class DatabaseFault(ConfigError):
    """A database that a connector keeps, such as the ledger, does not do what it is asked."""


class Denied(CrmError):
    """The user has no right to do this, or it does not exist for this user."""


class Rejected(CrmError):
    """The server refused this request for its content; ``field`` names the culprit where the server says."""

    def __init__(self, what: str, *, code: str = "", hint: str = "", server_says: str = "", field: str = "") -> None:
        super().__init__(what, code=code, hint=hint, server_says=server_says)
        self.field = field


class SessionExpired(CrmError):
    """The login has ended; nothing was done. The client logs in again and repeats the call."""


class Unavailable(CrmError):
    """A passing fault of the server or the network.

    ``nothing_done``: the request certainly was not sent. ``meets_all``: any other request would meet it as well.
    ``retry_after``: seconds that the server asked for.
    """

    def __init__(
        self,
        what: str,
        *,
        code: str = "",
        hint: str = "",
        nothing_done: bool = False,
        meets_all: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, code=code, hint=hint)
        self.nothing_done = nothing_done
        self.meets_all = meets_all or nothing_done
        self.retry_after = retry_after


class NoData(Unavailable):
    """Something came in place of data; ``garbled``: data that cannot be read, so no page of a server that is away."""

    def __init__(self, what: str, *, code: str = "", hint: str = "", garbled: bool = False) -> None:
        super().__init__(what, code=code, hint=hint)
        self.garbled = garbled


class ServerFault(Unavailable):
    """The server fails over this very request, again and again, while it answers others: no outage."""


class OutcomeUnknown(CrmError):
    """A write was sent and its answer was lost: it may or may not have been carried out.

    ``refusal``: what a status says whose page is not the CRM's own; it holds if nothing was done.
    """

    def __init__(self, what: str, *, code: str = "", refusal: CrmError | None = None) -> None:
        super().__init__(what, code=code)
        self.refusal = refusal


class ProtocolError(CrmError):
    """The server answered something that its interface does not allow."""

    def __init__(self, what: str, *, code: str = "", hint: str = "run again") -> None:
        super().__init__(what, code=code, hint=hint)


class NotOffered(CrmError):
    """This server does not have an optional ability, such as telling deletions."""


OF_ONE_RECORD = (Rejected, Denied, ProtocolError, ServerFault)
"""What a CRM may say against one record; any other error is trouble with the connection."""
