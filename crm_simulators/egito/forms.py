"""Binding: from the parameters or the JSON of a request to the values of a row, as Spring binds a browser's form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_simulators import exact_json
from crm_simulators.egito.model import Column, Kind, Record
from crm_simulators.egito.replies import Problem, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from crm_simulators.base import Call
    from crm_simulators.egito.store import Store
    from crm_simulators.egito.switches import Switches

WARSAW = ZoneInfo("Europe/Warsaw")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"[+-]?\d{1,9}")
_MILLISECONDS = re.compile(r"-?\d{1,15}")
_DECIMAL_LIMIT = Decimal(10) ** 15
_EMPTY_IS_NULL = frozenset(Kind) - {Kind.TEXT}

Parameters = dict[str, "str | None"]
"""What a request brings, by dotted name; None is JSON's null, and a list or the like is a value that fits nothing."""


@dataclass
class Binder:
    """Binds one request to a type; everything that is wrong ends up in ``problems``."""

    store: Store
    switches: Switches
    columns: Mapping[str, Column]
    problems: list[Problem] = field(default_factory=list)

    def values(self, given: Parameters) -> Record:
        """The values of the fields that are named and can be written, None for those that are emptied."""
        found: Record = {}
        for name, text in given.items():
            column = self.columns.get(name)
            if column is None:
                self._unknown(name, text)
            elif not column.read_only:
                found[name] = self._value(column, text)
        return found

    def require(self, row: Record, names: tuple[str, ...]) -> None:
        """Asks for fields, unless what the request has there was refused already."""
        refused = {problem.field for problem in self.problems}
        for name in names:
            actual = self.switches.sex_field if name == "sexId" else name
            if row.get(actual) in {None, ""} and actual not in refused:
                self.problems.append(Problem(actual, "NotNull", "Pole jest wymagane"))

    def _value(self, column: Column, text: str | None) -> Any:
        if text is None or (text == "" and column.kind in _EMPTY_IS_NULL):
            return None
        try:
            return self._bind(column, text)
        except (ValueError, OverflowError):
            self.problems.append(Problem(column.name, "typeMismatch", "Nieprawidłowa wartość", text))
            return None

    def _bind(self, column: Column, text: str) -> Any:
        if column.kind is Kind.SELECT:
            return self.store.dictionary_id(column.of, text)
        if column.kind is Kind.REFERENCE:
            return self.store.row(column.of, text)["id"]
        if column.kind is Kind.OWNER:
            return self.store.owner_id(text)
        if column.kind is Kind.DATE and self.switches.dates == "epoch_ms" and _MILLISECONDS.fullmatch(text):
            return (_EPOCH + timedelta(milliseconds=int(text))).astimezone(WARSAW).date().isoformat()
        return _READERS[column.kind](text)

    def _unknown(self, name: str, text: str | None) -> None:
        if self.switches.unknown_fields == "reject":
            self.problems.append(Problem(name, "unknown", "Nieznane pole", text))


def parameters(call: Call, switches: Switches, columns: Mapping[str, Column]) -> Parameters:
    """What a request says: the query, and with it the form or the JSON of the body (both are documented)."""
    given: Parameters = {**call.query, **call.form}
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json" and call.body:
        given.update(_from_json(call.body, switches, columns))
    return given


def _from_json(body: bytes, switches: Switches, columns: Mapping[str, Column]) -> Parameters:
    try:
        value = exact_json.loads(body)
    except ValueError:
        raise errors([Problem("", "json", "Nieprawidłowy JSON")], switches, 400) from None
    if not isinstance(value, dict):
        raise errors([Problem("", "json", "Nieprawidłowy JSON")], switches, 400)
    found: Parameters = {}
    for name, item in value.items():
        if "." in name and switches.json_keys == "nested":
            name = f"[{name}]"  # noqa: PLW2901 - a dotted key is a property of that very name, which no type has
        found.update(_flat(name, item, switches, columns))
    return found


def _flat(name: str, item: Any, switches: Switches, columns: Mapping[str, Column]) -> Iterator[tuple[str, str | None]]:
    if item is None:
        inner = [column for column in columns if column.startswith(f"{name}.")]
        yield from ((column, None) for column in inner or [name])
    elif isinstance(item, dict) and switches.json_keys != "dotted":
        for key, value in item.items():
            yield from _flat(f"{name}.{key}", value, switches, columns)
    elif isinstance(item, bool):
        yield name, str(item).lower()
    elif isinstance(item, (str, int, Decimal)):
        yield name, str(item)
    else:
        yield f"[{name}]", str(item)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or abs(number) >= _DECIMAL_LIMIT:
        raise ValueError(text)
    return number


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
}
