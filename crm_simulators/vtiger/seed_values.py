"""Values for seeded fields, of every kind and full of what breaks careless code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.odd_values import SURNAMES, TEXTS

if TYPE_CHECKING:
    from crm_simulators.vtiger.schema import Field


def storable(text: str, marks: str = "??") -> str:
    """A text as the database's utf8mb3 keeps it: a character outside the BMP becomes question marks.

    Measured: two of them on 8.4, four on 8.0 and coreBOS.
    """
    return "".join(letter if ord(letter) < 0x10000 else marks for letter in text)


def _is_plain(text: str | None) -> bool:
    return bool(text) and not any(ord(letter) < 0x20 and letter not in "\n\r\t" for letter in text or "")


ODD = tuple(
    storable(text)
    for text in (
        *(text for text in TEXTS if text and _is_plain(text)),
        "Back\\slash at the end\\",
        "\"Quoted\" 'single' O''Brien `tick`",
        "&quot;already encoded&quot; &eacute; &#39;",
        "<Angle> & co",
        "Straße Ünïcödé Łódź",
        " |##| ",
        "line\nbreak\r\nand\ttab",
        "100% _under_",
        "-- select;",
    )
)
"""Texts without control characters (one lead has those) and without anything outside the BMP."""
NAMES = (*SURNAMES, "Müller", "Smith & Sons", "<Angle>", "Back\\slash", '"Quoted" Jones', "O'Brien", "Иванов", "Nuñez")
CITIES = ("Berlin", "São Paulo", "Łódź", "Reykjavík", "Αθήνα", "東京", "")
_INTEGERS = ("0", "17", "-7", "2147483647", "1", "-2147483648")
_NUMBERS = (0.0, 12.5, -12345.68, 0.01, 1234.56, -0.05)
_DATES = ("2021-05-06", "1969-12-31", "1000-01-01", "9999-12-31", "2024-02-29", "0000-00-00", "2026-02-28")
_TIMES = ("00:00:00", "13:45:00", "23:59:59", "09:30:00")
_EMAILS = ("someone@example.com", "not an email", "ünïcode@exämple.com", "a+b@example.co.uk", "UPPER@EXAMPLE.COM")
_PHONES = ("+49 30 123456", "0", "(030) 12-34", "+1000000000")
_URLS = ("http://example.com/?a=1&b=2", "www.example.com", "javascript:alert(1)", "https://例え.jp/")


def value_for(field: Field, turn: int) -> str | None:
    """A value for a field; ``turn`` selects it."""
    made = _by_kind(field, turn)
    if made is None or field.width is None or field.kind in {"date", "time", "datetime"}:
        return made
    return made[: field.width]


def _by_kind(field: Field, turn: int) -> str | None:
    kind = field.kind
    if kind in {"double", "currency"}:
        return f"{_NUMBERS[turn % len(_NUMBERS)]:.{field.decimals}f}"
    if kind == "picklist":
        choices = (*field.choices, "No longer in the list", "")
        return choices[turn % len(choices)]
    if kind == "multipicklist":
        count = turn % (len(field.choices) + 1)
        return " |##| ".join(field.choices[:count])
    pool = _POOLS.get(kind)
    return pool[turn % len(pool)] if pool else None


_POOLS: dict[str, tuple[str, ...]] = {
    "string": ODD,
    "text": ODD,
    "skype": ("live:someone", ""),
    "integer": _INTEGERS,
    "date": _DATES,
    "datetime": ("2025-05-06 07:08:09", "1970-01-01 00:00:00"),
    "time": _TIMES,
    "boolean": ("1", "0"),
    "email": _EMAILS,
    "phone": _PHONES,
    "url": _URLS,
}
