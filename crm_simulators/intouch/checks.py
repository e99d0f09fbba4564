"""«Strict validation»: what a body must be to get into the database.

Documented: that writes are validated strictly, that invalid or duplicate parties are refused, that one party must
not mix firm and person, and the message about a surname. The rest is inferred from the field tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from crm_simulators.intouch.model import (
    CASE_TYPES,
    CONTACT_TYPES,
    GROUPS,
    LINES,
    NEEDS,
    PARTY_TYPES,
    Column,
    Kind,
    Record,
    Resource,
)
from crm_simulators.intouch.replies import Problem, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_simulators.intouch.database import Database
    from crm_simulators.intouch.switches import Switches

_PATTERNS = {
    "country": r"[A-Z]{2}",
    "countryM": r"[A-Z]{2}",
    "currency": r"[A-Z]{3}",
    "deliveryAddr": r"[012]?",
    "type": "|".join(sorted(PARTY_TYPES)),
}
_TWINS = frozenset({"countryValue", "countryMValue", "categoriesValue", "enteredByValue"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?")
_INTEGER_BITS = 31
_DECIMAL_LIMIT = Decimal(10) ** 15
_CATEGORY = re.compile(r"c([1-9]|[1-5]\d|6[0-4])")


class InvalidError(ValueError):
    """A value that does not fit its column; the text is the problem's message."""


@dataclass
class Checker:
    """Checks one body; everything that is wrong with it ends up in ``problems``."""

    database: Database
    switches: Switches
    problems: list[Problem] = field(default_factory=list)

    def values(self, columns: Mapping[str, Column], body: Record) -> Record:
        """The body's values as they are stored, None for those it empties; read-only fields are passed over."""
        found: Record = {}
        for name, value in body.items():
            column = columns.get(name)
            if name in {"contacts", "items"} and name not in columns:
                self._take(found, name, value, self._contacts if name == "contacts" else self._lines)
            elif column is None:
                self._unknown(name)
            elif not column.read_only:
                self._take(found, name, value, partial(self.value, column))
        return found

    def value(self, column: Column, value: Any) -> Any:
        """One value, checked and in the form in which it is stored."""
        stored = _READERS[column.kind](value)
        if column.kind is Kind.USER and stored and stored not in self.database.users:
            raise InvalidError("Unknown user")
        if column.length and len(stored) > column.length:
            raise InvalidError(f"Too long, at most {column.length} characters")
        if column.codes and stored != "" and not self._on_list(column.codes, stored):
            raise InvalidError("Value is not on the list")
        if column.refers and stored not in self.database.tables[column.refers].rows:
            raise InvalidError("Record does not exist")
        if column.name in _PATTERNS and not re.fullmatch(_PATTERNS[column.name], stored):
            raise InvalidError("Invalid value")
        return stored

    def whole(self, resource: Resource, row: Record) -> None:
        """What must hold for a record as it would be stored."""
        for name in resource.required:
            self._require(name, row)
        if resource.name == "parties":
            self._party(row)
            self._duplicates(row)
        if resource.name == "buscases" and row.get("caseType") not in CASE_TYPES:
            self.problems.append(problem("Unknown type", "caseType"))

    def _take(self, found: Record, name: str, value: Any, read: Callable[[Any], Any]) -> None:
        try:
            found[name] = None if value is None else read(value)
        except InvalidError as error:
            self.problems.append(problem(str(error), name))

    def _unknown(self, name: str) -> None:
        if self.switches.unknown_fields == "reject" and name not in _TWINS:
            self.problems.append(problem("Unknown field", name))

    def _on_list(self, code: str, value: Any) -> bool:
        return any(item["value"] == str(value) for item in self.database.lists[code]["items"])

    def _require(self, name: str, row: Record) -> None:
        """Asks for a field, unless what the body has there was refused already."""
        is_empty = row.get(name, "") == ""
        if self.switches.required and is_empty and all(entry.get("field") != name for entry in self.problems):
            self.problems.append(problem("Value is required", name))

    def _party(self, row: Record) -> None:
        kind = row.get("type", "")
        if kind in NEEDS:
            self._require(NEEDS[kind], row)
        if kind == "ORGANIZATION" and self.switches.mixed_party == "reject":
            mixed = [name for name in ("firstname", "surname") if row.get(name)]
            self.problems += [problem("Organization cannot have a personal name", name) for name in mixed]
        if kind in {"INDIVIDUAL", "FREELANCER"} and re.search(r"[\d@]", row.get("surname") or ""):
            self.problems.append(problem("This is not human name", "surname"))

    def _duplicates(self, row: Record) -> None:
        for name in sorted(self.switches.duplicate_rule):
            others = [number for number in self.database.parties_like(name, row) if number != row.get("id")]
            if others:
                self.problems.append(problem(f"Duplicate of party {others[0]}", name))

    def _contacts(self, value: Any) -> list[Record]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise InvalidError("Array of objects expected")
        return [self._contact(item) for item in value]

    @staticmethod
    def _contact(item: Record) -> Record:
        kind, value = item.get("type"), item.get("value")
        if kind not in CONTACT_TYPES or not isinstance(value, str) or not value.strip():
            raise InvalidError("Invalid contact detail")
        if kind == "EMAIL" and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise InvalidError("Invalid e-mail address")
        return {"type": kind, "value": value}

    def _lines(self, value: Any) -> list[Record]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise InvalidError("Array of objects expected")
        inner = Checker(self.database, self.switches)
        lines = [{"invoiced": False, **inner.values(LINES, item)} for item in value]
        if inner.problems:
            raise InvalidError(f"{inner.problems[0]['field']}: {inner.problems[0]['message']}")
        return lines


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidError("String expected")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > _INTEGER_BITS:
        raise InvalidError("Integer expected")
    return value


def _decimal(value: Any) -> Decimal:
    """Money has two places in the samples (``10500.00``); more are rounded off without a word (inferred)."""
    if not isinstance(value, (int, Decimal)) or isinstance(value, bool):
        raise InvalidError("Number expected")
    number = Decimal(value)
    if abs(number) >= _DECIMAL_LIMIT:
        raise InvalidError("Number too large")
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError("Boolean expected")
    return value


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(_DATE.fullmatch(_text(value))[0]).isoformat()  # type: ignore[index]  # None is a TypeError
    except (TypeError, ValueError):
        raise InvalidError("Date expected, YYYY-MM-DD") from None


def _time(value: Any) -> str:
    try:
        return time.fromisoformat(_TIME.fullmatch(_text(value))[0]).isoformat()  # type: ignore[index]  # None is a TypeError
    except (TypeError, ValueError):
        raise InvalidError("Time expected, HH:mm") from None


def _group(value: Any) -> str:
    if _text(value) not in GROUPS:
        raise InvalidError("Unknown group")
    return str(value)


def _categories(value: Any) -> str:
    """Comma-separated codes ``c1`` to ``c64`` (documented)."""
    codes = [code.strip() for code in _text(value).split(",") if code.strip()]
    if not all(map(_CATEGORY.fullmatch, codes)):
        raise InvalidError("Unknown category")
    return ",".join(codes)


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATETIME: _text,
    Kind.USER: _text,
    Kind.GROUP: _group,
    Kind.CATEGORIES: _categories,
}
