"""One exchange over HTTP."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from crm_systems.client.limits import LARGEST, TooLargeError
from crm_systems.client.straight import Asked, Sent, exchange, straight
from crm_systems.errors import ProtocolError
from crm_systems.model import Reply

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool

    from crm_systems.model import Request

ADDRESSES = 256
"""Of so many it is remembered how they are sent."""
FORM = "application/x-www-form-urlencoded"
USUAL_PORTS = {"http": ":80", "https": ":443"}
ZONE = re.compile(r"%[^\]]*")
"""Names the network card behind an address that is valid at one link only."""
_ORDERED = "%" + string.punctuation.replace("%", "") + " "
"""Printable ASCII but letters and digits. What stands for % comes first, and + before what it stands for."""
_QUOTED = [(each, quoted) for each in _ORDERED if (quoted := quote_plus(each)) != each]
"""What stands for each of them in a form, where it is something else."""


class Http:
    """Sends the very bytes that requests does, with its headers, proxies and certificates, but without its session.

    So nothing is kept of cookies, which would tie the logins of several workers together, no login is taken from an
    address or a netrc file, and no redirect is followed or even looked into, since its address may be broken. Its
    objects for each request and answer are left out as well, which halves the CPU of an exchange. Used by
    one thread at a time, for one server.
    """

    def __init__(self, user_agent: str, timeout: float) -> None:
        usual = {name: str(text) for name, text in requests.utils.default_headers().items()}
        self.headers = {**usual, "User-Agent": user_agent}
        self.timeout = timeout
        self._adapter = HTTPAdapter()
        self._pool: HTTPConnectionPool | None = None
        self._host = ""
        self._proxies: dict[str, str] = {}
        self._target = lru_cache(ADDRESSES)(self._find_target)

    def exchange(self, request: Request, address: str) -> Reply:
        """Sends a request to an address and reads all of the answer.

        Raises:
            OSError, HTTPError, UnicodeError: as requests and urllib3 do.
            ProtocolError: the answer is larger than any may be.
        """
        if self._pool is None:
            self._pool = self._open(address)
        target, query = self._target(address), ""
        if request.query:
            query = ("&" if "?" in target else "?") + urlencode(request.query)
        headers = {"Host": self._host, **self.headers, **request.headers}
        sent = Sent(query, _body(request, headers))
        try:
            answer = exchange(self._pool, Asked(request.method, target, sent, headers, self.timeout))
        except TooLargeError:
            raise ProtocolError(
                f"{request.about}: the server's answer is larger than {LARGEST >> 20} MiB",
                hint="lower `page_size`; if that does not help, `url` names something that is no CRM",
            ) from None
        return Reply(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        """Closes what is open."""
        self._adapter.close()
        self._pool = None

    def _open(self, address: str) -> HTTPConnectionPool:
        """The way to the server, by the proxies and certificates of the environment, which do not change."""
        prepared = _prepared(address)
        with requests.Session() as session:
            around: Any = session.merge_environment_settings(address, {}, stream=True, verify=None, cert=None)
        verify, cert, self._proxies = around["verify"], around["cert"], around["proxies"]
        adapter: Any = self._adapter
        pool = adapter.get_connection_with_tls_context(prepared, verify, self._proxies, cert)
        adapter.cert_verify(pool, prepared.url, verify, cert)
        self._host = host_in(prepared.url or "")
        return straight(pool)

    def _find_target(self, address: str) -> str:
        """What stands for an address in a request's first line."""
        return self._adapter.request_url(_prepared(address), self._proxies)


def _prepared(address: str) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.prepare_url(address, None)
    return prepared


def host_in(address: str) -> str:
    """What stands for the server in each request, without the port that is the usual one."""
    parts = urlsplit(address)
    host = ZONE.sub("", parts.netloc.rpartition("@")[2])
    return host.removesuffix(USUAL_PORTS[parts.scheme])


def _quoted(text: str) -> str:
    """As :func:`urllib.parse.quote_plus`, which takes five times as long for a record as JSON."""
    if not (text.isascii() and text.isprintable()):
        return quote_plus(text)
    if text.isalnum():
        return text
    for each, quoted in _QUOTED:
        if each in text:
            text = text.replace(each, quoted)
    return text


def _body(request: Request, headers: dict[str, str]) -> str | bytes | None:
    """The body; adds the headers that describe it."""
    if request.form and not request.files:
        body = "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in request.form.items())
        headers["Content-Length"] = str(len(body))
        headers.setdefault("Content-Type", FORM)
        return body
    if request.method == "GET" and request.json is None:
        return None
    files = {part: (each.name, each.content, each.media_type) for part, each in request.files.items()}
    prepared = requests.PreparedRequest()
    prepared.method, prepared.headers = request.method, CaseInsensitiveDict(headers)
    prepared.prepare_body(dict(request.form or {}), files, request.json)
    headers.update(prepared.headers)
    return prepared.body
