"""Whether stamps fit the zone in which they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crm_systems.times import STEP, zone_like

FURTHEST = timedelta(hours=14)
"""How far a zone that was set by mistake may be off; a stamp further ahead was set by hand."""
CLOCKS_DIFFER = timedelta(minutes=5)
JUST_NOW = timedelta(minutes=5)
SLACK = timedelta(minutes=2)
"""Some systems tell no seconds."""


@dataclass
class Evidence:
    """What the stamps of changes tell of the CRM's wall clock.

    Changes that are new in this run were made between the server's clock at the last run (``since``; None: any time)
    and now, so each stamp bounds by how much that clock leads the clock of the zone that is set.
    """

    since: datetime | None
    least: timedelta = -2 * FURTHEST
    most: timedelta = 2 * FURTHEST
    _ahead: set[datetime] = field(default_factory=set)

    def note(self, stamp: datetime, now: datetime) -> None:
        """Notes the stamp of a change, read when the server's clock was at ``now``."""
        lead = stamp - now
        if lead > FURTHEST:
            return
        self.least = max(self.least, lead)
        if lead > CLOCKS_DIFFER and len(self._ahead) <= 1:
            self._ahead.add(stamp)
        if self.since:
            self.most = min(self.most, stamp - self.since)

    def lead(self) -> timedelta | None:
        """By how much the CRM's clock leads (negative: lags behind) that of the zone; None where it may be right."""
        if self.least > CLOCKS_DIFFER:
            lead = -(-(self.least - SLACK) // STEP) * STEP
            is_sure = bool(self.since) or len(self._ahead) > 1 or lead - self.least < JUST_NOW
        elif self.most < -CLOCKS_DIFFER:
            lead, is_sure = (self.most + SLACK) // STEP * STEP, True
        else:
            return None
        fits = self.least - SLACK <= lead <= self.most + SLACK and abs(lead) <= FURTHEST
        return lead if is_sure and fits else None


def zone_warning(lead: timedelta, zone: str, now: datetime) -> str:
    """What to tell people; empty where no zone would fit either."""
    offset = (now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()) + lead
    name = zone_like(offset, now)
    hours, minutes = divmod(int(abs(lead).total_seconds()) // 60, 60)
    direction = "in the future" if lead > timedelta() else "behind the server's clock"
    where = f"{hours}:{minutes:02} hours {direction}"
    signed = f"{'-' if offset < timedelta() else '+'}{abs(offset) // timedelta(hours=1):02}"
    shown = f"{signed}:{abs(offset) % timedelta(hours=1) // timedelta(minutes=1):02}"
    return name and (
        f"The time zone {zone} cannot be the CRM's: changes made just now are stamped {where}. "
        f"Set `timezone` to the CRM's zone; one of UTC{shown}, such as {name}, would fit."
    )
