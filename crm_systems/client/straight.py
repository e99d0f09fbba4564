"""Requests sent in one piece, and usual answers read straight off the socket.

http.client reads headers with the parser of e-mails, and urllib3 makes several objects of each request and each answer:
together four fifths of the CPU of an exchange. To connect, by proxies and certificates, is left to urllib3; an answer
with anything unusual about it is read by both of them.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException
from ssl import SSLError
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from urllib3 import HTTPHeaderDict, HTTPResponse, Retry, exceptions

from crm_systems.client.limits import AT_ONCE, LARGEST, Response, body_of, end_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from urllib3 import HTTPConnectionPool
    from urllib3.connection import HTTPConnection

NEVER = Retry(total=False)
"""How often urllib3 repeats; what is worth it is decided elsewhere."""
FIRST = 1 << 16
"""How many bytes are taken at first, in which the head of a usual answer stands."""
HEAD = re.compile(rb"HTTP/1\.1 (200|[45][0-9]{2})(?: [ -~]*)?\r\n((?:[!-9;-~]+:[ -~]*\r\n)+)\r\n")
"""Of a usual answer. There is one way only in which a text may fit, so that the worst takes no time."""
HEADER = re.compile(r"([!-9;-~]+):([ -~]*)\r\n")
LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)

logger = logging.getLogger("crm")


class Sent(NamedTuple):
    """What is sent beside a path and headers; urllib3 logs addresses and looks at each character, but not in here."""

    query: str
    """Quoted, and what joins it to the path. It may hold a session, a log-in or values."""
    body: str | bytes | None


class Asked(NamedTuple):
    """A request; ``timeout`` in seconds, for each wait."""

    method: str
    target: str
    sent: Sent
    headers: dict[str, str]
    timeout: float


@dataclass
class Answer:
    """What came, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    version_string: str = "HTTP/1.1"
    """This and the next are for the log of urllib3, which adds attributes of its own."""
    length_remaining: int = 0


class _Straight:
    """Stands before a class of urllib3's connections; its sockets are that one's."""

    latest: ClassVar[Any] = None
    """The one that was used last; each way to a server has a class of its own."""
    sock: socket.socket
    timeout: float
    send: Callable[[bytes], None]
    close: Callable[[], None]

    @property
    def is_connected(self) -> bool:
        """Whether it is open, and nothing has come that nobody asked for: TLS may have unpacked some already."""
        is_open: bool = super().is_connected  # type: ignore[misc]  # of the class behind it
        return is_open and not getattr(self.sock, "pending", int)()

    def exchange(self, pool: HTTPConnectionPool, asked: Asked) -> Answer:
        """Sends a request over a connection that is open; raises as urllib3 does, and closes it then."""
        self.timeout, is_whole = asked.timeout, False
        try:
            # A server may answer and hang up before it has read all.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.request(asked.method, asked.target, asked.sent, headers=asked.headers)
            answer = self.getresponse()
            is_whole = True
        except TimeoutError as error:
            raise exceptions.ReadTimeoutError(pool, asked.target, "Read timed out.") from error
        except SSLError as error:
            raise exceptions.SSLError(error) from error
        except (OSError, HTTPException) as error:
            raise exceptions.ProtocolError("Connection aborted.", error) from error
        finally:
            if not is_whole:
                self.close()
        logger.debug("%s %s: HTTP %d, %d bytes", asked.method, asked.target, answer.status, len(answer.body))
        return answer

    def request(self, method: str, url: str, body: Sent, *, headers: Mapping[str, str], **_more: Any) -> None:
        """Sends a request with these very headers."""
        self._asked, type(self).latest = method, self
        told = "".join([f"{name}: {headers[name]}\r\n" for name in headers])
        head = f"{method} {url}{body.query} HTTP/1.1\r\n{told}\r\n"
        sent = body.body.encode() if isinstance(body.body, str) else body.body or b""
        self.send(head.encode("latin-1") + sent)

    def getresponse(self) -> Answer:
        """The answer to what was sent.

        Raises:
            OSError, HTTPError: it does not come, or not to its end.
            TooLargeError: it is larger than any answer may be.
        """
        if self.sock.gettimeout() != self.timeout:
            self.sock.settimeout(self.timeout)
        end = end_of(self.sock)
        come = self.sock.recv(FIRST)
        head = HEAD.match(come)
        headers = _headers(head[2]) if head else {}
        if not head or not _is_usual(headers):
            return self._read_with_care(come, end)
        rest, length = come[head.end() :], int(headers["content-length"])
        if len(rest) > length:
            self.close()  # Nobody knows which question would be answered next.
        return Answer(int(head[1]), headers, self._body(rest, length, end))

    def _body(self, come: bytes, length: int, end: float) -> bytes:
        parts, missing = [come], length - len(come)
        while missing > 0:
            try:
                part = self.sock.recv(min(missing, AT_ONCE))
            except TimeoutError:
                part = b""
            if not part or time.monotonic() > end:
                # An answer that has begun is no missing one.
                raise exceptions.ProtocolError("The answer breaks off.")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts) if len(parts) > 1 else come[:length]

    def _read_with_care(self, come: bytes, end: float) -> Answer:
        with closing(Response(self.sock, method=self._asked, come=come, end=end)) as found:
            found.begin()
            response = HTTPResponse(
                found,
                HTTPHeaderDict(found.headers.items()),
                found.status,
                preload_content=False,
                decode_content=False,
                original_response=found,
                request_method=self._asked,
            )
            # A value may go on in the next line.
            told = {name.lower(): " ".join(text.split()) for name, text in response.headers.itermerged()}
            answer = Answer(found.status, told, body_of(response))
            if found.will_close:
                self.close()
            return answer


def _headers(lines: bytes) -> dict[str, str]:
    """The headers, names in lower case; one that comes again is joined to the first."""
    found: dict[str, str] = {}
    for name, text in HEADER.findall(lines.decode("ascii")):
        told, low = text.strip(), name.lower()
        found[low] = f"{found[low]}, {told}" if low in found else told
    return found


def _is_usual(headers: Mapping[str, str]) -> bool:
    """Whether the body is as long as they say, as it is, and the connection stays open."""
    length = LENGTH.fullmatch(headers.get("content-length", ""))
    is_open = headers.get("connection", "keep-alive").lower() == "keep-alive"
    is_plain = headers.keys().isdisjoint({"content-encoding", "transfer-encoding"})
    return bool(length) and int(headers["content-length"]) <= LARGEST and is_open and is_plain


def straight(pool: HTTPConnectionPool) -> HTTPConnectionPool:
    """The same pool, with such connections."""
    told = {"response_class": Response}  # Also of a proxy's answer to a tunnel.
    connection: type[HTTPConnection] = type("Straight", (_Straight, pool.ConnectionCls), told)
    pool.ConnectionCls = connection
    return pool


def exchange(pool: HTTPConnectionPool, asked: Asked) -> Any:
    """The :class:`Answer` of a server to whom such a pool leads: by urllib3 where a connection is to be opened first.

    Raises:
        OSError, HTTPError: as urllib3 does.
        TooLargeError: it is larger than any answer may be.
    """
    latest = pool.ConnectionCls.latest  # type: ignore[attr-defined]  # of such a pool
    if latest and pool.proxy is None and latest.is_connected:
        return latest.exchange(pool, asked)
    return pool.urlopen(
        asked.method,
        asked.target,
        asked.sent,  # type: ignore[arg-type]  # whatever the connection takes
        asked.headers,
        retries=NEVER,
        redirect=False,
        assert_same_host=False,
        timeout=asked.timeout,
    )
