"""The way out: incoming values into typed ones, as a read would give them, and those into a CRM's own notation."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_systems import kinds
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.kinds import Notation
    from crm_systems.model import Entity, Field


def is_empty(value: Any) -> bool:
    """Whether a value says nothing; 0 and False say something."""
    return value is None or value in ("", [], {})


def typed(field: Field, value: Any, notation: Notation) -> Any:
    """An incoming value as a read of the field would give it; a pick list's label becomes its value.

    Raises:
        ValueError: it does not fit the field's kind; the text says what would.
    """
    if is_empty(value):
        return None
    if field.choices and field.kind is Kind.INTEGER:
        value = _choice(field, str(value))
    try:
        if isinstance(value, bool) and field.kind in kinds.TEXTS:
            return "true" if value else "false"
        converted = kinds.converter(field.kind, ZoneInfo(notation.timezone), notation.separator)(value)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        raise ValueError(f"is no {field.kind.value}") from None
    if field.choices and field.kind is Kind.PICKLIST:
        return _choice(field, converted)
    if field.choices and field.kind is Kind.MULTIPICKLIST:
        return [_choice(field, each) for each in converted]
    return converted


def _choice(field: Field, written: str) -> str:
    """The value of a pick list's entry that is called by value or by label; one that is not in the list is kept."""
    if any(choice.value == written for choice in field.choices):
        return written
    return next((choice.value for choice in field.choices if choice.label == written), written)


def wire(kind: Kind, value: Any, notation: Notation) -> Any:
    """A typed value in the CRM's notation."""
    if value is None:
        return ""
    if kind is Kind.BOOLEAN:
        return "1" if value else "0"
    if kind in {Kind.NUMBER, Kind.INTEGER}:
        return format(Decimal(value), "f")
    if kind is Kind.DATETIME:
        return datetime.fromisoformat(value).astimezone(ZoneInfo(notation.timezone)).strftime("%Y-%m-%d %H:%M:%S")
    if kind is Kind.MULTIPICKLIST and notation.separator:
        return notation.separator.join(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """The same without exact numbers, which JSON does not know, at any depth."""
    if isinstance(value, Decimal):
        return format(value, "f")
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
    return bool(one == other) or (kind is Kind.LIST and _same_ids(one, other))


def _same_ids(one: Any, other: Any) -> bool:
    """Whether two lists hold the same ids, which may be numbers or texts."""
    both = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
    return both and all(a == b or str(a) == str(b) for a, b in zip(one, other, strict=True))


def _clock(written: str) -> str:
    """``9:30`` as ``09:30:00``."""
    parts = [*str(written).split(":"), "00", "00"][:3]
    return ":".join(part.zfill(2) for part in parts)


def matches(entity: Entity, match: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record has the values that identify it; a server's comparison also finds Müller for Muller."""
    for name, wanted in match.items():
        field = entity.field(name)
        found = record.get(name)
        if field is None or found is None:
            return False
        if field.kind is Kind.EMAIL:
            if str(found).casefold() != str(wanted).casefold():
                return False
        elif field.kind in kinds.TEXTS:
            if unicodedata.normalize("NFC", str(found)) != unicodedata.normalize("NFC", str(wanted)):
                return False
        elif not same(field.kind, wanted, found):
            return False
    return True
