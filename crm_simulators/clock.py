"""The clock of a simulated server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo


class Clock:
    """The server's clock: real time, moved by :meth:`advance`."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self.zone: tzinfo | None = None
        """What the clock on the CRM's wall shows; None: the zone that the system's users expect."""

    def now(self) -> datetime:
        """The server's time, aware, in UTC."""
        return datetime.now(timezone.utc) + self._offset

    def on_the_wall(self, expected: tzinfo) -> datetime:
        """The time as the clock on the wall shows it."""
        return self.now().astimezone(self.zone or expected)

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self._offset += timedelta(seconds=seconds)
