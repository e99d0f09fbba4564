"""How seeded values are spread over the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm import odd

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = datetime(2025, 1, 1)
_YEAR = 360 * 86400


def at(position: int, count: int) -> str:
    """A moment of 2025, spread evenly and out of order."""
    step = _YEAR / count
    return (_START + timedelta(seconds=int(position * 7919 % count * step))).isoformat(" ")


def pick(values: Sequence[Any], position: int) -> Any:
    """One of the values; which one follows no other rhythm of the rows."""
    value = values[(position * 2654435761 >> 11) % len(values)]
    return list(value) if isinstance(value, list) else value


def branches(id_: int) -> list[int]:
    if id_ % 50 == 3:
        return [3]
    if id_ % 9 == 0:
        return [1, 2]
    return [2] if id_ % 5 == 1 else [1]


def note(id_: int) -> str | None:
    """The very long text stands in few rows, whatever their number."""
    note: str | None = pick(odd.NOTES, id_)
    return note if note is None or len(note) < 1000 or id_ < 100 else "кратко"
