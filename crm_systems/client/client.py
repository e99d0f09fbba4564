"""The way to a CRM: connections that are shared, pace and workers."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self

from crm_systems.client.connection import Connection
from crm_systems.client.readers import Readers, Reading
from crm_systems.client.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from crm_systems.model import Request, Session, Walk
    from crm_systems.system import System

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger("crm")


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
        self.clock = clock
        self.last_pause: object = None
        """What tells whether something has been waited for since: another object each time, whichever thread waits."""
        self._sleep = sleep
        self.timeout: float = settings["timeout_seconds"]
        """Seconds that an answer is waited for."""
        usual = system.limits.parallel_writes if writes else system.limits.parallel_requests
        self.parallel: int = settings["parallel_requests"] or usual
        self._shared = Shared(system, settings, clock, self.sleep)
        self.traffic = self._shared.traffic
        self._free: list[Connection] = []
        self._places = threading.Semaphore(self.parallel)
        self._readers: Readers | None = None
        self._is_closed = False
        self._warn_of_plain_http()

    def sleep(self, seconds: float) -> None:
        """Waits so many seconds."""
        self.last_pause = object()
        self._sleep(seconds)

    def call(self, request: Request) -> Any:
        """Sends a request and gives the meaning of its answer.

        Raises:
            CrmError: see :mod:`crm_systems.errors`; what is worth repeating has been repeated.
        """
        return self._lent(lambda connection: connection.call(request))

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

    def read(self, walks: Callable[[], Iterable[Walk]]) -> Reading:
        """The pages of walks, as they come: read ahead by threads where several may read, and that pays.

        ``walks`` is called where and when the reading begins, so what it asks for is asked for by whoever reads.
        """
        self._readers = self._readers or Readers(self.parallel, self.call, self.clock, self.traffic.answers_at_once)
        return self._readers.read(walks)

    def log_in(self, *, anew: bool = False) -> Session:
        """A login; opens one where there is none, or to see whether the server still takes one."""
        return self._lent(lambda connection: connection.log_in(anew=anew))

    def server_time(self) -> datetime:
        """The server's clock, aware, in UTC, in whole seconds; never ahead of it."""
        now = self._shared.server_clock.now()
        if now is None:
            self.log_in()
            now = self._shared.server_clock.now() or datetime.now(timezone.utc)
        return now.replace(microsecond=0)

    def close(self) -> None:
        """Ends what is being read, logs every connection out and closes it, whatever the server thinks of it."""
        self._is_closed = True
        if self._readers:
            self._readers.close()
            self._readers = None
        free, self._free = self._free, []
        if len(free) > 1:
            with ThreadPoolExecutor(len(free)) as pool:
                list(pool.map(Connection.close, free))
        elif free:
            free[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _warn_of_plain_http(self) -> None:
        parts = urlsplit(self.system.base_address)
        if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
            logger.warning(
                "%s: `url` begins with http://, so anybody on the way can read the key or password; use https://.",
                self.system.title,
            )

    def _lent(self, use: Callable[[Connection], T]) -> T:
        """Uses a connection that nobody else does meanwhile: a free one, or a new one; never more than are allowed."""
        with self._places:
            try:
                connection = self._free.pop()
            except IndexError:
                connection = Connection(self._shared)
            try:
                return use(connection)
            finally:
                if self._is_closed:
                    connection.close()
                else:
                    self._free.append(connection)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
