"""Values to be written: into typed ones, as a read would give them, and those into a CRM's own notation."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal

from crm_systems import kinds
from crm_systems.model import Kind
from crm_systems.times import may_count_time, of_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.kinds import Notation
    from crm_systems.model import Entity, Field


def is_empty(value: Any) -> bool:
    """Whether a value says nothing; 0 and False say something."""
    return value is None or (not value and value in ("", [], {}))


_ONE_LINE = frozenset({Kind.PICKLIST, Kind.OWNER, Kind.EMAIL, Kind.PHONE, Kind.URL})
"""Kinds of text that a list or an object is not written out as."""


def typed(field: Field, value: Any, notation: Notation) -> Any:
    """An incoming value as a read of the field would give it; a pick list's label becomes its value.

    NaN is null, as data frames mean it. What does not mean a value of the field's kind is never made one.

    Raises:
        ValueError: it does not fit the field's kind; the text says what would.
    """
    try:
        value = meant(value)
        if is_empty(value):
            return None
        if field.choices and field.kind in {Kind.INTEGER, Kind.PICKLIST}:
            value = _choice(field, spelled(value)) if not isinstance(value, (list, dict)) else value
        converted = _converted(field.kind, value, notation)
    except (ValueError, TypeError, OverflowError, InvalidOperation, RecursionError):
        raise ValueError(f"is no {field.kind.value}") from None
    if field.choices and field.kind is Kind.MULTIPICKLIST:
        return [_choice(field, each) for each in converted]
    return converted


def meant(value: Any) -> Any:
    """A JSON value with null for NaN, at any depth.

    Raises:
        ValueError: a number in it is infinite.
    """
    if isinstance(value, list):
        return [meant(each) for each in value]
    if isinstance(value, dict):
        return {name: meant(each) for name, each in value.items()}
    if isinstance(value, (float, Decimal)) and not isfinite(value):
        if isnan(value):
            return None
        raise ValueError
    return value


def spelled(value: Any) -> str:
    """A value as a text that is the same for the same JSON: 11 and 11.0, 1.5 and 1.50 have one.

    Raises:
        ValueError: it is a number beyond all measure, or none.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        exact = Decimal(kinds.number(value))
        plain = format(exact, "f")
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain) if exact else "0"
    return kinds.text(value)


def _converted(kind: Kind, value: Any, notation: Notation) -> Any:
    """A value of this kind that means the same as an incoming one that is not empty."""
    is_many = isinstance(value, (list, dict))
    if kind is Kind.TIME:
        return of_day(value)
    if (kind in _ONE_LINE or kind is Kind.REFERENCE) and is_many:
        raise TypeError
    if kind is Kind.REFERENCE:
        return kinds.reference(spelled(value))
    if kind in kinds.TEXTS:
        exact = kinds.number(value) if isinstance(value, Decimal) else value
        return spelled(value) if isinstance(value, bool) or kind in _ONE_LINE else kinds.text(exact)
    if kind is Kind.MULTIPICKLIST:
        return _several(value, notation.separator)
    if kind is Kind.LIST:
        return [each for each in meant(kinds.list_of_any(value)) if each is not None]
    if kind is Kind.ANY and value in ("true", "false"):  # as flattening spells them
        value = value == "true"
    is_bare = not isinstance(value, str)
    if is_bare and (kind is Kind.DATE or (kind is Kind.DATETIME and not may_count_time(value))):
        raise TypeError
    return _converter(kind, notation)(value)


_converter = cache(kinds.converter)


def _several(value: Any, separator: str) -> list[str]:
    """The values of a multi-picklist; a list that comes as JSON text is opened."""
    if isinstance(value, str):
        opened = _list_in(value)
        if opened is None:
            return kinds.several(value, separator)
        value = meant(opened)
    several = value if isinstance(value, list) else [value]
    if any(isinstance(each, (list, dict)) for each in several):
        raise TypeError
    return [spelled(each) for each in several if not is_empty(each)]


def _list_in(written: str) -> list[Any] | None:
    """The list that a text says as JSON, if it says one."""
    if not written.lstrip().startswith("["):
        return None
    try:
        opened = kinds.opened_json(written)
    except ValueError:
        return None
    return opened if isinstance(opened, list) else None


