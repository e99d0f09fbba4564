"""What surrounds a request: netrc files, proxies, certificates, headers, and addresses that anybody can listen to."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import threading
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.intouch import InTouchSimulator
from crm_simulators.vtiger import VtigerSimulator
from crm_systems.errors import ConfigError, Rejected
from crm_systems.model import Request
from tests.contract.subjects import SUBJECTS, Subject
from tests.running import Time, client_for, run

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE = Path(__file__).with_name("certificate.pem")
"""Of an authority that nobody knows, for localhost and 127.0.0.1, with its key."""


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the proxies of the machine that tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def logged_in(config: dict[str, Any], time: Time | None = None) -> None:
    time = time or Time()
    with client_for(config, clock=time.clock, sleep=time.sleep) as client:
        client.log_in()


def refusal(config: dict[str, Any]) -> str:
    """The sentence with which a log-in fails, at once."""
    time = Time()
    with pytest.raises(ConfigError) as caught:
        logged_in(config, time)
    assert time.slept == []
    return str(caught.value)


def test_netrc_is_never_asked(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stranger password sesame\n", "utf-8")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with subject.start(5) as crm:
        assert run({**subject.config(crm), "entities": [subject.entity]}).exit == ""
        strangers = b64encode(b"stranger:sesame").decode()
        assert not any(strangers in str(call.headers) for call in crm.calls)


@pytest.mark.parametrize("own", ["user_agent", "app_key"])
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("abc\n", "ends with a line break"),
        ("abc \r\n", "ends with a line break"),
        ("abc ", "begins or ends with a blank"),
        ("\tabc", "begins or ends with a blank"),
        ("a\r\nX-Other: b", "has a character that a header cannot hold"),
        ("Žito s.r.o.", "has a character that a header cannot hold"),
        ("a\x00b", "has a character that a header cannot hold"),
        ("\ud800", "has a character that a header cannot hold"),
    ],
)
def test_a_setting_that_no_header_can_hold(own: str, value: str, sentence: str) -> None:
    subject = SUBJECTS["alfacrm"]
    with subject.start(5) as crm:
        assert refusal({**subject.config(crm), own: value}) == f"`{own}` {sentence}."
        assert crm.calls == []


def test_a_latin_letter_is_sent(subject: Subject) -> None:
    with subject.start(5) as crm:
        assert run({**subject.config(crm), "entities": [subject.entity], "user_agent": "Café"}).exit == ""
        assert {call.headers["user-agent"] for call in crm.calls} == {"Café"}


def test_a_password_in_any_letters() -> None:
    with InTouchSimulator(rows=5) as crm:
        config = {**crm.config(), "contact_details": "auto", "password": "Žluť:ключ"}
        with pytest.raises(ConfigError, match="user name or password is wrong"):
            logged_in(config)
        sent = crm.calls[0].headers["authorization"]
        assert sent == "Basic " + b64encode(f"{config['username']}:Žluť:ключ".encode()).decode()


def test_half_a_character_in_a_value() -> None:
    create = Request("POST", "Leads: create", form={"operation": "create", "element": "\ud800"})
    with VtigerSimulator(rows=5) as crm, client_for(crm.config()) as client, pytest.raises(Rejected, match="half a"):
        client.call(create)


@pytest.fixture
def secure() -> Iterator[VtigerSimulator]:
    """A server that speaks https with a certificate of its own authority."""
    with VtigerSimulator(rows=5) as crm:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        assert crm._server is not None
        crm._server.socket = context.wrap_socket(crm._server.socket, server_side=True, do_handshake_on_connect=False)
        yield crm


def test_a_certificate_of_an_unknown_authority(
    secure: VtigerSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = {**secure.config(), "url": secure.url.replace("http", "https")}
    said = refusal(config)
    assert "the server's certificate cannot be verified" in said
    assert "REQUESTS_CA_BUNDLE" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    assert "the file of certificates cannot be read: check REQUESTS_CA_BUNDLE" in refusal(config)
    shutil.copy(CERTIFICATE, tmp_path / "known.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "known.pem"))
    logged_in(config)


def test_https_where_http_is_spoken() -> None:
    with VtigerSimulator(rows=5) as crm:
        said = refusal({**crm.config(), "url": crm.url.replace("http", "https")})
        assert "the server does not speak https at this port: check `url` and its port." in said


def test_http_where_https_is_spoken(answering: Any, secure: VtigerSimulator) -> None:
    words = "the server speaks https at this port"
    alert = answering(b"\x15\x03\x01\x00\x02\x02\x16")
    nginx = answering(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 64\r\n\r\n"
        b"<center>The plain HTTP request was sent to HTTPS port</center>\r\n"
    )
    for url in (alert, nginx):
        assert words in refusal({**secure.config(), "url": url})


@pytest.fixture
def answering() -> Iterator[Any]:
    """Starts servers that give everybody the same bytes."""
    started: list[socket.socket] = []

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        started.append(server)
        threading.Thread(target=_answer_all, args=(server, answer), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in started:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _answer_all(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _address = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


UNAUTHORIZED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(answering: Any, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", answering(UNAUTHORIZED))
    with VtigerSimulator(rows=0) as crm:
        said = refusal({**crm.config(), "url": f"{scheme}://crm.example.com"})
    assert "the proxy wants a user name and password (HTTP 407)" in said
    assert "HTTPS_PROXY" in said


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "http://user:sesame@proxy.invalid:3128", "nonsense://x"])
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, scheme: str, proxy: str) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", proxy)
    with VtigerSimulator(rows=0) as crm:
        said = refusal({**crm.config(), "url": f"{scheme}://crm.example.com"})
    assert "proxy" in said
    assert "HTTPS_PROXY" in said
    assert "sesame" not in said


def test_a_socks_proxy_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5h://127.0.0.1:1")
    with VtigerSimulator(rows=0) as crm:
        assert "install PySocks" in refusal({**crm.config(), "url": "http://crm.example.com"})


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        ("http://crm.example.com", True),
        ("http://192.168.1.5:8080/crm", True),
        ("https://crm.example.com", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:8080", False),
    ],
)
def test_a_password_that_anybody_can_read(caplog: pytest.LogCaptureFixture, url: str, *, is_said: bool) -> None:
    with VtigerSimulator(rows=0) as crm, caplog.at_level(logging.WARNING):
        client_for({**crm.config(), "url": url}).close()
    assert ("anybody on the way can read" in caplog.text) is is_said
