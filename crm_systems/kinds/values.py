"""How a CRM's value becomes one of a :class:`~crm_systems.model.Kind`.

Exact numbers: a decimal leaves as the digits that came in. Datetimes leave as RFC 3339 in UTC. ``""``, ``null`` and
dates of zeros are null.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_systems.model import Kind
from crm_systems.times import day, moment

if TYPE_CHECKING:
    from collections.abc import Callable

TRUE = frozenset({"1", "1.0", "on", "true", "yes", "y", "t"})
FALSE = frozenset({"0", "0.0", "off", "false", "no", "n", "f"})

_MOST_DIGITS = 1000
"""A number with more digits on one side of the point is none: written out, 1e999999999 would fill the memory."""
_FEW_DIGITS = 30
_LEAST = -6
"""What Python writes of a number that begins at this place behind its point, or before, has no exponent."""
_NOWHERE = re.compile(r"0|[0-9]+x0?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

MISFITS = (ValueError, TypeError, OverflowError, InvalidOperation)
"""What a value raises that does not fit."""


@dataclass(frozen=True)
class Notation:
    """How one CRM writes values down."""

    timezone: str = "UTC"
    """The zone of times that name none."""
    separator: str = ""
    """What stands between the values of a multi-picklist that comes as one text; empty: it comes as a list."""

    @cached_property
    def zone(self) -> ZoneInfo:
        """The same as a clock."""
        return ZoneInfo(self.timezone)


def converter(kind: Kind, notation: Notation) -> Callable[[Any], Any]:
    """What turns a raw value that is neither null nor empty into a typed one."""
    zone, separator = notation.zone, notation.separator
    converters: dict[Kind, Callable[[Any], Any]] = {
        Kind.INTEGER: integer,
        Kind.NUMBER: number,
        Kind.BOOLEAN: boolean,
        Kind.DATE: day,
        Kind.DATETIME: lambda value: moment(value, zone),
        Kind.REFERENCE: reference,
        Kind.MULTIPICKLIST: lambda value: several(of_php(value), separator),
        Kind.LIST: lambda value: list_of_any(of_php(value)),
        Kind.OBJECT: object_of_any,
        Kind.ANY: any_json,
    }
    return converters.get(kind, text)


def of_php(value: Any) -> Any:
    """A list, also where PHP writes it as an object, since an element was taken out: ``{"0": 1, "2": 3}``, or all."""
    is_list = isinstance(value, dict) and all(key.isdecimal() for key in value)
    return list(value.values()) if is_list else value


def text(value: Any) -> str:
    """A text, with halves of surrogate pairs replaced, since UTF-8 cannot hold them; what is none as JSON has it."""
    if isinstance(value, (dict, list, bool)):
        return text(json.dumps(any_json(value), ensure_ascii=False, default=json_number))
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


def any_json(value: Any) -> Any:
    """A JSON value as it is, but with texts that UTF-8 can hold, keys included, and null for what is no number."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [any_json(each) for each in value]
    if isinstance(value, dict):
        return {text(key): any_json(each) for key, each in value.items()}
    return None if is_no_number(value) else value


def is_no_number(value: Any) -> bool:
    """Whether it is NaN or infinite, as some write into JSON for what is missing."""
    return isinstance(value, (float, Decimal)) and not isfinite(value)


def reference(value: Any) -> str | None:
    """The id of another record; 0 points nowhere, nor does what coreBOS makes of it, such as 19x0 (measured)."""
    written = str(value)
    return None if written.endswith(("0", "x")) and _NOWHERE.fullmatch(written) else text(value)


def number(value: Any) -> Decimal | int:
    """An exact number with the digits that came in.

    Raises:
        ValueError: it is none, or is not finite, or is beyond all measure.
    """
    told = str(value) if value.__class__ is Decimal else value
    if _is_plain(told, ".") and (exact := Decimal(told)).adjusted() >= _LEAST:
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
        ValueError, TypeError: it is no list.
    """
    opened = opened_json(value)
    if not isinstance(opened, list):
        raise TypeError
    return [any_json(each) for each in opened]


def object_of_any(value: Any) -> dict[str, Any]:
    """An object; one written as JSON text is opened, and PHP's empty list is an empty object.

    Raises:
        ValueError, TypeError: it is no object.
    """
    opened = opened_json(value)
    if opened == []:
        return {}
    if not isinstance(opened, dict):
        raise TypeError
    return {text(key): any_json(each) for key, each in opened.items()}


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
