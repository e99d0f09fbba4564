"""A server that is away for a while."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from crm_simulators.base import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call, Simulator

OUTAGE_SECONDS = 60


class Outage:
    """A server that is away from one request on, until so many seconds have been slept; its sessions are gone then.

    Set it as ``simulator.fault``, and :meth:`sleep` as the way in which the client waits.
    """

    def __init__(
        self, simulator: Simulator, begins: Callable[[Call], bool], fault: Fault | None, *, first: Fault | None = None
    ) -> None:
        self.begun = False
        self.slept = 0.0
        """Seconds slept since it began."""
        self._simulator = simulator
        self._begins = begins
        self._fault = fault
        """What each request meets; None: nobody listens at the port."""
        self._first = first
        """What the first request meets."""
        self._lock = threading.Lock()
        self._port = 0

    @property
    def is_on(self) -> bool:
        """Whether the server is away."""
        return self.begun and self.slept < OUTAGE_SECONDS

    def __call__(self, call: Call) -> Fault | None:
        if not self.begun and self._begins(call):
            self.begun = True
            if self._fault is None:
                self._port = int(self._simulator.url.rpartition(":")[2])
                self._simulator.stop()
            return self._first or self._fault or Fault.REFUSED
        return (self._fault or Fault.REFUSED) if self.is_on else None

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        with self._lock:
            was_on = self.is_on
            self.slept += seconds if self.begun else 0
            if was_on and not self.is_on:
                self._simulator.expire_sessions()
                if not self._simulator.is_up:
                    self._simulator.start(self._port)
