"""One exchange: the bytes on the wire are those of requests, and what goes wrong is known for what it is."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from urllib3.exceptions import HTTPError

from crm_systems.client.http import Http, host_in
from crm_systems.client.network import meaning_of
from crm_systems.model import File, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CERTIFICATE = Path(__file__).with_name("certificate.pem")
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
BOUNDARY = re.compile(rb"[0-9a-f]{32}")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("%~+&=#?/;:'\" \r\n\x00Žš😀"), max_size=8)
PARAMETERS = st.dictionaries(TEXTS, TEXTS, max_size=3)
PATHS = ("", "/webservice.php", "/v2api/1/customer/index", "/a b/š/%7e/%zz/../c;d?e=f#g", "/contacts/12 3")
VALUES = st.none() | st.integers() | st.booleans() | st.decimals(allow_nan=False, allow_infinity=False) | TEXTS


class Peer:
    """Gives everybody the same bytes, and keeps what it got."""

    def __init__(self, answer: bytes = EMPTY, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.context = context
        self.got: list[bytes] = []
        self.cut = 0
        """After how many bytes the rest follows in a packet of its own."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(connection,), daemon=True).start()

    def _meet(self, connection: socket.socket) -> None:
        self._answer(self.context.wrap_socket(connection, server_side=True) if self.context else connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while heard := connection.recv(1 << 16):
                head, _, body = heard.partition(b"\r\n\r\n")
                length = LENGTH.search(head)
                while length and len(body) < int(length[1]):
                    body += connection.recv(1 << 16)
                self.got.append(head + b"\r\n\r\n" + body)
                answer = self.answer
                connection.sendall(answer[: self.cut])
                connection.sendall(answer[self.cut :])
                if answer != EMPTY:
                    return

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    started = Peer()
    yield started
    started.close()


@pytest.fixture(scope="module")
def http(peer: Peer) -> Iterator[Http]:
    opened = Http("tap-crm", 5)
    opened.exchange(Request("GET", ""), peer.url)
    yield opened
    opened.close()


def by_requests(http: Http, request: Request, address: str) -> None:
    """The same request as requests prepares it."""
    prepared = requests.Request(
        request.method,
        address,
        params=dict(request.query),
        data=None if request.form is None else dict(request.form),
        files={part: (each.name, each.content, each.media_type) for part, each in request.files.items()},
        json=request.json,
        headers={**http.headers, **request.headers},
        auth=lambda same: same,
    ).prepare()
    with requests.Session() as session:
        session.send(prepared)


FILE = File('Žluť "a".txt', "text/plain", "", b"\x00\xff\r\n")
REQUESTS = st.one_of(
    st.builds(partial(Request, "GET", ""), st.sampled_from(PATHS), PARAMETERS),
    st.builds(partial(Request, "DELETE", ""), st.sampled_from(PATHS)),
    st.builds(partial(Request, "POST", ""), st.sampled_from(PATHS), PARAMETERS, PARAMETERS),
    st.builds(
        lambda path, query, told: Request("PUT", "", path, query, json=told, headers={"X-Token": "ü"}),
        st.sampled_from(PATHS),
        PARAMETERS,
        st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=2), max_size=3),
    ),
    st.builds(
        lambda form: Request("POST", "", "/saved", form=form, headers={"Content-Type": "x; charset=UTF-8"}), PARAMETERS
    ),
    st.builds(lambda form: Request("POST", "", "/kept", form=form, files={"a b": FILE}), PARAMETERS),
)


@limits(max_examples=60)
@given(request=REQUESTS)
def test_the_bytes_are_those_of_requests(peer: Peer, http: Http, request: Request) -> None:
    peer.got.clear()
    http.exchange(request, peer.url + request.path)
    by_requests(http, request, peer.url + request.path)
    ours, theirs = (BOUNDARY.sub(b"", each) for each in peer.got)
    assert ours == theirs


@pytest.mark.parametrize(
    "address", ["http://crm.example.com/a", "http://me:sesame@crm.example.com:8080", "http://[::1]:81"]
)
def test_the_bytes_to_a_proxy_are_those_of_requests(peer: Peer, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("http_proxy", peer.url)
    monkeypatch.delenv("no_proxy", raising=False)
    peer.got.clear()
    http = Http("tap-crm", 5)
    http.exchange(Request("GET", ""), address)
    by_requests(http, Request("GET", ""), address)
    http.close()
    ours, theirs = peer.got
    assert ours == theirs


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://crm.example.com:80/a", "crm.example.com"),
        ("https://crm.example.com:443", "crm.example.com"),
        ("https://crm.example.com:80", "crm.example.com:80"),
        ("http://[fe80::1%25eth0]:8080", "[fe80::1]:8080"),
    ],
)
def test_what_the_server_is_called(address: str, host: str) -> None:
    """As http.client does it, whatever the port, which no test may listen at."""
    assert host_in(address) == host


