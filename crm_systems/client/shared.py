"""What the connections of one client share."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.client.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_systems.system import System

AT_ONCE = 0.005
"""Seconds within which an answer comes at once: some three times what its CPU takes, of which threads share one."""
OF_LATE = 8
"""How many answers tell how long one takes."""


@dataclass
class Traffic:
    """What went over the wire."""

    requests: int = 0
    took: deque[float] = field(default_factory=lambda: deque(maxlen=OF_LATE))
    """Seconds that the last answers took."""

    def answers_at_once(self) -> bool:
        """Whether answers come at once; as long as none has come it is taken to be so."""
        return sorted(self.took or [0.0])[len(self.took) // 2] <= AT_ONCE


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


class ServerClock:
    """The server's clock: as a login told it, else as the dates of answers do; never ahead of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard: tuple[datetime, float] | None = None
        self._is_told = False

    def note(self, time: datetime, *, is_told: bool = False) -> None:
        """Notes an aware time that was heard a moment ago; what a login told (``is_told``) stands for good."""
        if is_told or not self._is_told:
            self._is_told = is_told
            self._heard = time, self._clock()

    def now(self) -> datetime | None:
        """As last heard, moved on by what has passed here since; None where nothing was heard."""
        if self._heard is None:
            return None
        time, at = self._heard
        return time + timedelta(seconds=self._clock() - at)


class Shared:
    """Settings, time, pace, patience and the account of what was sent; ``clock`` tells seconds, monotonic."""

    def __init__(
        self, system: System, settings: Mapping[str, Any], clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self.system = system
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.pace = Pace(settings["requests_per_second"] or system.limits.requests_per_second, clock, sleep)
        self.patience = Patience(settings["patience_seconds"], system.title, clock, sleep)
        self.traffic = Traffic()
        self.server_clock = ServerClock(clock)
        self.login_lock = threading.Lock()
        """One connection at a time logs in, unless the system can bear several."""
