"""Days, times of day and instants, and how they read on a CRM's wall clock, which tells no offset."""

from __future__ import annotations

import re
from datetime import MINYEAR, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_DATED = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\.(\d\d)\.(\d{4}))(?:[Tt]|\s+(?=\S)|$)(.*)", re.ASCII)
"""``yyyy-mm-dd`` or ``dd.mm.yyyy``, and what stands behind it."""
_CLOCK = re.compile(
    r"(\d\d)(?:(:?)(\d\d)(?:\2(\d\d)(?:[.,](\d+))?)?)?\s*(?:(Z|UTC)|([+-]\d\d)(?::?(\d\d)(:\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
"""A time of day and its offset, in all spellings of ISO 8601; Python 3.10 reads fewer than later ones."""
_NEVER = re.compile(r"(0000-00-00|00\.00\.0000)([T ]00:00(:00(\.0+)?)?)?Z?")
_PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
PLAIN_TIME = r"\d{4}-\d\d-\d\d[ T](?!24)\d\d:\d\d:\d\d"
"""What most values are: they are read at once, as all that follows would read them.

Not midnight as the end of a day, which Python from 3.14 on takes for the beginning of the next.
"""
_PLAIN_TIME = re.compile(PLAIN_TIME, re.ASCII)
_SECONDS = len("yyyy-mm-dd hh:mm:ss")
UTC = ZoneInfo("UTC")
_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.0+)?)?", re.ASCII)

_MILLISECONDS_FROM = 100_000_000_000
"""A bare number at least this large counts milliseconds since 1970, a smaller one seconds (until the year 5138)."""
_DAYS_FROM = 100_000_000
"""A bare number below this is no instant of which only the day counts: 20240131 is a warehouse's key of a day, 45322 a
spreadsheet's count of days."""
_PLAUSIBLE = range(1_000_000_000, 2_000_000_000)
"""Seconds from 2001 to 2033. Keys such as 20240131, 2024013109 or 202401310930 lie outside, and in milliseconds too."""


def day(value: Any) -> str | None:
    """A date as ``yyyy-mm-dd``; takes ``dd.mm.yyyy`` and a time behind the date as well.

    Raises:
        ValueError, TypeError: there is no such day.
    """
    if value.__class__ is str and _PLAIN_DAY.fullmatch(value) and value != "0000-00-00":
        date.fromisoformat(value)
        return str(value)
    if isinstance(value, (int, Decimal)):
        if -_DAYS_FROM < value < _DAYS_FROM:
            raise ValueError
        return _from_epoch(value).date().isoformat()
    written = str(value).strip()
    if _NEVER.fullmatch(written):
        return None
    return _parsed(written).date().isoformat()


def moment(value: Any, zone: ZoneInfo) -> str | None:
    """A time as RFC 3339 in UTC; one without a zone is placed in ``zone``.

    Raises:
        ValueError, TypeError, OverflowError: there is no such time.
    """
    if value.__class__ is str and _PLAIN_TIME.fullmatch(value, 0, _SECONDS) and value[:4] != "0000":
        if len(value) == _SECONDS:
            return _plain_moment(value, zone)
        if value[_SECONDS:] == "+00:00":
            return _plain_moment(value[:_SECONDS], UTC)
    if isinstance(value, (int, Decimal)):
        return _from_epoch(value).isoformat()
    written = str(value).strip()
    if _NEVER.fullmatch(written):
        return None
    parsed = _parsed(written)
    placed = parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
    return placed.astimezone(timezone.utc).isoformat()


def _plain_moment(written: str, zone: ZoneInfo) -> str:
    """What :func:`moment` gives for ``yyyy-mm-dd hh:mm:ss``, in few steps."""
    parsed = datetime.fromisoformat(written)
    if zone.key == "UTC":
        return f"{written[:10]}T{written[11:]}+00:00"
    return f"{(parsed - (zone.utcoffset(parsed) or timedelta())).isoformat()}+00:00"


