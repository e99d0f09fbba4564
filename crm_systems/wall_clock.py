"""Times of CRMs that write what a clock on the wall shows, without an offset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.times import moment

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def earliest(since: datetime, zone: ZoneInfo) -> datetime:
    """The earliest instant as which a change at or after ``since`` may be read from a clock on the wall.

    Such a clock tells whole seconds and no offset: in the hour that it runs through twice, a later change may seem
    to come first.
    """
    here = since.astimezone(zone).replace(microsecond=0)
    later = (since + timedelta(hours=1)).astimezone(zone)
    turned_back = (here.utcoffset() or timedelta()) - (later.utcoffset() or timedelta())
    return (here.replace(tzinfo=None) - max(turned_back, timedelta())).replace(tzinfo=zone)


def instant(written: Any, zone: ZoneInfo) -> datetime | None:
    """A time as the CRM writes it, aware; None where there is none or it cannot be read."""
    try:
        return datetime.fromisoformat(read) if written not in (None, "") and (read := moment(written, zone)) else None
    except (ValueError, TypeError, OverflowError):
        return None
