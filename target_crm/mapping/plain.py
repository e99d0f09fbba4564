"""The quick way into a CRM's terms: what says of incoming values that they are typed as they come."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import msgspec

from crm_systems.compiled import can_be_named
from crm_systems.kinds import TEXTS
from crm_systems.model import Kind
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_systems.model import Field

LONG = 100
"""From so many characters on, a number is looked at with care."""

REMEMBERED = 4096
"""How many days and times are remembered: most come again."""


def is_plain_text(value: Any) -> bool:
    """Whether it is a text that is typed as it comes, where any text fits."""
    return type(value) is str and value != "" and (value.isascii() or value.isprintable())


def _is_plain_number(value: Any) -> bool:
    """An integer, or a decimal that is written without an exponent."""
    if type(value) is not Decimal:
        return type(value) is int
    written = str(value)
    return value.is_finite() and "E" not in written and len(written) < LONG


def _as_iso(parse: Callable[[str], date | time | datetime], length: int, end: str = "") -> Callable[[Any], bool]:
    """What says of a text whether it is a day, a time of day or an instant as ISO 8601 spells it."""

    @lru_cache(maxsize=REMEMBERED)
    def is_iso(value: str) -> bool:
        try:
            return parse(value).isoformat() == value
        except ValueError:
            return False

    def is_plain(value: Any) -> bool:
        is_long = type(value) is str and len(value) == length
        return is_long and value[0] in "012" and value.endswith(end) and is_iso(value)

    return is_plain


_AS_THEY_COME: Mapping[Kind, Callable[[Any], bool]] = {
    **dict.fromkeys(TEXTS - {Kind.TIME, Kind.OWNER}, is_plain_text),
    Kind.NUMBER: _is_plain_number,
    Kind.INTEGER: lambda value: type(value) is int,
    Kind.BOOLEAN: lambda value: type(value) is bool,
    Kind.DATE: _as_iso(date.fromisoformat, len("2021-05-06")),
    Kind.TIME: _as_iso(time.fromisoformat, len("13:45:00")),
    Kind.DATETIME: _as_iso(datetime.fromisoformat, len("2021-05-06T13:45:00+00:00"), "+00:00"),
    Kind.MULTIPICKLIST: lambda value: type(value) is list and value != [] and all(map(is_plain_text, value)),
}


def as_it_comes(field: Field) -> Callable[[Any], bool]:
    """The quick way: what says of a value whether :func:`~crm_systems.wire.typed` would give that very value."""
    is_plain = _AS_THEY_COME.get(field.kind, lambda _value: False)
    values = frozenset(choice.value for choice in field.choices)
    if field.kind is Kind.PICKLIST and values:
        return lambda value: is_plain_text(value) and value in values
    if field.kind is Kind.MULTIPICKLIST and values:
        return lambda value: is_plain(value) and values.issuperset(value)
    return (lambda _value: False) if values else is_plain


_HAS_SOME = msgspec.Meta(min_length=1)
_TEXT = Annotated[str, _HAS_SOME]
_BY_TYPE: Mapping[Kind, Any] = {
    **dict.fromkeys(TEXTS - {Kind.TIME, Kind.OWNER}, _TEXT),
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.MULTIPICKLIST: Annotated[list[_TEXT], _HAS_SOME],
}


class Place(NamedTuple):
    """Where an incoming field goes, if anywhere; which of its values are typed as they come, and whether as texts."""

    name: str = ""
    field: Field | None = None
    is_typed: Callable[[Any], bool] | None = None
    is_text: bool = False


def _rivals(places: Mapping[str, Place]) -> list[list[str]]:
    """The incoming fields that go where another one goes, together with that one."""
    by_field = defaultdict[str, list[str]](list)
    for incoming, place in places.items():
        by_field[place.name].append(incoming)
    return [several for name, several in by_field.items() if name and len(several) > 1]


def _type_of(place: Place) -> Any:
    """The type that values of a field have which are typed as they come; None where no type tells."""
    field = place.field
    if field is None or place.is_typed is None:
        return None
    if not field.choices:
        return _BY_TYPE.get(field.kind)
    listed = tuple(choice.value for choice in field.choices if choice.value)
    if field.kind not in {Kind.PICKLIST, Kind.MULTIPICKLIST} or not listed:
        return None
    one: Any = Literal.__getitem__(listed)
    return one if field.kind is Kind.PICKLIST else Annotated[list[one], _HAS_SOME]


class AsTheyCome:
    """The quick way for a record: its values whose types tell, all at once, that they are typed as they come.

    ``places``: of all fields that may come, by incoming name. The record must be one that UTF-8 can hold.
    """

    def __init__(self, places: Mapping[str, Place]) -> None:
        self.met = frozenset(places)
        self._rivals = _rivals(places)
        """None among the fields that are declared."""
        types = {each: told for each, place in places.items() if can_be_named(each) and (told := _type_of(place))}
        self._names = {each: places[each].name for each in types}
        """The fields of the CRM, by incoming name."""
        self.others = tuple(each for each, place in places.items() if place.field and each not in types)
        """The incoming fields that must be looked at one by one."""
        incoming = {f"field{number}": each for number, each in enumerate(types)}
        shape = [(each, types[name] | None, None) for each, name in incoming.items()]
        self._shape = msgspec.defstruct("Shape", shape, rename=incoming, gc=False)

    def of(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values of these fields by field of the CRM; None where one of them needs care.

        Raises:
            Reject: two fields of the record would be written to the same one.
        """
        for several in self._rivals:
            if len(here := [each for each in several if each in record]) > 1:
                raise Reject(f"its {' and '.join(here)} would be written to the same field")
        try:
            msgspec.convert(record, self._shape)
        except msgspec.ValidationError:
            return None
        names = self._names
        return {names[incoming]: value for incoming, value in record.items() if incoming in names}
