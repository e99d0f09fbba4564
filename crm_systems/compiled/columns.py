"""One field's values on a page, which get their types together.

A column in which each text is written the usual way needs a few steps in all; of any other, each text is looked up
among those that were met before, and only a new one is converted, with care.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, sub
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import UNSET, Raw, to_builtins

from crm_systems.model import Kind
from crm_systems.times import PLAIN_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crm_systems.compiled.records import Record
    from crm_systems.kinds import Notation, Values
    from crm_systems.model import Field

    Together = Callable[[str, list[str]], list[Any] | None]

_INTEGERS = re.compile(r"(?:\d{1,18}\n)+", re.ASCII)
_NUMBERS = re.compile(r"(?:-?(?:[1-9]\d{0,20}(?:\.\d{1,12})?|0(?:\.\d{1,6})?)\n)+", re.ASCII)
_DAYS = re.compile(r"(?:\d{4}-\d\d-\d\d\n)+", re.ASCII)
_TIMES = re.compile(rf"(?:{PLAIN_TIME}\n)+", re.ASCII)
_TIMES_IN_UTC = re.compile(rf"(?:{PLAIN_TIME}(?:\.(?!0{{6}})\d{{6}})?\+00:00\n)+", re.ASCII)


def _integers(told: str, column: list[str]) -> list[Any] | None:
    return list(map(int, column)) if _INTEGERS.fullmatch(told) else None


def _numbers(told: str, column: list[str]) -> list[Any] | None:
    """The digits that came in are those that go out."""
    is_one_each = told.count("\n") == len(column)
    return list(map(Raw, told.encode().splitlines())) if is_one_each and _NUMBERS.fullmatch(told) else None


def _days(told: str, column: list[str]) -> list[Any] | None:
    return column if _DAYS.fullmatch(told) and all(map(date.fromisoformat, column)) else None


def times_in(zone: ZoneInfo) -> Together:
    """What types times that say no zone and are of this one, or say that they are in UTC."""

    def typed(told: str, column: list[str]) -> list[Any] | None:
        if not (says_utc := _TIMES_IN_UTC.fullmatch(told)) and not _TIMES.fullmatch(told):
            return None
        times = list(map(datetime.fromisoformat, column))
        if says_utc:
            return told.replace(" ", "T").splitlines()
        if zone.key == "UTC":
            return told.replace(" ", "T").replace("\n", "+00:00\n").splitlines()
        shifted = list(map(sub, times, map(zone.utcoffset, times)))
        # It writes times in a fraction of the time that they take themselves.
        return [f"{time}+00:00" for time in to_builtins(shifted)]

    return typed


class Column:
    """Types the values of one field; ``values`` says what any text becomes."""

    def __init__(self, place: str, field: Field, values: Values, notation: Notation) -> None:
        self._place = place
        self._raw = attrgetter(place)
        self._cells = _Cells(values)
        together: dict[Kind, Together] = {
            Kind.INTEGER: _integers,
            Kind.NUMBER: _numbers,
            Kind.DATE: _days,
            Kind.DATETIME: times_in(ZoneInfo(notation.timezone)),
        }
        self._together = together.get(field.kind)

    def type(self, rows: Sequence[Record]) -> None:
        """Gives the values of these rows, texts or None, the type of the field."""
        raw = list(map(self._raw, rows))
        typed = self._usual(raw) or list(map(self._cells.__getitem__, raw))
        if typed is not raw:
            # Python's fastest loop.
            deque(map(setattr, rows, repeat(self._place), typed), maxlen=0)

    def _usual(self, raw: list[Any]) -> list[Any] | None:
        """The typed values, if each is written the usual way."""
        if self._together is None:
            return None
        try:
            return self._together("\n".join(raw) + "\n", raw)
        except (TypeError, ValueError, OverflowError):
            return None  # Some are null, or no days.


class _Cells(dict[Any, Any]):
    """What the texts of a field become: for a decimal, the digits that are written."""

    def __init__(self, values: Values) -> None:
        super().__init__({None: None, UNSET: UNSET})
        self._values = values

    def __missing__(self, raw: str) -> Any:
        value = self._values[raw]
        cell = Raw(str(value).encode()) if isinstance(value, Decimal) else value
        if raw in self._values:  # What does not fit is not: it is counted each time.
            self[raw] = cell
        return cell
