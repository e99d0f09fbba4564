"""The tenant's memory: rows by entity and id, the parents' index, the log, the tenant's wall clock."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_simulators.alfacrm.tables import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.alfacrm.columns import Column
    from crm_simulators.alfacrm.entity import Entity
    from crm_simulators.clock import Clock

Row = dict[str, Any]

API_USER = 1
"""The user that the tokens belong to, as the log names it."""
OFFICE_USER = 2
"""The user that works in the CRM itself, as the log names it."""
ADDED, CHANGED, DELETED = 1, 2, 3
"""Events of the log (one library; another calls 2 a restore)."""

_STAMPED = {path: {column.name for column in entity.columns} for path, entity in ENTITIES.items()}
_COMMON_PARENTS = {"class", "log"}


def fresh(column: Column) -> Any:
    """What a column holds when nothing was given: never shared between rows."""
    return list(column.empty) if isinstance(column.empty, tuple) else column.empty


class Store:
    """Rows in their stored form (see :class:`Column`); dicts keep them in the order of their ids."""

    def __init__(self, clock: Clock, zone: str) -> None:
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self.tables: dict[str, dict[int, Row]] = {path: {} for path in ENTITIES}
        self.version = 0
        """Moves with every change: what was found before may no longer hold."""
        self._last: defaultdict[str, int] = defaultdict(int)
        self._children: dict[tuple[str, str], defaultdict[Any, dict[int, Row]]] = {
            (entity.path, parent): defaultdict(dict)
            for entity in ENTITIES.values()
            for parent in entity.parents
            if parent not in _COMMON_PARENTS
        }

    def now(self) -> str:
        """The tenant's wall clock, ``YYYY-MM-DD HH:MM:SS``."""
        return self._local().strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> str:
        """The tenant's day, ``YYYY-MM-DD``."""
        return self.now()[:10]

    def yesterday(self) -> str:
        """The day before, ``YYYY-MM-DD``."""
        return (self._local() - timedelta(days=1)).date().isoformat()

    def _local(self) -> datetime:
        return self._clock.on_the_wall(self._zone)

    def load(self, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Puts rows in without a log record; missing columns hold their empty value, missing ids are given out."""
        for values in rows:
            self._put(path, {**self._empty(ENTITIES[path]), **values})

    def add(self, path: str, values: Mapping[str, Any], user: int) -> Row:
        """A new row, stamped with now, and its log record."""
        now, stamped = self.now(), _STAMPED[path]
        stamps: Row = {name: now for name in ("created_at", "updated_at", "added") if name in stamped}
        row = self._put(path, {**self._empty(ENTITIES[path]), **stamps, **values})
        self._note(ENTITIES[path], row, user, (ADDED, {}, row))
        return row

    def change(self, path: str, id_: int, values: Mapping[str, Any], user: int, *, stamp: bool = True) -> Row:
        """Changes columns of a row, and notes what changed."""
        row = self.tables[path][id_]
        old = {name: row.get(name) for name, value in values.items() if row.get(name) != value}
        self._unlink(path, row)
        row.update(values)
        if stamp and "updated_at" in _STAMPED[path] and "updated_at" not in values:
            row["updated_at"] = self.now()
        self._link(path, row)
        self._note(ENTITIES[path], row, user, (CHANGED, old, {name: row[name] for name in old}))
        return row

    def remove(self, path: str, id_: int, user: int) -> None:
        """Takes a row out, and notes what it was."""
        row = self.tables[path].pop(id_)
        self._unlink(path, row)
        self._note(ENTITIES[path], row, user, (DELETED, row, {}))

    def children(self, path: str, parent: str, value: Any) -> Iterable[Row]:
        """The rows of one parent, by the order of entry."""
        return self._children[path, parent].get(value, {}).values()

    def branch_ids(self, entity: Entity, row: Row) -> list[int]:
        """The branches a row belongs to; empty for what belongs to none."""
        if entity.scope in {"many", "loose"}:
            return list(row["branch_ids"])
        return [row["branch_id"]] if row.get("branch_id") is not None else []

    @staticmethod
    def _empty(entity: Entity) -> Row:
        return {column.name: fresh(column) for column in entity.columns}

    def _put(self, path: str, values: Row) -> Row:
        id_ = values.get("id") or self._last[path] + 1
        self._last[path] = max(self._last[path], id_)
        row: Row = {"id": id_}
        row.update(values)
        row["id"] = id_
        self.tables[path][id_] = row
        self._link(path, row)
        return row

    def _link(self, path: str, row: Row) -> None:
        self.version += 1
        for parent in ENTITIES[path].parents:
            if (path, parent) in self._children:
                self._children[path, parent][row[parent]][row["id"]] = row

    def _unlink(self, path: str, row: Row) -> None:
        self.version += 1
        for parent in ENTITIES[path].parents:
            if (path, parent) in self._children:
                self._children[path, parent][row[parent]].pop(row["id"], None)

    def _note(self, entity: Entity, row: Row, user: int, what: tuple[int, Row, Row]) -> None:
        """Writes the log record; the fields keep their stored forms."""
        if entity.path == "log":
            return
        event, old, new = what
        note = {
            "entity": entity.class_name,
            "entity_id": row["id"],
            "user_id": user,
            "event": event,
            "fields_old": {name: value for name, value in old.items() if name != "id"},
            "fields_new": {name: value for name, value in new.items() if name != "id"},
            "fields_rel": {},
            "date_time": self.now(),
            "branch_ids": self.branch_ids(entity, row),
        }
        self._put("log", note)
