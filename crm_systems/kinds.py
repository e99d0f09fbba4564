"""The type table: what a :class:`~crm_systems.model.Kind` is in JSON Schema, and how a CRM's value becomes one.

Exact numbers: a decimal leaves as the digits that came in. Datetimes leave as RFC 3339 in UTC. ``""``, ``null`` and
dates of zeros are null.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_systems.model import Kind
from crm_systems.times import day, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from crm_systems.model import Entity, Field, Row


TEXTS = frozenset(
    {Kind.STRING, Kind.TEXT, Kind.TIME, Kind.PICKLIST, Kind.OWNER, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.FILE}
)
"""Kinds that JSON holds as a plain text, so that any raw text fits."""

TRUE = frozenset({"1", "1.0", "on", "true", "yes", "y", "t"})
FALSE = frozenset({"0", "0.0", "off", "false", "no", "n", "f"})

_MOST_DIGITS = 1000
"""A number with more digits on one side of the point is none: written out, 1e999999999 would fill the memory."""
_FEW_DIGITS = 30
_LEAST = -6
"""What Python writes of a number that begins at this place behind its point, or before, has no exponent."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Notation:
    """How one CRM writes values down."""

    timezone: str = "UTC"
    """The zone of times that name none."""
    separator: str = ""
    """What stands between the values of a multi-picklist that comes as one text; empty: it comes as a list."""


class Reader:
    """Turns an entity's raw rows into typed records, in the order of its fields; those it does not know are left out.

    ``misfits`` counts, by field, values that did not fit their kind. Such a text is kept where the schema can hold a
    text, else it is null. ``unknown`` counts fields that the entity does not have. ``wanted`` are the names of the
    fields that a record shall have; None: all.
    """

    def __init__(self, entity: Entity, notation: Notation, wanted: Collection[str] | None = None) -> None:
        self.misfits: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.entity = entity
        self.notation = notation
        readable = [field for field in entity.fields if field.readable]
        self.known = frozenset(field.name for field in readable)
        kept = [field for field in readable if wanted is None or field.name in wanted]
        zone = ZoneInfo(notation.timezone)
        self.values = {
            field.name: Values(
                field, converter(field.kind, zone, notation.separator), self.misfits, is_key=field.name in entity.key
            )
            for field in kept
        }
        """By field, in their order: what a raw value becomes."""

    def __call__(self, row: Row) -> Row:
        """The typed record of a raw row."""
        record = {name: values.typed(row[name]) for name, values in self.values.items() if name in row}
        if len(record) != len(row):
            self.unknown.update(row.keys() - self.known)
        return record


MISFITS = (ValueError, TypeError, OverflowError, InvalidOperation)
"""What a value raises that does not fit."""
MOST_KNOWN = 500
"""How many texts of a field are remembered with what they became."""


class Values(dict[Any, Any]):
    """What the texts of one field become: remembered, since most fields hold few that differ."""

    def __init__(
        self, field: Field, convert: Callable[[Any], Any], misfits: Counter[str], *, is_key: bool = False
    ) -> None:
        empty = "" if is_key else None  # An empty text may be a key, and a schema does not let it be null.
        super().__init__({"": empty, None: None})
        self._name = field.name
        self.kind = field.kind
        self.empty = empty
        self._convert = convert
        self._misfits = misfits
        self._is_text = field.kind in TEXTS
        self.typed: Callable[[Any], Any] = self._text if self._is_text else self._known
        """What any raw value becomes."""

    def _text(self, raw: Any) -> Any:
        if raw.__class__ is str and raw.isascii():
            return raw or self.empty
        return self._careful(raw)

    def _known(self, raw: Any) -> Any:
        if raw.__class__ is not str:
            return self._careful(raw)
        value = self[raw]
        return value[:] if value.__class__ is list else value

    def __missing__(self, raw: str) -> Any:
        try:
            value = self._convert(raw)
        except MISFITS:
            return self._careful(raw)
        if len(self) < MOST_KNOWN:
            self[raw] = value
        return value

    def _careful(self, raw: Any) -> Any:
        """The value in a type of the field's kind."""
        value = None if is_no_number(raw) else raw
        if value is None:
            return None
        try:
            return self.empty if value == "" else self._convert(value)
        except MISFITS:
            self._misfits[self._name] += 1
            return text(value) if self._is_text else None


def converter(kind: Kind, zone: ZoneInfo, separator: str) -> Callable[[Any], Any]:
    """What turns a raw value that is neither null nor empty into a typed one."""
    converters: dict[Kind, Callable[[Any], Any]] = {
        Kind.INTEGER: integer,
        Kind.NUMBER: number,
        Kind.BOOLEAN: boolean,
        Kind.DATE: day,
        Kind.DATETIME: lambda value: moment(value, zone),
        Kind.REFERENCE: reference,
        Kind.MULTIPICKLIST: lambda value: several(value, separator),
        Kind.LIST: list_of_any,
        Kind.OBJECT: object_of_any,
        Kind.ANY: whole,
    }
    return converters.get(kind, text)


def text(value: Any) -> str:
    """A text, with halves of surrogate pairs replaced, since UTF-8 cannot hold them."""
    if isinstance(value, (dict, list)):
        return text(json.dumps(whole(value), ensure_ascii=False, default=json_number))
    if not isinstance(value, str):
        return str(value)
    if value.isascii() or value.isprintable():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def json_number(value: Any) -> float | str:
    """A decimal as a JSON number where one is exact, else as a text; anything else as a text."""
    if not isinstance(value, Decimal):
        return str(value)
    near = float(value)
    return near if isfinite(near) and Decimal(repr(near)) == value else format(value, "f")