def may_count_time(value: Any) -> bool:
    """Whether a bare number may well count seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    return int(value) in _PLAUSIBLE or int(value) // 1000 in _PLAUSIBLE


def of_day(value: Any) -> str:
    """A time of day as ``hh:mm:ss``; takes ``9:30``, and neither ``9:30 PM`` nor fractions of a second.

    Raises:
        ValueError: it is none.
    """
    found = _OF_DAY.fullmatch(str(value).strip())
    if not found:
        raise ValueError
    return time(int(found[1]), int(found[2]), int(found[3] or 0)).isoformat()


def _parsed(written: str) -> datetime:
    found = _DATED.fullmatch(written)
    if not found:
        raise ValueError
    year, month, day_, rest = found[1] or found[6], found[2] or found[5], found[3] or found[4], found[7]
    midnight = datetime.combine(date(int(year), int(month), int(day_)), time())
    return datetime.fromisoformat(f"{midnight.date().isoformat()}T{_spelt_out(rest)}") if rest else midnight


def _spelt_out(clock: str) -> str:
    found = _CLOCK.fullmatch(clock)
    if not found:
        raise ValueError
    hour, _, minute, second, parts, is_utc, hours, minutes, seconds = found.groups(default="")
    offset = "+00:00" if is_utc else f"{hours}:{minutes or '00'}{seconds}" if hours else ""
    return f"{hour}:{minute or '00'}:{second or '00'}.{parts[:6]:0<6}{offset}"


def _from_epoch(value: int | Decimal) -> datetime:
    if isinstance(value, bool):
        raise TypeError
    is_seconds = -_MILLISECONDS_FROM < value < _MILLISECONDS_FROM
    seconds = float(value) if is_seconds else float(value) / 1000
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


WIDEST = timedelta(hours=26)
"""How far two zones on earth may lie apart, from -12:00 to +14:00."""
STEP = timedelta(minutes=15)
"""Of which all offsets are multiples."""
_USUAL = ("UTC", "Europe/Prague", "Europe/Warsaw", "Europe/Kaliningrad", "Europe/Moscow", "Europe/London")


def earliest(since: datetime, zone: ZoneInfo) -> datetime:
    """The earliest instant as which a change at or after ``since`` may be read from a wall clock.

    Such a clock tells whole seconds and no offset: in the hour that it runs through twice, a later change may seem
    to come first. So may one around the hour that it leaves out, which a clock of another zone does show.
    """
    here = since.astimezone(zone).replace(microsecond=0)
    offsets = {(since + timedelta(hours=hours)).astimezone(zone).utcoffset() or timedelta() for hours in (-1, 0, 1)}
    first_reading = here.replace(tzinfo=None, fold=0).replace(tzinfo=zone).astimezone(timezone.utc)
    return (first_reading - (max(offsets) - min(offsets))).astimezone(zone)


def instant(written: Any, zone: ZoneInfo) -> datetime | None:
    """A time as the CRM writes it, aware; None where there is none or it cannot be read.

    In the year 1 nothing was changed: some programs write it for never, and no time before it could be reckoned.
    """
    try:
        found = datetime.fromisoformat(read) if written not in (None, "") and (read := moment(written, zone)) else None
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found and found.year > MINYEAR else None


def read_moment(written: str, zone: ZoneInfo) -> datetime:
    """A time as people and earlier runs write it, aware.

    Raises:
        ValueError, OverflowError: it is none, or so near an end of the calendar that no other zone might have it.
    """
    found = datetime.fromisoformat(moment(written, zone) or "")
    return found - 3 * WIDEST + 6 * WIDEST - 3 * WIDEST


def long_ago(now: datetime) -> str:
    """The first day that is not days before ``now``, in whatever zone."""
    return (now - 2 * WIDEST).date().isoformat()


def is_before(written: Any, day: str) -> bool:
    """Whether a time as a CRM writes it lies before a day; False where that takes a look."""
    is_plain = written.__class__ is str and len(written) >= _SECONDS and _PLAIN_DAY.match(written)
    return bool(is_plain and written < day)


def may_be_made_between(stamp: datetime, since: datetime, now: datetime) -> bool:
    """Whether a change may be of the time from ``since`` to ``now``, whatever the zone of its stamp."""
    return abs(now - stamp) <= WIDEST and (now - stamp) % STEP <= now - since


def is_zone(name: Any) -> TypeGuard[str]:
    """Whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (TypeError, ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a folder of zones, such as Europe
        return False
    return True


def zone_like(offset: timedelta, at: datetime) -> str:
    """The name of a zone that has this offset at a time; empty where there is none."""
    names = (*_USUAL, *sorted(available_timezones(), key=lambda name: (not name.startswith("Europe/"), name)))
    known = (name for name in names if name in _USUAL or "/" in name)
    return next((name for name in known if at.astimezone(ZoneInfo(name)).utcoffset() == offset), "")