def answer(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *headers, b"", body))


PACKED = gzip.compress(b"many words " * 100)
BROKEN = {
    "nothing": (b"", "the connection broke"),
    "no status line": (b"220 mail.example.com ESMTP\r\n\r\n", "the connection broke"),
    "an endless status line": (b"HTTP/1.1 200 " + b"x" * 100_000, "the connection broke"),
    "too many headers": (answer(b"", *[b"X-Y: z"] * 200), "the connection broke"),
    "a broken chunk": (answer(b"zz\r\nabc\r\n", b"Transfer-Encoding: chunked"), "the connection broke"),
    "a lost chunk": (answer(b"5\r\nabc", b"Transfer-Encoding: chunked"), "the connection broke"),
    "cut off": (answer(b"abc", b"Content-Length: 100"), "the connection broke"),
    "no gzip": (answer(b"abc", b"Content-Encoding: gzip"), "the server answered something that cannot be unpacked"),
}


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_answer(case: str, *, is_open: bool) -> None:
    given_, sentence = BROKEN[case]
    told = failure(given_, is_open=is_open)
    assert sentence in told


def failure(given_: bytes, **more: Any) -> str:
    """The sentence that an answer leads to."""
    peer, http, request = Peer(given_), Http("tap-crm", more.get("timeout", 5)), Request("GET", "Leads: read")
    try:
        if more.get("is_open"):
            peer.answer = EMPTY
            http.exchange(request, peer.url)
            peer.answer = given_
        http.exchange(request, peer.url.replace("http", more.get("scheme", "http"), 1))
    except (OSError, HTTPError) as error:
        return str(meaning_of(request, error, was_up=True))
    finally:
        http.close()
        peer.close()
    return ""


def test_a_secure_connection_that_ends_before_it_began() -> None:
    assert "the connection broke (TLS)" in failure(b"", scheme="https")


@pytest.mark.parametrize("address", ["http://[::1", "http://*.example.com", "http://a..b", "ftp", "http://"])
def test_an_address_that_is_none(address: str) -> None:
    request = Request("GET", "Leads: read")
    with pytest.raises((OSError, HTTPError)) as caught:
        Http("tap-crm", 5).exchange(request, address)
    assert "the address is not valid" in str(meaning_of(request, caught.value, was_up=False))


def test_an_address_of_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://[::1")
    monkeypatch.delenv("no_proxy", raising=False)
    request = Request("GET", "Leads: read")
    with pytest.raises(HTTPError) as caught:
        Http("tap-crm", 5).exchange(request, "http://crm.example.com")
    assert "check `url`, HTTPS_PROXY and HTTP_PROXY" in str(meaning_of(request, caught.value, was_up=False))


