"""How long an answer may take, and how large it may be: whoever is at the other end may be broken, or evil."""

from __future__ import annotations

import time
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from crm_systems.errors import ProtocolError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    import requests

LARGEST = 128 << 20
"""Bytes of one answer, unpacked: hundreds of times the largest page that any of the systems hands out."""
SLOWEST = 10
"""Within so many times `timeout_seconds` an answer has to be there, to its last byte."""
AT_ONCE = 1 << 20


def whole(about: str, response: requests.Response) -> bytes:
    """The body, unpacked.

    Raises:
        ProtocolError: it is larger than any answer may be.
    """
    parts, size = [], 0
    for part in response.iter_content(AT_ONCE):
        size += len(part)
        if size > LARGEST:
            response.close()
            raise ProtocolError(
                f"{about}: the server's answer is larger than {LARGEST >> 20} MiB",
                hint="lower `page_size`; if that does not help, `url` names something that is no CRM",
            )
        parts.append(part)
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


class _Http(HTTPConnection):
    response_class = _Response


class _Https(HTTPSConnection):
    response_class = _Response


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class Limited(HTTPAdapter):
    """Connections whose answers end in time."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """The usual way to a server."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> Any:
        """The way through a proxy."""
        manager = super().proxy_manager_for(*arguments, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS: Mapping[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}
