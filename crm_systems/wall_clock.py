"""Times of CRMs that write what a clock on the wall shows, without an offset."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from crm_systems.times import moment

WIDEST = timedelta(hours=26)
"""How far two zones on earth may lie apart, from -12:00 to +14:00."""
STEP = timedelta(minutes=15)
"""Of which all offsets are multiples."""
_USUAL = ("UTC", "Europe/Prague", "Europe/Warsaw", "Europe/Kaliningrad", "Europe/Moscow", "Europe/London")


def earliest(since: datetime, zone: ZoneInfo) -> datetime:
    """The earliest instant as which a change at or after ``since`` may be read from a clock on the wall.

    Such a clock tells whole seconds and no offset: in the hour that it runs through twice, a later change may seem
    to come first. So may one around the hour that it leaves out, which a clock of another zone does show.
    """
    here = since.astimezone(zone).replace(microsecond=0)
    offsets = {(since + timedelta(hours=hours)).astimezone(zone).utcoffset() or timedelta() for hours in (-1, 0, 1)}
    first_reading = here.replace(tzinfo=None, fold=0).replace(tzinfo=zone).astimezone(timezone.utc)
    return (first_reading - (max(offsets) - min(offsets))).astimezone(zone)


def instant(written: Any, zone: ZoneInfo) -> datetime | None:
    """A time as the CRM writes it, aware; None where there is none or it cannot be read."""
    try:
        return datetime.fromisoformat(read) if written not in (None, "") and (read := moment(written, zone)) else None
    except (ValueError, TypeError, OverflowError):
        return None


def may_be_made_between(stamp: datetime, since: datetime, now: datetime) -> bool:
    """Whether a change may be of the time from ``since`` to ``now``, whatever the zone of its stamp."""
    return abs(now - stamp) <= WIDEST and (now - stamp) % STEP <= now - since


def zone_like(offset: timedelta, at: datetime) -> str:
    """The name of a zone that has this offset at a time; empty where there is none."""
    names = (*_USUAL, *sorted(available_timezones(), key=lambda name: (not name.startswith("Europe/"), name)))
    known = (name for name in names if name in _USUAL or "/" in name)
    return next((name for name in known if at.astimezone(ZoneInfo(name)).utcoffset() == offset), "")
