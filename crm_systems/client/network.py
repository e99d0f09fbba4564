"""What failed exchanges and bare statuses mean, whatever the system."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from crm_systems.decoding import NotJson, find_json
from crm_systems.errors import TIMED_OUT, ConfigError, CrmError, NoData, ProtocolError, Unavailable
from crm_systems.rows import is_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Reply, Request

LONGEST_WAIT = 10**9
"""Seconds; a server that asks for more is taken to ask for this."""
NOT_NOW = {
    HTTPStatus.REQUEST_TIMEOUT: "the server did not wait for the request",
    HTTPStatus.TOO_EARLY: "the server does not take the request yet",
    HTTPStatus.TOO_MANY_REQUESTS: "the server wants fewer requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "the server failed",
}
"""Statuses that say nothing of this very request."""
TLS_ALERT = r"\x15\x03"
"""How a server that speaks TLS answers plain HTTP, as Python writes it."""
PLAIN_ON_TLS = re.compile(rb"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL", re.IGNORECASE)
"""What nginx and Apache write into their HTTP 400 then."""
WRONG_SETTINGS: tuple[tuple[type[Exception], tuple[str, str]], ...] = (
    (requests.exceptions.InvalidProxyURL, ("the proxy's address is not valid", "check HTTPS_PROXY and HTTP_PROXY")),
    (requests.exceptions.InvalidSchema, ("a SOCKS proxy needs a package more", "install PySocks beside the connector")),
    (requests.exceptions.InvalidURL, ("the address is not valid", "check `url`")),
    (requests.exceptions.MissingSchema, ("the address is not valid", "check `url`")),
    (LocationValueError, ("the address is not valid", "check `url`, HTTPS_PROXY and HTTP_PROXY")),
    (requests.RequestException, ("", "")),
    (HTTPError, ("", "")),
    (OSError, ("the file of certificates cannot be read", "check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE")),
)
"""Failures before anything is sent, and what to do about them: the first that fits; without words it is another."""
WRONG = ("error", "errors", "problems")
"""Under these words answers say what is wrong."""
SPEAKS_HTTPS = "the server speaks https at this port"
USE_HTTPS = "let `url` begin with https://"


def meaning_of(request: Request, error: Exception, *, was_up: bool) -> CrmError:
    """What a failed exchange means; the original text is not used, since it holds the whole address.

    ``was_up``: the server has answered before, so what could be a wrong setting is a passing fault.
    """
    about, said = request.about, str(error)
    if isinstance(error, ProxyError) or "Proxy URL" in said:
        return _proxy_error(about, said, was_up=was_up)
    if isinstance(error, SSLError):
        return _tls_error(about, said)
    if TLS_ALERT in said:
        return ConfigError(f"{about}: {SPEAKS_HTTPS}", hint=USE_HTTPS)
    if isinstance(error, DecodeError):
        return NoData(f"{about}: the server answered something that cannot be unpacked", garbled=True)
    what, hint = next(words for kind, words in WRONG_SETTINGS if isinstance(error, kind))
    return ConfigError(f"{about}: {what}", hint=hint) if what else _passing(about, error)


def _passing(about: str, error: Exception) -> Unavailable:
    if isinstance(error, NameResolutionError):
        return Unavailable(f"{about}: the host name is unknown", hint="check `url` and the network", nothing_done=True)
    if isinstance(error, (NewConnectionError, ConnectTimeoutError)):
        hint = "check `url` and that the CRM is up"
        return Unavailable(f"{about}: nobody answers at the server's address", hint=hint, nothing_done=True)
    if isinstance(error, ReadTimeoutError):
        hint = "the server is overloaded or the time too short"
        return Unavailable(f"{about}: no answer within `timeout_seconds`", code=TIMED_OUT, hint=hint)
    return Unavailable(f"{about}: the connection broke", code=type(error).__name__)


def _proxy_error(about: str, said: str, *, was_up: bool) -> CrmError:
    if "Tunnel connection failed: 407" in said:
        return _proxy_log_in(about)
    if was_up:
        return Unavailable(f"{about}: the proxy does not answer", hint="check HTTPS_PROXY", nothing_done=True)
    return ConfigError(
        f"{about}: the proxy cannot be used", hint="check HTTPS_PROXY and HTTP_PROXY; NO_PROXY names hosts without one"
    )


def _proxy_log_in(about: str) -> ConfigError:
    return ConfigError(
        f"{about}: the proxy wants a user name and password",
        code="HTTP 407",
        hint="put them into HTTPS_PROXY or HTTP_PROXY, as in http://user:password@proxy:3128",
    )


def _tls_error(about: str, said: str) -> CrmError:
    if "CERTIFICATE_VERIFY_FAILED" in said or "doesn't match" in said:
        return ConfigError(
            f"{about}: the server's certificate cannot be verified",
            hint="check `url`; if the certificate is your own authority's, "
            "let REQUESTS_CA_BUNDLE name the file of that authority",
        )
    if any(words in said for words in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")):
        return ConfigError(f"{about}: the server does not speak https at this port", hint="check `url` and its port")
    if "EOF" in said or "reset" in said.lower():
        return Unavailable(f"{about}: the connection broke", code="TLS")
    return ConfigError(
        f"{about}: no secure connection can be made", hint="check `url`, REQUESTS_CA_BUNDLE and the server's TLS"
    )


def check_status(request: Request, reply: Reply) -> None:
    """What a status says by itself.

    Raises:
        Unavailable, ConfigError, ProtocolError: as it says.
    """
    if reply.status == HTTPStatus.OK:
        return
    about, code, status = request.about, reply.code, reply.status
    if status in NOT_NOW:
        hint = "lower `requests_per_second`" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
        what = f"{about}: {NOT_NOW[HTTPStatus(status)]}"
        raise Unavailable(what, code=code, hint=hint, meets_all=True, retry_after=retry_after(reply.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"{about}: the server failed", code=code, retry_after=retry_after(reply.headers))
    if status in range(300, 400):
        leads_on = "location" in reply.headers
        raise ConfigError(
            f"{about}: the server {'redirects to another address' if leads_on else 'gives a status instead of data'}",
            code=code,
            hint="set `url` to the address that a browser ends at, without a cache before it",
        )
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        raise _proxy_log_in(about)
    if status == HTTPStatus.REQUEST_URI_TOO_LONG:
        what = f"{about}: the request's address is too long for the server"
        raise ProtocolError(what, code=code, hint="let the web server of the CRM take longer ones")
    if status == HTTPStatus.BAD_REQUEST and PLAIN_ON_TLS.search(reply.body):
        raise ConfigError(f"{about}: {SPEAKS_HTTPS}", code=code, hint=USE_HTTPS)
    if status >= HTTPStatus.BAD_REQUEST and not request.repeatable and _names_a_record(reply):
        raise ProtocolError(f"{about}: the status says that it was not done, and the answer that it was", code=code)


def _names_a_record(reply: Reply) -> bool:
    """Whether the body of a refusal tells the id of a record, and nothing that is wrong."""
    try:
        told = find_json(reply.body, reply.headers)
    except NotJson:
        return False
    if not isinstance(told, dict) or told.get("success") is False or any(told.get(word) for word in WRONG):
        return False
    return any(isinstance(each, dict) and is_identifier(each.get("id")) for each in (told, *told.values()))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server asks, which it says in seconds or as a date; None where it does not say."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), LONGEST_WAIT)
    until = http_date(value)
    if until is None:
        return None
    now = http_date(headers.get("date", "")) or datetime.now(timezone.utc)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


@lru_cache(maxsize=64)
def http_date(value: str) -> datetime | None:
    """A date of a header, aware, in UTC; None where there is none. Zone -0000 is UTC (RFC 5322)."""
    try:
        read = parsedate_to_datetime(value)
        return read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
