"""Which run holds an intent and for how long, and whether that run is surely gone."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable


def _machine() -> str:
    """What tells this machine, this boot of it, this name space of processes and this user from all others.

    Empty where there is no ``/proc`` to ask, so that nothing is known of processes.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()} {os.getuid()}" if _started(os.getpid()) else ""
    except (OSError, AttributeError):
        return ""


def _started(pid: int) -> str:
    """When a process was started, in ticks since the boot; empty where it has ended."""
    try:
        state, *facts = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in {"Z", "X"} else facts[18]


@dataclass(frozen=True)
class LeaseHolder:
    """A run, as it calls itself in the ledger."""

    run: str = field(default_factory=lambda: uuid4().hex)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    machine: str = field(default_factory=_machine)
    started: str = field(default_factory=lambda: _started(os.getpid()))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, which runs since {self.since}"

    @property
    def is_gone(self) -> bool:
        """Whether its process has certainly ended; of another machine or container nothing is certain."""
        return bool(self.machine) and self.machine == _machine() and _started(self.pid) != self.started

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, written: str) -> LeaseHolder:
        """From JSON.

        Raises:
            ValueError, TypeError: it is none.
        """
        return cls(**json.loads(written))


class Lease:
    """How this run holds intents: for ``seconds`` by a clock that all runs share, from when it last said so."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self.holder = LeaseHolder()
        self._clock = clock
        self._mine = {"my_owner": self.holder.run, "my_holder": self.holder.to_json(), "lease_seconds": seconds}

    def now(self) -> dict[str, Any]:
        """What a statement is told of it at this moment."""
        return {**self._mine, "now": self._clock()}

    def is_over(self, holder: LeaseHolder | None) -> bool:
        """Whether a lease is over before its time: it is this run's own, or its run is gone."""
        return holder is None or holder.run == self.holder.run or holder.is_gone
