"""Which queries give the rows of a module, and where they end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_systems.compiled import Envelope, compiled
from crm_systems.errors import Denied, ProtocolError, Rejected, ServerFault
from crm_systems.model import BEYOND, Request
from crm_systems.rows import fits
from crm_systems.system import System
from crm_systems.times import earliest
from crm_systems.vtiger import vtql, walks, whole
from crm_systems.vtiger.answers import ID
from crm_systems.vtiger.describe import INVENTORY
from crm_systems.vtiger.look_up import LookUp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from crm_systems.compiled import Pages
    from crm_systems.kinds import Reader
    from crm_systems.model import Call, Entity, Row, Walk

HIDING = frozenset({"Calendar", "Events", "cbCalendar"})
"""Modules whose pages lack the rows that a user who is no administrator may not see (measured on 8.4.0)."""

LIST_MODULES = Request("GET", "List the modules", query={"operation": "listtypes"})
PAGE = Envelope(rows="result", flag="success", besides="moreinfo", key=ID.pattern)
"""A page of rows; coreBOS tells more."""
COLUMN = re.compile(r"\w+", re.ASCII)


class VtigerLists(System):
    """What of Vtiger reads rows: all, those that were changed, or those that are looked up."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._administrator = False
        self._highest: int | None = None
        self._looking = LookUp()
        self._shown: dict[str, Row] = {}
        """By module, a record that was there."""

    def compiled(self, entity: Entity, reader: Reader) -> tuple[Entity, Pages | None]:
        """Pages of rows by id, of no more columns than are wanted where the server takes their names."""
        pages = compiled(reader, PAGE) if entity.key == ("id",) else None
        known, wanted = ([field.name for field in each.fields if field.readable] for each in (entity, reader.entity))
        # Of rows that hold more than is known, all is asked for, so that it can be told.
        can_choose = pages and known == wanted and entity.name not in INVENTORY
        columns = tuple(reader.values) if can_choose and all(map(COLUMN.fullmatch, reader.values)) else ()
        columns = columns if len(columns) < len(known) else ()
        private = {**entity.private, "decode": pages and pages.decode, "columns": columns}
        return replace(entity, private=private), pages

    def keys_alone(self, entity: Entity) -> Entity:
        """By a query for ids, where there are some."""
        columns = entity.key if entity.key == ("id",) else ()
        return replace(entity, private={**entity.private, "columns": columns, "decode": None})

    def _columns(self, call: Call, entity: Entity) -> str:
        """The wanted columns, if a look at one row gives just these; else all.

        Describe and query do not know the same fields, and one name too many fails a query (measured).
        """
        wanted = entity.private.get("columns")
        if not wanted or wanted == ("id",):
            return "id" if wanted else "*"
        query, about = f"select {','.join(wanted)} from {entity.name} limit 1;", f"{entity.name}: choose the columns"
        try:
            rows = call(vtql.ask(query, about, patient=False))
        except (Denied, Rejected, ServerFault, ProtocolError):
            return "*"
        return ",".join(wanted) if rows and set(rows[0]) == set(wanted) else "*"

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """By id. Without ids, or on a server that does not sort a module by them, all at once."""
        table = replace(self._table(entity, since), columns=self._columns(call, entity))
        if entity.key != ("id",):
            return [whole.without_ids(table)]
        try:
            newest = vtql.newest(call, table)
        except vtql.Unsorted:
            return [whole.everything(table)]
        if not table.prefix and newest:
            table = replace(table, prefix=newest[0].partition("x")[0])
        elif not table.prefix and (newest is None or table.hides_rows):
            prefix = self.describe(call, entity.name).private["prefix"]
            table = replace(table, prefix=prefix, witness=self._shown.get(entity.name))
        numbers = [vtql.number_of(each) for each in newest or ()]
        highest = BEYOND if newest is None else max(numbers, default=0)
        if not highest and table.hides_rows:
            highest = self._highest_of_all(call)
        if not highest:
            vtql.vouch(call, table)
        left = entity.left or ((0, BEYOND),)
        is_full = len(numbers) == vtql.SERVER_PAGE
        reach = (numbers[0] - numbers[-1]) * table.page_size // (len(numbers) - 1) if is_full else 0
        return [walks.Keyset(table, low, highest, min(high, highest), reach) for low, high in left if low < highest]

    def _table(self, entity: Entity, since: datetime | None) -> vtql.Table:
        where = ""
        if since and entity.replication_key:
            where = f"{entity.replication_key} >= '{self.local(since)}'"
        return vtql.Table(
            entity.name,
            entity.private["prefix"],
            where,
            self.page_size,
            self.hides_rows(entity),
            may_hide=not self._administrator and entity.private["is_entity"] and entity.name not in INVENTORY,
            witness=self._shown.get(entity.name),
            decode=entity.private.get("decode"),
            shard=entity.shard,
        )

    def hides_rows(self, entity: Entity) -> bool:
        """Whether pages of this entity may lack rows, or be empty, before the end."""
        return not self._administrator and entity.name in HIDING

    def local(self, since: datetime) -> str:
        """A lower bound as the server writes times; an hour earlier where the clocks are just being put back."""
        return earliest(since, self.notation.zone).strftime("%Y-%m-%d %H:%M:%S")

    def highest(self, call: Call, entity: Entity) -> int | None:
        """By one query: ids are drawn from one sequence (measured)."""
        if not entity.key or self.hides_rows(entity):
            return None
        try:
            found = vtql.top(call, self._table(entity, None))
        except vtql.Unsorted:
            return None
        return None if found == BEYOND else found

    def _highest_of_all(self, call: Call) -> int:
        """The highest id in any module: all entity modules draw from one sequence."""
        if self._highest is None:
            listed = call(LIST_MODULES.replace(shape={"information": {}}))
            modules = [
                name for name, facts in listed["information"].items() if fits(facts, {}) and facts.get("isEntity")
            ]
            found = [0]
            for module in modules:
                try:
                    found.append(vtql.top(call, vtql.Table(module, "", hides_rows=module in HIDING)))
                except (Denied, vtql.Unsorted):
                    continue
            self._highest = max((each for each in found if each < BEYOND), default=0)
        return self._highest

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By query, not retrieve, which denies a missing record as it denies a forbidden one."""
        if not re.fullmatch(rf"{entity.private['prefix']}x\d+", identifier):
            return None
        rows = self._look_up(call, entity, f"id = {vtql.literal(identifier)}")
        return next((row for row in rows if row.get("id") == identifier), None)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """By query; a value that VTQL cannot express, the empty text, finds nothing.

        To the server, a composed letter and its parts are two texts (documented of utf8_general_ci).
        """
        written = self.encoded(entity, match)
        if not all(written.values()):
            return []
        return self._look_up(call, entity, " and ".join(vtql.alike(name, str(each)) for name, each in written.items()))

    def find_many(self, call: Call, entity: Entity, name: str, values: Sequence[str]) -> list[Row]:
        """By queries with ``in``, none of them longer than a web server takes."""
        field = entity.field(name)
        written = [str(value if name == "id" or field is None else self.encode(field, value)) for value in values]
        if name == "id":
            written = [each for each in written if re.fullmatch(rf"{entity.private['prefix']}x\d+", each)]
        # Where rows are hidden after a page was cut, a page of many does not tell what it lacks.
        at_once = 1 if self.hides_rows(entity) else len(written)
        conditions = vtql.among(name, filter(None, written), at_once)
        rows = (row for condition in conditions for row in self._look_up(call, entity, condition))
        return list({row["id"]: row for row in rows}.values())  # the witness comes with each answer

    def _look_up(self, call: Call, entity: Entity, condition: str) -> list[Row]:
        table = replace(self._table(entity, None), joins_lines=entity.name in INVENTORY)
        return self._looking.rows(call, table, condition)
