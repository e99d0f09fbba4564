"""What tasks and events compute when they are saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.vtiger.store import Values

ACTIVITIES = frozenset({"Calendar", "Events"})


def duration(module: str, held: Mapping[str, str | None]) -> Values:
    """The hours and minutes from start to end, whatever was sent (measured on 7.2, 8.0 and 8.4).

    Without a time of its end, a task lasts until its last day is over.
    """
    if module not in ACTIVITIES:
        return {}
    try:
        start = datetime.fromisoformat(f"{held['date_start']} {held['time_start']}")
        end = datetime.fromisoformat(f"{held['due_date']} {held['time_end'] or '00:00:00'}")
    except ValueError:
        return {}
    minutes = int((end + timedelta(days=not held["time_end"]) - start).total_seconds() / 60)
    return {"duration_hours": str(int(minutes / 60)), "duration_minutes": str(minutes - int(minutes / 60) * 60)}
