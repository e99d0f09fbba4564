"""How long an answer may take, and how large it may be: whoever is at the other end may be broken, or evil."""

from __future__ import annotations

import time
from http import HTTPStatus
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, cast

from urllib3 import exceptions

if TYPE_CHECKING:
    import socket

    from urllib3 import BaseHTTPResponse

LARGEST = 128 << 20
"""Bytes of one answer, unpacked: hundreds of times the largest page that any of the systems hands out."""
SLOWEST = 10
"""Within so many times `timeout_seconds` an answer has to be there, to its last byte."""
AT_ONCE = 1 << 20


class TooLargeError(Exception):
    """An answer is larger than any may be."""


def body_of(response: BaseHTTPResponse) -> bytes:
    """The body, unpacked.

    Raises:
        HTTPError: it breaks off, or does not end in time.
        TooLargeError: it is larger than any answer may be.
    """
    parts, size = [], 0
    try:
        for part in response.stream(AT_ONCE, decode_content=True):
            size += len(part)
            if size > LARGEST:
                response.close()
                raise TooLargeError
            parts.append(part)
    except exceptions.ReadTimeoutError as error:
        # An answer that has begun is no missing one.
        raise exceptions.ProtocolError(str(error)) from error
    return b"".join(parts)


def end_of(sock: socket.socket) -> float:
    """The moment, by the monotonic clock, up to which an answer that is asked for now has to be there."""
    return time.monotonic() + SLOWEST * (sock.gettimeout() or 0)


class Until(RawIOBase):
    """What has come already, and then bytes from a source up to a moment; its time-out is only for each wait."""

    def __init__(self, source: RawIOBase, end: float, come: bytes = b"") -> None:
        self._source = source
        self._end = end
        self._come = come

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What has come.

        Raises:
            TimeoutError: the moment has passed.
        """
        if self._come:
            part, self._come = self._come[: len(buffer)], self._come[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)
        if time.monotonic() > self._end:
            raise TimeoutError
        return cast("int | None", self._source.readinto(buffer))

    def close(self) -> None:
        """Closes the source, too."""
        self._source.close()
        super().close()


class Response(HTTPResponse):
    """An answer that is there in time, up to ``end`` where that is given; some may have ``come`` already."""

    def __init__(
        self, sock: socket.socket, *arguments: Any, come: bytes = b"", end: float | None = None, **more: Any
    ) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = BufferedReader(Until(self.fp.detach(), end or end_of(sock), come))

    def begin(self) -> None:
        """Reads up to the body. Informational answers come before the answer itself (RFC 9110, 15.2)."""
        super().begin()
        while self.status < HTTPStatus.OK:
            # Python skips 100 only; taken for the answer, another would leave the real one to the next request.
            self.headers = None  # type: ignore[assignment]  # as before the first one
            super().begin()
