"""What a write is checked for: required fields, forms, lengths, and the rules of single entities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.columns import BOTH, ISO, Column, WrongForm, parse, parse_date
from crm_simulators.alfacrm.render import minutes
from crm_simulators.alfacrm.store import fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_simulators.alfacrm.entity import Entity
    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.switches import Switches

Errors = dict[str, list[str]]

_GROUPS_NEVER = 3
"""The lesson type that takes no groups: a trial (one client)."""
_WITHOUT_CUSTOMER = {7, 8}
"""Pay types that have no customer: expenses and salaries."""


class Ignored(Exception):
    """A value that is dropped without a word."""


def required(column: Column) -> str:
    """The message of a missing value (one client's log; Russian whatever the user's language)."""
    return f'Необходимо заполнить "{column.title}"'


def wrong_form(column: Column) -> str:
    """The message of a value in a wrong form (one client's log)."""
    return f'Неверный формат значения "{column.title}"'


class Checker:
    """Turns posted fields into stored values, or into errors by posted name."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._rules: dict[str, Callable[[Row, Row | None, Row], Errors]] = {
            "cgi": self._membership,
            "lesson": self._lesson,
            "pay": self._pay,
        }

    def check(self, entity: Entity, posted: Mapping[str, Any], existing: Row | None) -> tuple[Row, Errors]:
        """The values to store and the errors; unknown keys count for nothing (seen in three clients)."""
        values: Row = {}
        errors: Errors = {}
        for column in entity.columns:
            if self.is_writable(entity, column):
                self._column(self._relaxed(entity, column), posted, existing, (values, errors))
        rule = self._rules.get(entity.path)
        if rule and not errors:
            errors = rule({**(existing or {}), **values}, existing, values)
        return values, errors

    def is_writable(self, entity: Entity, column: Column) -> bool:
        """Whether a posted value has an effect."""
        if (entity.path, column.name) == ("customer", "balance"):
            return self._switches.balance_writable
        if (entity.path, column.name) == ("customer", "e_date"):
            return self._switches.e_date_writable
        return not column.readonly

    def _relaxed(self, entity: Entity, column: Column) -> Column:
        if self._switches.customer_branch_required or (entity.path, column.name) != ("customer", "branch_ids"):
            return column
        return replace(column, required=False)

    def _column(
        self, column: Column, posted: Mapping[str, Any], existing: Row | None, into: tuple[Row, Errors]
    ) -> None:
        values, errors = into
        key = column.written_as
        whole = existing is None or self._switches.update == "overwrite"
        if key not in posted:
            if whole and column.required:
                errors[key] = [required(column)]
            elif whole and existing:
                values[column.name] = fresh(column)
            return
        raw = posted[key]
        if raw is None or raw in ("", []):
            if column.required:
                errors[key] = [required(column)]
            else:
                values[column.name] = raw if raw == "" and column.kind == "text" else _null(column)
            return
        try:
            values[column.name] = self._fit(column, self._parse(column, raw))
        except Ignored:
            return
        except WrongForm as problem:
            errors[key] = [str(problem)]

    def _parse(self, column: Column, raw: Any) -> Any:
        """Dates that clients write dotted meet the switches; ``dob`` has its own."""
        try:
            value = parse(column, raw)
        except WrongForm as problem:
            if column.kind != "date" or column.forms == BOTH:
                raise WrongForm(wrong_form(column)) from problem
            return self._undotted(column, raw)
        self._refer(column, value)
        return value

    def _undotted(self, column: Column, raw: Any) -> Any:
        way = self._switches.iso_birthday if column.name == "dob" else self._switches.iso_dates
        if way == "null":
            return None
        if way == "ignored":
            raise Ignored
        try:
            value = parse_date(raw, ISO)
        except WrongForm as problem:
            raise WrongForm(wrong_form(column)) from problem
        if way == "reject":
            raise WrongForm(wrong_form(column))
        return value

    def _fit(self, column: Column, value: Any) -> Any:
        long = column.limit is not None and isinstance(value, str) and len(value) > column.limit
        if long and self._switches.max_lengths == "reject":
            raise WrongForm(f"Значение «{column.title}» должно содержать максимум {column.limit} символов.")
        return value[: column.limit] if long and self._switches.max_lengths == "cut" else value

    def _refer(self, column: Column, value: Any) -> None:
        if not column.refers or self._switches.unknown_references == "accept":
            return
        table = self._store.tables[column.refers]
        if any(id_ not in table for id_ in (value if isinstance(value, list) else [value])):
            raise WrongForm(f"Значение «{column.title}» неверно.")

    def _membership(self, row: Row, existing: Row | None, _values: Row) -> Errors:
        """Nobody is twice in a group at one time (one client's log)."""
        for other in self._store.children("cgi", "customer_id", row["customer_id"]):
            same = other["group_id"] == row["group_id"] and other is not existing
            if same and other["b_date"] <= row["e_date"] and row["b_date"] <= other["e_date"]:
                return {"customer_id": ["Данный клиент уже состоит в этой группе"]}
        return {}

    def _lesson(self, row: Row, existing: Row | None, values: Row) -> Errors:
        """Fills in the end from the length or the other way round; a busy room and a trial with groups are refused."""
        if "time_to" not in values and {"duration", "time_from"} & values.keys() and row.get("duration"):
            end = min(minutes(row["time_from"]) + row["duration"], 24 * 60 - 1)
            values["time_to"] = row["time_to"] = f"{end // 60:02}:{end % 60:02}"
        if not row.get("time_to"):
            return {"duration": ['Необходимо заполнить "Длительность"']}
        values["duration"] = minutes(row["time_to"]) - minutes(row["time_from"])
        if row["lesson_type_id"] == _GROUPS_NEVER and row.get("group_ids"):
            return {"group_ids": ["Группа не может быть указана для данного типа урока"]}
        if row.get("room_id") and any(_clash(row, other) for other in self._others(existing)):
            return {"room_id": ["Аудитория занята"]}
        return {}

    def _others(self, existing: Row | None) -> list[Row]:
        return [other for other in self._store.tables["lesson"].values() if other is not existing]

    def _pay(self, row: Row, _existing: Row | None, _values: Row) -> Errors:
        if row.get("customer_id") is None and row["pay_type_id"] not in _WITHOUT_CUSTOMER:
            return {"customer_id": ['Необходимо заполнить "Клиент"']}
        return {}


def _null(column: Column) -> Any:
    """What an empty value is stored as: lists and counted flags cannot be null."""
    return fresh(column) if column.kind in {"ints", "texts", "phones", "flag", "bool", "money"} else None


def _clash(row: Row, other: Row) -> bool:
    if other["room_id"] != row["room_id"] or other["date"] != row["date"] or other["status"] == 2:
        return False
    return bool(other["time_from"] < row["time_to"] and row["time_from"] < (other["time_to"] or "24:00"))
