"""From a stored row to what the API shows of it."""

from __future__ import annotations

import json
from calendar import timegm
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.tables import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.alfacrm.columns import Column
    from crm_simulators.alfacrm.entity import Entity
    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.switches import Switches

_STAMPED_BY_SWITCH = {"customer", "group", "cgi"}


def dotted(value: str | None) -> str | None:
    """``DD.MM.YYYY`` of a stored date or moment."""
    return f"{value[8:10]}.{value[5:7]}.{value[:4]}" if value else value


def minutes(clock: str) -> int:
    """The minutes since midnight of ``HH:MM``."""
    return int(clock[:2]) * 60 + int(clock[3:5])


class Renderer:
    """Shows rows the way the switches say; the forms of each column are worked out once."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._plans = {entity.path: self._plan(entity) for entity in ENTITIES.values()}
        self._known = {path: {"id"} | {column.name for column in entity.columns} for path, entity in ENTITIES.items()}
        self._extras: dict[str, Callable[[Row, Row], None]] = {
            "cgi": self._cgi,
            "group": self._group,
            "lesson": self._lesson,
            "regular-lesson": self._regular_lesson,
            "pay": self._pay,
            "log": self._log,
        }

    def show(self, path: str, row: Row) -> Row:
        """The row as ``index`` gives it."""
        shown: Row = {"id": row["id"]}
        for name, form in self._plans[path]:
            value = row[name]
            shown[name] = form(value) if form and value is not None else value
        for name in row.keys() - self._known[path]:
            shown[name] = row[name]
        extra = self._extras.get(path)
        if extra:
            extra(row, shown)
        if self._switches.empty_custom == "absent":
            for name in [name for name in shown if name.startswith("custom_") and shown[name] is None]:
                del shown[name]
        return shown

    def _plan(self, entity: Entity) -> list[tuple[str, Callable[[Any], Any] | None]]:
        stamps = self._stamps(entity.path)
        return [
            (column.name, self._form(entity, column, stamps))
            for column in entity.columns
            if not column.hidden and not (stamps == "absent" and column.name in {"created_at", "updated_at"})
        ]

    def _stamps(self, path: str) -> str:
        if path == "pay":
            return self._switches.pay_stamps
        return self._switches.stamps if path in _STAMPED_BY_SWITCH else "iso"

    def _form(self, entity: Entity, column: Column, stamps: str) -> Callable[[Any], Any] | None:
        if column.name in {"created_at", "updated_at"}:
            return dotted if stamps == "dot" else None
        if column.kind == "date":
            by_switch = entity.path == "group" and self._switches.group_dates == "dot"
            return dotted if column.dot or by_switch else None
        if column.name == "teacher_ids" and self._switches.ids_as_text:
            return lambda value: [str(item) for item in value]
        return None

    def _cgi(self, row: Row, shown: Row) -> None:
        if self._switches.cgi_display_dates:
            shown.update(b_date_v=dotted(row["b_date"]), e_date_v=dotted(row["e_date"]))

    def _group(self, row: Row, shown: Row) -> None:
        if self._switches.group_teachers == "null":
            shown["teacher_ids"] = None
        elif self._switches.group_teachers == "objects":
            del shown["teacher_ids"]
            teachers = self._store.tables["teacher"]
            shown["teachers"] = [
                {"id": id_, "name": teachers[id_]["name"]} for id_ in row["teacher_ids"] if id_ in teachers
            ]

    def _lesson(self, row: Row, shown: Row) -> None:
        """Lessons start one second late (seen by three clients)."""
        shown["time_from"] = f"{row['date']} {row['time_from']}:01"
        shown["time_to"] = row["time_to"] and f"{row['date']} {row['time_to']}:00"
        kind = self._store.tables["lesson-type"].get(row["lesson_type_id"])
        shown["lesson_type_name"] = kind and kind["name"]
        if self._switches.streaming == "array":
            shown["streaming"] = []

    def _regular_lesson(self, row: Row, shown: Row) -> None:
        day, form = row["day"], self._switches.regular_times
        shown["day"] = self._switches.sunday if day == 7 else day
        for name in ("time_from_v", "time_to_v"):
            clock = row[name]
            if clock and form == "seconds":
                shown[name] = f"{clock}:00"
            elif clock and form == "datetime":
                shown[name] = f"{row['b_date']} {clock}:00"
        for name in ("b_date", "e_date"):
            shown[f"{name}_v"] = dotted(row[name])
            if row[name] and self._switches.regular_dates == "number":
                shown[name] = timegm(datetime.strptime(row[name], "%Y-%m-%d").timetuple())
        if self._switches.regular_teacher_id:
            shown["teacher_id"] = row["teacher_ids"][0] if row["teacher_ids"] else None

    def _pay(self, row: Row, shown: Row) -> None:
        kind = self._store.tables["pay-type"].get(row["pay_type_id"])
        shown["pay_type_name"] = kind and kind["name"]

    def _log(self, _row: Row, shown: Row) -> None:
        for name in ("fields_old", "fields_new", "fields_rel"):
            shown[name] = self._fields(shown[name])

    def _fields(self, fields: dict[str, Any]) -> Any:
        if self._switches.log_fields == "nothing":
            return []
        if not fields:
            return {"[]": [], '""': "", "{}": {}}[self._switches.empty_object]
        if self._switches.log_fields == "json":
            return json.dumps(fields, ensure_ascii=False)
        if self._switches.log_fields == "list":
            return [{name: value} for name, value in fields.items()]
        return fields
