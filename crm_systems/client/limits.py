"""How long an answer may take, and how large it may be: whoever is at the other end may be broken, or evil."""

from __future__ import annotations

import time
from http import HTTPStatus
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, cast

from urllib3 import exceptions

from crm_systems.errors import ProtocolError

if TYPE_CHECKING:
    import socket

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool
    from urllib3.connection import HTTPConnection

LARGEST = 128 << 20
"""Bytes of one answer, unpacked: hundreds of times the largest page that any of the systems hands out."""
SLOWEST = 10
"""Within so many times `timeout_seconds` an answer has to be there, to its last byte."""
AT_ONCE = 1 << 20


def body_of(about: str, response: BaseHTTPResponse) -> bytes:
    """The body, unpacked.

    Raises:
        HTTPError: it breaks off, or does not end in time.
        ProtocolError: it is larger than any answer may be.
    """
    parts, size = [], 0
    try:
        for part in response.stream(AT_ONCE, decode_content=True):
            size += len(part)
            if size > LARGEST:
                response.close()
                raise ProtocolError(
                    f"{about}: the server's answer is larger than {LARGEST >> 20} MiB",
                    hint="lower `page_size`; if that does not help, `url` names something that is no CRM",
                )
            parts.append(part)
    except exceptions.ReadTimeoutError as error:
        # An answer that has begun is no missing one.
        raise exceptions.ProtocolError(str(error)) from error
    return b"".join(parts)


class _Until(RawIOBase):
    """Bytes from a socket up to a moment; the time-out of the socket is only for each wait."""

    def __init__(self, source: RawIOBase, end: float) -> None:
        self._source = source
        self._end = end

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What has come.

        Raises:
            TimeoutError: the moment has passed.
        """
        if time.monotonic() > self._end:
            raise TimeoutError
        return cast("int | None", self._source.readinto(buffer))

    def close(self) -> None:
        """Closes the source, too."""
        self._source.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = BufferedReader(_Until(self.fp.detach(), time.monotonic() + SLOWEST * (sock.gettimeout() or 0)))

    def begin(self) -> None:
        """Reads up to the body. Informational answers come before the answer itself (RFC 9110, 15.2)."""
        super().begin()
        while self.status < HTTPStatus.OK:
            # Python skips 100 only; taken for the answer, another would leave the real one to the next request.
            self.headers = None  # type: ignore[assignment]  # as before the first one
            super().begin()


def limited(pool: HTTPConnectionPool) -> HTTPConnectionPool:
    """The same pool, with connections whose answers end in time."""
    connection: type[HTTPConnection] = type("Limited", (pool.ConnectionCls,), {"response_class": _Response})
    pool.ConnectionCls = connection
    return pool
