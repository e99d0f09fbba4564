"""The columns of alfaCRM's entities: how a value is stored, and what is accepted when it is written."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal[
    "int",
    "flag",
    "bool",
    "text",
    "money",
    "number",
    "date",
    "moment",
    "clock",
    "ints",
    "texts",
    "phones",
    "any",
    "custom",
]
DateForm = Literal["iso", "dot", "point"]

SENTINEL = "2030-12-31"
"""The end date of what has no end."""
ISO: tuple[DateForm, ...] = ("iso",)
DOT: tuple[DateForm, ...] = ("dot",)
BOTH: tuple[DateForm, ...] = ("dot", "iso")
_DATE_FORMS: dict[DateForm, tuple[re.Pattern[str], str]] = {
    "iso": (re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "%Y-%m-%d"),
    "dot": (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII), "%d.%m.%Y"),
    "point": (re.compile(r"\d{4}\.\d{2}\.\d{2}", re.ASCII), "%Y.%m.%d"),
}
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)


class WrongForm(ValueError):
    """A value that its column does not take."""


@dataclass(frozen=True)
class Column:
    """A column as stored; ``kind`` decides the stored form, the other attributes reading and writing.

    Stored forms: flags 0 or 1, money a text with two places, dates ``YYYY-MM-DD``, moments ``YYYY-MM-DD HH:MM:SS``,
    clocks ``HH:MM``.
    """

    name: str
    kind: Kind
    label: str = ""
    """The name in messages."""
    required: bool = False
    limit: int | None = None
    """The longest text."""
    empty: Any = None
    """What is stored when nothing is given."""
    dot: bool = False
    """Whether a date is read as ``DD.MM.YYYY``."""
    alias: str = ""
    """The name in writes, where it differs from the name in reads."""
    readonly: bool = False
    """Computed by the server: ignored in writes, missing from the echo of a create."""
    hidden: bool = False
    """Never read."""
    choices: tuple[int, ...] = ()
    forms: tuple[DateForm, ...] = BOTH
    """How a date may be written."""
    refers: str = ""
    """The entity that an id, or each of several, belongs to."""

    @property
    def written_as(self) -> str:
        """The key in the body of a write."""
        return self.alias or self.name

    @property
    def title(self) -> str:
        """The name in messages."""
        return self.label or self.name


def parse_date(raw: Any, forms: tuple[DateForm, ...]) -> str:
    """The day as ``YYYY-MM-DD`` of a text in one of the forms, or WrongForm."""
    for form in forms:
        pattern, layout = _DATE_FORMS[form]
        if isinstance(raw, str) and pattern.fullmatch(raw):
            try:
                return datetime.strptime(raw, layout).date().isoformat()
            except ValueError:
                break
    raise WrongForm(raw)


def _moment(raw: Any) -> str:
    match = _MOMENT.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        return parse_date(raw, BOTH) + " 00:00:00"
    return f"{parse_date(match[1], ISO)} {match[0][11:]}"


def _clock(raw: Any) -> str:
    if isinstance(raw, str) and _CLOCK.fullmatch(raw):
        return raw.zfill(5)
    raise WrongForm(raw)


def parse_int(raw: Any) -> int:
    """The whole number of a JSON number, boolean or text, or WrongForm."""
    if isinstance(raw, (bool, int)):
        return int(raw)
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and _WHOLE.fullmatch(raw):
        return int(raw)
    raise WrongForm(raw)


def _flag(raw: Any) -> int:
    value = parse_int(raw)
    if value not in {0, 1}:
        raise WrongForm(raw)
    return value


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "1" if raw else ""
    if isinstance(raw, (int, float)):
        return json.dumps(raw)
    raise WrongForm(raw)


def parse_decimal(raw: Any) -> Decimal:
    """The exact number of a JSON number or text, or WrongForm."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise WrongForm(raw)
    try:
        value = Decimal(str(raw).strip())
    except InvalidOperation as error:
        raise WrongForm(raw) from error
    if not value.is_finite() or abs(value) >= Decimal(10) ** 18:
        raise WrongForm(raw)
    return value


def _money(raw: Any) -> str:
    return str(parse_decimal(raw).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _number(raw: Any) -> float | int:
    value = float(parse_decimal(raw))
    return int(value) if math.isclose(value, round(value), abs_tol=1e-9) else value


def _ints(raw: Any) -> list[int]:
    if not isinstance(raw, list):
        raise WrongForm(raw)
    return [parse_int(item) for item in raw]


def _texts(raw: Any) -> list[str]:
    """A text or a list of texts: both are accepted on phone, email and web (seen in clients)."""
    return [_text(item) for item in (raw if isinstance(raw, list) else [raw]) if item not in (None, "")]


def format_phone(raw: str) -> str:
    """``+7(999)999-99-99`` of any Russian number, other texts as they are (clients write digits and read this)."""
    digits = re.sub(r"[^0-9]", "", raw)
    if len(digits) == 11 and digits[0] in "78":
        digits = digits[1:]
    if len(digits) != 10:
        return raw
    return f"+7({digits[:3]}){digits[3:6]}-{digits[6:8]}-{digits[8:]}"


def _custom(raw: Any) -> str:
    """Custom fields hold text, whatever is written."""
    return json.dumps(raw, ensure_ascii=False) if isinstance(raw, (list, dict)) else _text(raw)


_PARSERS: dict[Kind, Callable[[Any], Any]] = {
    "int": parse_int,
    "flag": _flag,
    "bool": lambda raw: bool(_flag(raw)),
    "text": _text,
    "money": _money,
    "number": _number,
    "moment": _moment,
    "clock": _clock,
    "ints": _ints,
    "texts": _texts,
    "phones": lambda raw: [format_phone(text) for text in _texts(raw)],
    "any": lambda raw: raw,
    "custom": _custom,
}


def parse(column: Column, raw: Any) -> Any:
    """What is stored for a posted value that is not null, or WrongForm."""
    if column.kind == "date":
        return parse_date(raw, column.forms)
    value = _PARSERS[column.kind](raw)
    if column.choices and value not in column.choices:
        raise WrongForm(raw)
    return value


def integer(name: str, label: str = "", **more: Any) -> Column:
    """A whole number, mostly an id."""
    return Column(name, "int", label, **more)


def flag(name: str, label: str = "", **more: Any) -> Column:
    """0 or 1."""
    return Column(name, "flag", label, **more)


def text(name: str, label: str = "", **more: Any) -> Column:
    """A text."""
    return Column(name, "text", label, **more)


def day(name: str, label: str = "", **more: Any) -> Column:
    """A date."""
    return Column(name, "date", label, **more)


def moment(name: str, **more: Any) -> Column:
    """A date and time."""
    return Column(name, "moment", **more)


def ids(name: str, label: str = "", **more: Any) -> Column:
    """A list of ids."""
    return Column(name, "ints", label, empty=(), **more)


def texts(name: str, kind: Kind = "texts") -> Column:
    """A list of texts."""
    return Column(name, kind, empty=())


def title(limit: int = 50) -> Column:
    """The name that every dictionary demands."""
    return text("name", "Название", required=True, limit=limit)


def computed(column: Column) -> Column:
    """The column, set by the server only."""
    return replace(column, readonly=True)


STAMPS = (moment("created_at", readonly=True), moment("updated_at", readonly=True))