def _choice(field: Field, written: str) -> str:
    """The value of a pick list's entry that is called by value or by label; one that is not in the list is kept."""
    if any(choice.value == written for choice in field.choices):
        return written
    return next((choice.value for choice in field.choices if choice.label == written), written)


def is_listed(field: Field, value: Any) -> bool:
    """Whether a typed value of a pick list is one that its list has, or none."""
    values = {choice.value for choice in field.choices}
    return is_empty(value) or values.issuperset(value if isinstance(value, list) else [str(value)])


def encode(kind: Kind, value: Any, notation: Notation) -> Any:
    """A typed value in the CRM's notation."""
    if value is None:
        return ""
    if kind is Kind.BOOLEAN:
        return "1" if value else "0"
    if kind is Kind.NUMBER or kind is Kind.INTEGER:
        return format(Decimal(value), "f")
    if kind is Kind.DATETIME:
        local = datetime.fromisoformat(value).astimezone(notation.zone)
        return local.replace(tzinfo=None).isoformat(" ", "seconds")
    if kind is Kind.MULTIPICKLIST and notation.separator:
        return notation.separator.join(value)
    return value if value.__class__ is str else _plain(value)


def _plain(value: Any) -> Any:
    """The same with numbers that JSON knows, at any depth."""
    if isinstance(value, Decimal):
        return kinds.json_number(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def same(kind: Kind, one: Any, other: Any) -> bool:
    """Whether two typed values mean the same, exactly: accents, case and blanks count.

    Of an object, only the parts that the first has count: the CRM fills in the others.
    """
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    if kind is Kind.OBJECT and isinstance(one, dict) and isinstance(other, dict):
        return all(same(Kind.ANY, part, other.get(name)) for name, part in one.items())
    if kind is Kind.TIME:
        return _clock(one) == _clock(other)
    if kind is Kind.NUMBER:
        return Decimal(str(one)) == Decimal(str(other))
    if kind is Kind.MULTIPICKLIST:
        return sorted(one) == sorted(other)
    if isinstance(one, str) != isinstance(other, str):
        one, other = _opened(one), _opened(other)
    return bool(one == other) or (kind is Kind.LIST and _same_ids(one, other)) or _came_from_a_warehouse(one, other)


def _came_from_a_warehouse(one: Any, other: Any) -> bool:
    """Whether a text is what the tap makes of another for databases that cannot hold U+0000."""
    both = isinstance(one, str) and isinstance(other, str)
    return both and "\0" in other and one == other.replace("\0", "\ufffd")


def _opened(value: Any) -> Any:
    """What a list, an object, true or false is that came as JSON text; anything else as it is."""
    with suppress(ValueError):
        opened = kinds.opened_json(value)
        return opened if isinstance(opened, (list, dict, bool)) else value
    return value


def _same_ids(one: Any, other: Any) -> bool:
    """Whether two lists hold the same ids, which may be numbers or texts."""
    both = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
    return both and all(a == b or str(a) == str(b) for a, b in zip(one, other, strict=True))


def _clock(written: str) -> str:
    """``9:30`` as ``09:30:00``."""
    parts = [*str(written).split(":"), "00", "00"][:3]
    return ":".join(part.zfill(2) for part in parts)


def respelt(form: Literal["NFC", "NFD"], value: Any) -> Any:
    """A text with its letters composed, as people type them, or apart from their accents; anything else as it is."""
    return unicodedata.normalize(form, value) if isinstance(value, str) else value


def identifying(kind: Kind, value: Any) -> Any:
    """A value by which a record is recognised, in the one spelling of all that count as the same text.

    A composed letter is its parts. Of an e-mail, neither case nor the blanks around it count.
    """
    composed = respelt("NFC", value)
    return composed.strip().casefold() if kind is Kind.EMAIL and isinstance(composed, str) else composed


def matches(entity: Entity, match: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record has the values that identify it; a server's comparison also finds Müller for Muller."""
    for name, wanted in match.items():
        field = entity.field(name)
        found = record.get(name)
        if field is None or found is None:
            return False
        if field.kind in kinds.TEXTS:
            if found != wanted and identifying(field.kind, str(found)) != identifying(field.kind, str(wanted)):
                return False
        elif not same(field.kind, wanted, found):
            return False
    return True
