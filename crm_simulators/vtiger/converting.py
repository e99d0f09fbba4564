"""What becomes of a value that is written: cut, rounded, replaced, without a word (all measured on 8.4.0)."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from html.entities import codepoint2name
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_simulators.vtiger.seed_values import storable

if TYPE_CHECKING:
    from crm_simulators.vtiger.access import User
    from crm_simulators.vtiger.schema import Field

_LEADING = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)")
_WHOLE = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})$")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$")
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$")
_LARGEST_INTEGER = 2147483647
_LARGEST_CUSTOM = Decimal("9999999999.99")
_LARGEST = Decimal("99999999999999999.99999999")
"""Of a column decimal(25,8); the database cuts down to it."""
_BEYOND_ALL = Decimal(10) ** 20
"""No column holds it, and it can still be rounded."""
_CENT = Decimal("0.01")
"""Numbers are rounded to the user's currency decimals, whatever the column could hold."""


def text_of(value: Any) -> str:
    """A JSON value as PHP sees it: the first entry of a list, nothing of an object."""
    if isinstance(value, list):
        return text_of(value[0]) if value else ""
    if value is None or value is False or isinstance(value, dict):
        return ""
    if value is True:
        return "1"
    return f"{value:.14g}" if isinstance(value, float) else str(value)


def from_people(field: Field, text: str, user: User) -> str:
    """What coreBOS makes of a number or a time that it takes as the user writes it (measured)."""
    if field.kind in {"double", "currency"}:
        decimal, thousands = user.separators
        number = text.replace(thousands, "").replace(decimal, ".")
        return str(float(number) / float(user.rate)) if field.is_converted and number else number
    if field.kind == "datetime" and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", text):
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(user.time_zone))
        return local.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return text


def stored(field: Field, value: Any, *, date_format: str, marks: str) -> str | None:
    """What the column keeps of a value; ``marks`` stand for a character of four bytes."""
    text = text_of(value)
    if field.kind in {"integer", "double", "currency"}:
        return _number(field, text)
    if field.kind == "boolean":
        return _truth(field, value, text)
    if field.kind == "date":
        return _date(text, date_format)
    if field.kind == "time":
        return _time(text)
    if field.is_reference:
        return text or None
    kept = storable(_without_script(text), marks)
    return kept if field.width is None else kept[: field.width]


def _truth(field: Field, value: Any, text: str) -> str:
    """1 and 0; only whether a user is an administrator is on and off, and only ``on`` makes one (inferred)."""
    if field.name == "is_admin":
        return "on" if text == "on" else "off"
    return "1" if value is True or text in {"1", "on"} else "0"


def _number(field: Field, text: str) -> str:
    if field.kind == "integer":
        whole = _leading(text).quantize(Decimal(1), ROUND_HALF_UP)
        return str(max(-_LARGEST_INTEGER - 1, min(_LARGEST_INTEGER, int(whole))))
    if field.kind == "double" and not _WHOLE.match(text):
        # "1.234,567" is 0 in a decimal field, but 1.23 in a currency field.
        amount = Decimal(0)
    else:
        amount = _leading(text).quantize(_CENT, ROUND_HALF_UP)
    largest = _LARGEST_CUSTOM if field.name.startswith("cf_") else _LARGEST
    amount = max(-largest, min(largest, amount))
    return f"{amount:.{field.decimals}f}"


def _leading(text: str) -> Decimal:
    match = (_WHOLE if _WHOLE.match(text) else _LEADING).match(text)
    number = Decimal(match[0].strip()) if match else Decimal(0)
    return max(-_BEYOND_ALL, min(_BEYOND_ALL, number))


def _date(text: str, date_format: str) -> str | None:
    """yyyy-mm-dd for everybody; day-first dates are understood too, except from people who write the month first."""
    match = _DATE.match(text)
    if match:
        return _day(int(match[1]), int(match[2]), int(match[3]))
    match = _DAY_FIRST.match(text)
    if not match:
        return None
    if date_format == "mm-dd-yyyy" and "-" in text:
        return "0000-00-00"
    return _day(int(match[3]), int(match[2]), int(match[1]))


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return "0000-00-00"


def _time(text: str) -> str | None:
    match = _CLOCK.match(text)
    if not match:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups())
    return f"{hour:02}:{minute:02}:{second:02}" if hour < 24 and minute < 60 and second < 60 else "00:00:00"


def _without_script(text: str) -> str:
    """A text with ``<script>`` in it has all its markup encoded; other markup is kept."""
    if "<script" not in text.lower():
        return text
    return text.replace("<", "&lt;").replace(">", "&gt;")


def encoded(text: str) -> str:
    """PHP's ``htmlentities`` with both quotes."""
    return "".join(_entity(letter) for letter in text)


def _entity(letter: str) -> str:
    if letter == "'":
        return "&#039;"
    name = codepoint2name.get(ord(letter))
    return f"&{name};" if name else letter


def decoded(text: str) -> str:
    """PHP's ``html_entity_decode``."""
    return html.unescape(text)


class _Closer(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)


def purified(text: str) -> str:
    """What HTML Purifier leaves of the texts of Groups, Currency and Tax: scripts gone, open tags closed."""
    text = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL | re.IGNORECASE)
    closer = _Closer()
    closer.feed(text)
    return text + "".join(f"</{tag}>" for tag in reversed(closer.open))