USUAL = (b"Content-Length: 5", b"Set-Cookie: a=1", b"X-A:  1 ", b"set-cookie: b=2")
ANSWERS = {
    "usual": answer(b"abcde", *USUAL),
    "more than was told": answer(b"abcdefgh", *USUAL),
    "without a reason": answer(b"abcde", *USUAL).replace(b" OK", b""),
    "a failure": answer(b"abcde", *USUAL).replace(b"200", b"503"),
    "nothing": answer(b"", b"Content-Length: 0"),
    "no content": answer(b"", b"X-A: 1").replace(b"200 OK", b"204 No Content"),
    "no change": answer(b"", *USUAL).replace(b"200 OK", b"304 Not Modified"),
    "up to the end": answer(b"abcde", b"X-A: 1"),
    "closed": answer(b"abcde", *USUAL, b"Connection: close"),
    "an older version": answer(b"abcde", *USUAL).replace(b"1.1", b"1.0"),
    "not yet": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"abcde", *USUAL),
    "in pieces": answer(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "pieces and a length": answer(b"5\r\nabcde\r\n0\r\n\r\n", b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    "two lengths": answer(b"abcde", b"Content-Length: 5", b"Content-Length: 5"),
    "a folded line": answer(b"abcde", b"X-A: 1\r\n  2", *USUAL[:1]),
    "bare line ends": answer(b"abcde", *USUAL).replace(b"\r\n", b"\n"),
    "a line end inside": answer(
        b"5\r\nabcde\r\n0\r\n\r\n", b"X-A: 1\nTransfer-Encoding: chunked", b"Content-Length: 3"
    ),
    "packed": answer(PACKED, b"Content-Encoding: gzip", b"Content-Length: %d" % len(PACKED)),
    "letters of Europe": answer(b"abcde", "X-A: Café".encode("latin-1"), *USUAL[:1]),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_read_as_requests_does(case: str) -> None:
    peer, http = Peer(ANSWERS[case]), Http("tap-crm", 5)
    theirs = requests.get(peer.url, timeout=5)
    told = {name.lower(): " ".join(text.split()) for name, text in theirs.headers.items()}
    for cut in range(0, len(peer.answer), 7):
        peer.cut = cut
        reply = http.exchange(Request("GET", ""), peer.url)
        http.close()  # As the peer does, sooner or later.
        assert (reply.status, reply.headers, reply.body) == (theirs.status_code, told, theirs.content), cut
    peer.close()


@pytest.mark.parametrize("case", ["packed", "in pieces", "after hints"])
def test_an_answer_is_unpacked(case: str) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    pieces = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    given_, body = {
        "packed": (answer(PACKED, b"Content-Encoding: gzip", b"X-A: 1", b"x-a: 2"), b"many words " * 100),
        "after hints": (hints + answer(b"abc", b"Content-Length: 3", b"X-A: 1", b"X-A: 2"), b"abc"),
        "in pieces": (answer(pieces, b"Transfer-Encoding: chunked", b"X-A: 1", b"X-A: 2"), b"abcde"),
    }[case]
    peer, http = Peer(given_), Http("tap-crm", 5)
    reply = http.exchange(Request("GET", ""), peer.url)
    assert reply.body == body
    assert reply.headers["x-a"] == "1, 2"
    http.close()
    peer.close()


class HangsUp(Peer):
    """Answers the first request of each connection, and hangs up over the next."""

    requests = 2

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            for number in range(self.requests):
                self.got.append(connection.recv(1 << 16))
                if not number:
                    connection.sendall(self.answer)


def test_where_more_came_than_was_announced_the_next_request_opens_another_connection() -> None:
    """A second answer, as of a proxy that asked twice, is never taken for that to the next question."""
    peer, http = HangsUp(EMPTY + answer(b"abc", b"Content-Length: 3")), Http("tap-crm", 5)
    assert [http.exchange(Request("GET", ""), peer.url).body for _turn in range(3)] == [b""] * 3
    http.close()
    peer.close()


def test_what_tls_has_unpacked_already_is_no_answer_to_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of TLS holds up to 16 KiB, and no socket tells what is left of one."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    told = answer(b"x" * 20000, b"Content-Length: 20000") + answer(b"abc", b"Content-Length: 3")
    peer, http = HangsUp(told, context), Http("tap-crm", 5)
    address = peer.url.replace("http", "https")
    assert [len(http.exchange(Request("GET", ""), address).body) for _turn in range(3)] == [20000] * 3
    http.close()
    peer.close()


class Sleeps(HangsUp):
    """Answers the first request of each connection and not the next, until the other side hangs up."""

    requests = 3


def test_an_open_connection_without_an_answer_is_closed_and_the_next_request_opens_another() -> None:
    peer, http, request = Sleeps(), Http("tap-crm", 0.1), Request("POST", "Leads: save")
    for _turn in range(2):
        assert http.exchange(request, peer.url).body == b""
        with pytest.raises(HTTPError) as caught:
            http.exchange(request, peer.url)
        assert "no answer within `timeout_seconds`" in str(meaning_of(request, caught.value, was_up=True))
    assert len(list(filter(None, peer.got))) == 4
    http.close()
    peer.close()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_nothing_is_sent_again_where_a_connection_was_closed_meanwhile(method: str) -> None:
    """Whether the server has read it is not known, so that is for whoever knows what it would do."""
    peer, http, save = HangsUp(), Http("tap-crm", 5), Request(method, "Leads: save")
    http.exchange(save, peer.url)
    with pytest.raises((OSError, HTTPError)) as caught:
        http.exchange(save, peer.url)
    assert "the connection broke" in str(meaning_of(save, caught.value, was_up=True))
    assert [each.partition(b" ")[0] for each in peer.got] == [method.encode()] * 2
    http.close()
    peer.close()
