"""All input and output: connections, logins, pace, repeats and workers. The only module that sends anything."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import backoff
import requests
from typing_extensions import Self
from urllib3.exceptions import NameResolutionError, NewConnectionError

from crm_systems.errors import (
    ConfigError,
    CrmError,
    LogInRefused,
    OutcomeUnknown,
    ProtocolError,
    SessionExpired,
    Unavailable,
)
from crm_systems.model import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from crm_systems.model import Page, Request, Session, Walk
    from crm_systems.system import System

ATTEMPTS = 6
"""How often a request is sent at the most."""
PATIENCE_SECONDS = 180.0
"""How long the repeats of one request may take together, waits included."""
LOGIN_ATTEMPTS = 5

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger("crm")


@dataclass
class Traffic:
    """What went over the wire."""

    requests: int = 0
    repeats: int = 0


class Client:
    """A connection to one CRM for one user; any number of threads may :meth:`call`.

    Each request that is under way has a connection and a login of its own, which the next one takes over. ``clock``
    (seconds, monotonic) and ``sleep`` are injected so that no test waits.
    """

    def __init__(
        self,
        system: System,
        settings: Mapping[str, Any],
        *,
        writes: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system = system
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        usual = system.limits.parallel_writes if writes else system.limits.parallel_requests
        self.parallel = int(settings.get("parallel_requests") or usual)
        self.traffic = Traffic()
        self.login_lock = threading.Lock()
        self.pace = Pace(settings.get("requests_per_second") or system.limits.requests_per_second, clock, sleep)
        self._free: list[Connection] = []
        # It logs each address for debugging, and queries hold sessions, log-ins and values.
        logging.getLogger("urllib3.connectionpool").addFilter(_without_query)

    def call(self, request: Request) -> Any:
        """Sends a request and gives the meaning of its answer.

        Raises:
            CrmError: see :mod:`crm_systems.errors`; what is worth repeating has been repeated.
        """
        with self._connection() as connection:
            return connection.call(request)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """``function`` of each item, in their order; several at the same time where the server bears it."""
        if self.parallel == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="crm") as pool:
            ahead: deque[Future[R]] = deque()
            try:
                for item in items:
                    ahead.append(pool.submit(function, item))
                    if len(ahead) > self.parallel:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def pages(self, walks: Iterable[Walk]) -> Iterator[Page]:
        """The pages of all walks, in the order of the walks; several walks are read at the same time."""
        coming = iter(walks)
        first = list(islice(coming, 2))
        if self.parallel == 1 or len(first) == 1:
            for walk in chain(first, coming):
                yield from walk(self.call)
        else:
            for pages in self.map(lambda walk: list(walk(self.call)), chain(first, coming)):
                yield from pages

    def log_in(self, *, anew: bool = False) -> Session:
        """A login; opens one where there is none, or to see whether the server still takes one."""
        with self._connection() as connection:
            return connection.log_in(anew=anew)

    def server_time(self) -> datetime:
        """The server's clock, aware, in UTC, in whole seconds; never ahead of it."""
        with self._connection() as connection:
            return connection.server_time().replace(microsecond=0)

    def close(self) -> None:
        """Logs every connection out and closes it; a server that does not want to is left alone."""
        while self._free:
            self._free.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection that nobody else uses meanwhile: a free one, else a new one."""
        try:
            connection = self._free.pop()
        except IndexError:
            connection = Connection(self)
        try:
            yield connection
        finally:
            self._free.append(connection)


class Pace:
    """Lets requests go at most ``rate`` a second, evenly spaced, whatever thread they come from."""

    def __init__(self, rate: float | None, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next request may go."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock()
            mine = max(self._next, now)
            self._next = mine + self._gap
        if mine > now:
            self._sleep(mine - now)


class Connection:
    """One HTTP connection and its login; used by one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._system = client.system
        self._timeout = float(client.settings.get("timeout_seconds") or 60)
        self._http = requests.Session()
        # A login travels in each request; a cookie would tie the logins of several workers together.
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers["User-Agent"] = client.settings.get("user_agent") or "tap-crm"
        self._session: Session | None = None
        self._server_time: tuple[datetime, float] | None = None

    def call(self, request: Request) -> Any:
        """See :meth:`Client.call`. A login has patience of its own, so it comes before that of the request."""
        self.log_in()
        try:
            return self._patiently(request, lambda: self._signed(request))
        except SessionExpired:
            self._session = None
        self.log_in()
        try:
            return self._patiently(request, lambda: self._signed(request))
        except SessionExpired as error:
            raise ConfigError(
                f"{request.about}: the server ends each session at once",
                code=error.code,
                hint="check that the user may use the CRM's interface",
            ) from None

    def log_in(self, *, anew: bool = False) -> Session:
        """The login of this connection.

        Raises:
            LogInRefused: the server refuses it again and again.
        """
        if self._session is None or anew:
            with self._client.login_lock:
                self._session = self._open_session()
            if self._session.server_time:
                self._server_time = (self._session.server_time, self._client.clock())
        return self._session

    def server_time(self) -> datetime:
        """The server's clock as last heard, moved on by what has passed here since."""
        self.log_in()
        if self._server_time is None:
            return datetime.now(timezone.utc)
        heard, at = self._server_time
        return heard + timedelta(seconds=self._client.clock() - at)

    def close(self) -> None:
        """Logs out, whatever the server thinks of it."""
        request = self._system.log_out(self._session) if self._session else None
        if request and self._session:
            with suppress(CrmError):
                self._send(self._system.sign(request, self._session))
        self._http.close()

    def _open_session(self) -> Session:
        """Logs in; a refusal that may be another process's doing is tried again after a random wait."""
        waits = _waits()
        for attempt in range(1, LOGIN_ATTEMPTS + 1):
            try:
                return self._system.log_in(self._unsigned)
            except LogInRefused as error:
                if not error.worth_retrying or attempt == LOGIN_ATTEMPTS:
                    raise
                self._client.sleep(next(waits))
        raise AssertionError  # pragma: no cover

    def _unsigned(self, request: Request) -> Any:
        return self._patiently(request, lambda: self._send(request))

    def _signed(self, request: Request) -> Any:
        return self._send(self._system.sign(request, self.log_in()))

    def _patiently(self, request: Request, send: Callable[[], Any]) -> Any:
        """Repeats what failed for a passing reason and may be repeated, within bounds of number and time."""
        waits = _waits()
        started = self._client.clock()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return send()
            except Unavailable as error:
                if not (request.repeatable or error.nothing_done):
                    raise OutcomeUnknown(f"{request.about}: the answer was lost", code=error.code) from error
                wait = error.retry_after if error.retry_after is not None else next(waits)
                spent = self._client.clock() - started + wait
                if not request.patient or attempt == ATTEMPTS or spent > PATIENCE_SECONDS:
                    raise
                logger.info("%s (attempt %d of %d), trying again in %.1f s", error, attempt, ATTEMPTS, wait)
                self._client.traffic.repeats += 1
                self._client.sleep(wait)
        raise AssertionError  # pragma: no cover

    def _send(self, request: Request) -> Any:
        """Sends once and reads the answer."""
        self._client.pace.wait()
        self._client.traffic.requests += 1
        try:
            response = self._http.request(
                request.method,
                self._system.base_address + request.path,
                params=dict(request.query),
                data=None if request.form is None else dict(request.form),
                json=request.json,
                headers=dict(request.headers),
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _network_error(request, error) from None
        reply = Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)
        self._note_time(reply)
        _check_status(request, reply)
        return self._system.read(request, reply)

    def _note_time(self, reply: Reply) -> None:
        """Takes the server's clock from an answer's Date, unless the login said it better."""
        if self._session is not None and self._session.server_time is not None:
            return
        with suppress(ValueError, KeyError, TypeError):
            self._server_time = (
                parsedate_to_datetime(reply.headers["date"]).astimezone(timezone.utc),
                self._client.clock(),
            )


