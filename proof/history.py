"""What happened in one case, as lines of JSON on disk, in the order in which it happened.

Whoever tries something notes ``invoke`` before and ``ok``, ``failed`` or ``unknown`` after it, as Jepsen calls them;
``unknown`` may have happened or not. The server notes what it ``did`` at once, and at the end what it ``holds``.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Event:
    """One line."""

    who: str
    """``server``, ``user`` (who works in the CRM itself), or a run such as ``target 2``."""
    type: str
    """``invoke``, ``ok``, ``failed``, ``unknown``, ``did`` or ``holds``."""
    do: str
    """``run``, ``state``, ``write``, ``read``, ``create``, ``change``, ``delete`` or ``request``."""
    key: str = ""
    """What a record is known by: its key in the input, or its id where the CRM is read."""
    value: Any = None
    """What its text is, or how a run ended."""
    id: str = ""
    """The id that the server gave it."""
    at: float = 0.0
    """Seconds since the case began."""


class History:
    """Writes a history; any thread may note."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def note(self, who: str, type: str, do: str, key: str = "", value: Any = None, *, id: str = "") -> None:  # noqa: A002 - Jepsen's words
        """Writes one line."""
        event = Event(who, type, do, key, value, id, round(time.monotonic() - self._began, 4))
        with self._lock:
            self._file.write(json.dumps(asdict(event)) + "\n")

    def close(self) -> list[Event]:
        """Ends it, and reads it back from the disk."""
        self._file.close()
        return read(self.path)


def read(path: Path) -> list[Event]:
    """The events of a history, in their order."""
    return [Event(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