def whole(value: Any) -> Any:
    """A JSON value as it is, but with texts that UTF-8 can hold, keys included, and null for what is no number."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {text(key): whole(each) for key, each in value.items()}
    return None if is_no_number(value) else value


def is_no_number(value: Any) -> bool:
    """Whether it is NaN or infinite, as some write into JSON for what is missing."""
    return isinstance(value, (float, Decimal)) and not isfinite(value)


def reference(value: Any) -> str | None:
    """The id of another record; 0 points nowhere."""
    return None if str(value) == "0" else text(value)


def number(value: Any) -> Decimal | int:
    """An exact number with the digits that came in.

    Raises:
        ValueError: it is none, or is not finite, or is beyond all measure.
    """
    if _is_plain(value, ".") and (exact := Decimal(value)).adjusted() >= _LEAST:
        return exact
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    written = str(value).strip()
    if not _NUMBER.fullmatch(written):
        raise ValueError
    exact = Decimal(written)
    if max(exact.adjusted(), -int(exact.as_tuple().exponent)) > _MOST_DIGITS:
        raise ValueError
    return Plain(exact) if "E" in str(exact) else exact


def _is_plain(value: Any, point: str = "") -> bool:
    """Whether it is a text of a few digits, with a point perhaps: what most numbers are, so these are read at once."""
    if value.__class__ is not str or len(value) > _FEW_DIGITS or not value.isascii():
        return False
    return bool((value.replace(point, "", 1) if point else value).isdecimal())


class Plain(Decimal):
    """A decimal that is written without an exponent: ``0.00000000`` stays what it was and is no ``0E-8``."""

    def __str__(self) -> str:
        return format(self, "f")


def integer(value: Any) -> int:
    """A whole number.

    Raises:
        ValueError: it is none, or has a fraction.
    """
    if _is_plain(value):
        return int(value)
    exact = number(value)
    whole = int(exact)
    if whole != exact:
        raise ValueError
    return whole


def boolean(value: Any) -> bool:
    """A boolean in any of the spellings that CRMs use.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(value, (int, float, Decimal)) and value in (0, 1):
        return bool(value)
    spelling = str(value).strip().lower()
    if spelling in TRUE:
        return True
    if spelling in FALSE:
        return False
    raise ValueError


def several(value: Any, separator: str) -> list[str]:
    """The values of a multi-picklist."""
    if isinstance(value, list):
        return [text(each) for each in value if each is not None and not is_no_number(each)]
    return [each for each in text(value).split(separator) if each] if separator else [text(value)]


def list_of_any(value: Any) -> list[Any]:
    """A list; one written as JSON text is opened.

    Raises:
        ValueError: it is no list.
    """
    opened = opened_json(value)
    if not isinstance(opened, list):
        raise TypeError
    return [whole(each) for each in opened]


def object_of_any(value: Any) -> dict[str, Any]:
    """An object; one written as JSON text is opened, and PHP's empty list is an empty object.

    Raises:
        ValueError: it is no object.
    """
    opened = opened_json(value)
    if opened == []:
        return {}
    if not isinstance(opened, dict):
        raise TypeError
    return {text(key): whole(each) for key, each in opened.items()}


def opened_json(value: Any) -> Any:
    """What a text says as JSON; anything else as it is.

    Raises:
        ValueError: it is no JSON, or is nested too deep.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal, parse_constant=Decimal)
    except RecursionError:
        raise ValueError from None


_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.DATETIME: {"type": ["string", "null"], "format": "date-time"},
    Kind.MULTIPICKLIST: {"type": ["array", "null"], "items": {"type": "string"}},
    Kind.LIST: {"type": ["array", "null"], "items": {}},
    Kind.OBJECT: {"type": ["object", "null"], "additionalProperties": True},
    Kind.ANY: {"type": ["string", "number", "boolean", "array", "object", "null"], "items": {}},
}


def json_schema(field: Field, *, key: bool = False, enum: bool = False) -> dict[str, Any]:
    """The JSON Schema of a field.

    ``enum`` lists a pick list's values as the only ones, although old records may hold values that have left it.
    """
    schema = {**_SCHEMAS.get(field.kind, {"type": ["string", "null"]})}
    if key:
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    if field.label:
        schema["title"] = field.label
    schema["description"] = _description(field)
    if enum and field.choices:
        values = [choice.value for choice in field.choices]
        if field.kind is Kind.PICKLIST:
            schema["enum"] = [*dict.fromkeys(values), None]
        else:
            schema["items"] = {"type": "string", "enum": list(dict.fromkeys(values))}
    return schema


def _description(field: Field) -> str:
    words = [field.kind.value]
    if field.mandatory:
        words.append("mandatory")
    if not field.writable:
        words.append("read-only")
    if field.refers_to:
        words.append("refers to " + ", ".join(field.refers_to))
    if field.choices:
        shown = (
            choice.value if choice.label in {"", choice.value} else f"{choice.value} ({choice.label})"
            for choice in field.choices
        )
        words.append("values: " + ", ".join(shown))
    return "; ".join(words)