def _waits() -> Iterator[float]:
    """Seconds to wait before each repeat: growing, with jitter so that several processes part."""
    growing = backoff.expo(factor=0.5, max_value=30)
    next(growing)
    for seconds in growing:
        yield seconds / 2 + random.uniform(0, seconds / 2)


def _network_error(request: Request, error: requests.RequestException) -> CrmError:
    """What a failed exchange means; the original text is not used, since it holds the whole address."""
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigError(
            f"{request.about}: the server's certificate cannot be verified", hint="check `url` and the certificate"
        )
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return ConfigError(f"{request.about}: the address is not valid", hint="check `url`")
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, NameResolutionError):
        return Unavailable(
            f"{request.about}: the host name is unknown", hint="check `url` and the network", nothing_done=True
        )
    if isinstance(reason, NewConnectionError) or isinstance(error, requests.exceptions.ConnectTimeout):
        return Unavailable(
            f"{request.about}: nobody answers at the server's address",
            hint="check `url` and that the CRM is up",
            nothing_done=True,
        )
    if isinstance(error, requests.exceptions.Timeout):
        return Unavailable(
            f"{request.about}: no answer within `timeout_seconds`",
            hint="the server is overloaded or the time too short",
        )
    return Unavailable(f"{request.about}: the connection broke", code=type(error).__name__)


def _check_status(request: Request, reply: Reply) -> None:
    """What a status says by itself, whatever the system."""
    if reply.status == requests.codes.too_many_requests:
        raise Unavailable(
            f"{request.about}: the server wants fewer requests",
            code="HTTP 429",
            hint="lower `requests_per_second`",
            nothing_done=True,
            retry_after=_retry_after(reply),
        )
    if reply.status >= requests.codes.server_error:
        raise Unavailable(
            f"{request.about}: the server failed", code=f"HTTP {reply.status}", retry_after=_retry_after(reply)
        )
    if reply.status in range(300, 400):
        raise ConfigError(
            f"{request.about}: the server redirects to another address",
            code=f"HTTP {reply.status}",
            hint="set `url` to the address that a browser ends at",
        )
    if reply.status == requests.codes.request_uri_too_large:
        raise ProtocolError(f"{request.about}: the request's address is too long for the server", code="HTTP 414")


def _retry_after(reply: Reply) -> float | None:
    """Seconds to wait as the server asks, which it says in seconds or as a date; at most the whole patience."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), PATIENCE_SECONDS)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(reply.headers["date"]) if "date" in reply.headers else datetime.now(timezone.utc)
    except (ValueError, TypeError):
        return None
    return min(max((until - now).total_seconds(), 0.0), PATIENCE_SECONDS)


def _without_query(record: logging.LogRecord) -> bool:
    """Takes the query off an address in a log line; no line is held back."""
    if isinstance(record.args, tuple):
        record.args = tuple(each.partition("?")[0] if isinstance(each, str) else each for each in record.args)
    return True
