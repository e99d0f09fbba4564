"""The quick way into a CRM's terms: what says of an incoming value that it is typed as it comes."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_systems.model import Field

LONG = 100
"""From so many characters on, a number is looked at with care."""


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

    def is_plain(value: Any) -> bool:
        if type(value) is not str or len(value) != length or value[0] not in "012" or not value.endswith(end):
            return False
        try:
            return parse(value).isoformat() == value
        except ValueError:
            return False

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
