"""One field's values on a page, which get their types together.

A column in which each text is empty or written the usual way needs a few steps in all, most of them msgspec's; of any
other, each text is looked up among those that were met before, and only a new one is converted, with care.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from operator import sub
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, convert, to_builtins
from msgspec.json import Decoder

from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from crm_systems.kinds import Notation, Values

    Together = Callable[[Sequence[str]], Sequence[Any] | None]

_MOST_DIGITS = 30
"""A number with more of them is read with care."""
_DIGITS = b"0123456789-,"
_INTEGERS = Decoder(list[int])
_NUMBERS = Decoder(list[Raw])
_TIME = len("yyyy-mm-dd hh:mm:ss")
_IN_UTC = re.compile(r"(?:[^\nt]{19}(?:\.(?!0{6})\d{6})?\+00:00\n)+")


def _integers(column: Sequence[str]) -> list[Any] | None:
    return _of_digits(column, _DIGITS, _INTEGERS)


def _numbers(column: Sequence[str]) -> list[Any] | None:
    """The digits that came in are those that go out."""
    return _of_digits(column, _DIGITS + b".", _NUMBERS)


def _of_digits(column: Sequence[str], known: bytes, decoder: Decoder[list[Any]]) -> list[Any] | None:
    """What JSON says of texts that hold nothing but these characters, so that none can pass for fewer than one."""
    told = ",".join(column).encode()
    if told.translate(None, known) or max(map(len, column)) > _MOST_DIGITS:
        return None
    found = decoder.decode(b"[%b]" % told)
    return found if len(found) == len(column) else None


def _days(column: Sequence[str]) -> Sequence[Any] | None:
    convert(column, list[date])
    return column


def times_in(zone: ZoneInfo) -> Together:
    """What types times that say no zone and are of this one, or say that they are in UTC."""

    def typed(column: Sequence[str]) -> list[Any] | None:
        times, told = convert(column, list[datetime]), "\n".join(column) + "\n"
        if _IN_UTC.fullmatch(told):
            return told.replace(" ", "T").splitlines()
        # None can be shorter, and one that is longer says more.
        if len(told) != (_TIME + 1) * len(column) or "t" in told:
            return None
        if zone.key == "UTC":
            return told.replace(" ", "T").replace("\n", "+00:00\n").splitlines()
        shifted = list(map(sub, times, map(zone.utcoffset, times)))
        # It writes times in a fraction of the time that they take themselves.
        return [f"{time}+00:00" for time in to_builtins(shifted)]

    return typed


class Column:
    """Types the values of one field; ``values`` says what any text becomes."""

    def __init__(self, values: Values, notation: Notation) -> None:
        self._cells = _Cells(values)
        self._is_text = values.kind in TEXTS
        together: dict[Kind, Together] = {
            Kind.INTEGER: _integers,
            Kind.NUMBER: _numbers,
            Kind.DATE: _days,
            Kind.DATETIME: times_in(notation.zone),
        }
        self._together = together.get(values.kind)

    def typed(self, raw: Sequence[Any]) -> Sequence[Any]:
        """These values, texts or None, in the type of the field."""
        if self._is_text:
            return raw if all(raw) else [None if each == "" else each for each in raw]
        usual = usually(self._together, raw) if self._together else None
        return list(map(self._cells.__getitem__, raw)) if usual is None else usual


def usually(together: Together, raw: Sequence[Any]) -> Sequence[Any] | None:
    """The typed values, if all that are not empty are written the usual way."""
    told = raw if all(raw) else [each for each in raw if each]
    try:
        typed = together(told) if told else None
    except (TypeError, ValueError, OverflowError):
        return None  # There are no such days or numbers.
    if typed is None or told is raw:
        return typed
    left = iter(typed)
    return [next(left) if each else UNSET if each is UNSET else None for each in raw]


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
