"""Looking records up in InTouch: one by its address, by anything else among all of them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm_systems.errors import NOT_FOUND, Denied
from crm_systems.intouch.lists import Lists, all_items, code_lists
from crm_systems.intouch.records import normalised
from crm_systems.model import Request
from crm_systems.rows import key_of, record_with
from crm_systems.system import System
from crm_systems.value_index import ValueIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.kinds import Notation
    from crm_systems.model import Call, Entity, Row


class InTouchLookUp(System):
    """What of InTouch finds single records, in its lists where need be."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._told_notation: Notation | None = None
        self._learning = threading.Lock()
        """Held while the zone is asked for, by several who describe at the same time."""
        self._members: dict[str, Row] | None = None
        self._shown: dict[tuple[str, int], int] = {}

    @cached_property
    def _index(self) -> ValueIndex:
        return ValueIndex(self.notation, looks_again=True)

    def _rows(
        self, call: Call, entity: Entity, since: datetime | None, one: Callable[[str], Row] | None = None
    ) -> Iterator[list[Row]]:
        """``one`` gives a record by its id, to read around one that breaks its page; else such a page is a failure."""
        lists = self._lists_of(entity, one)
        if entity.name == "lists":
            yield code_lists(call)
        elif entity.name == "list_items":
            yield from all_items(call)
        elif since and entity.replication_key:
            yield from lists.changed(call, since)
        else:
            yield from lists.everything(call)

    def _lists_of(self, entity: Entity, one: Callable[[str], Row] | None) -> Lists:
        types = self.options["case_types"] or () if entity.name == "buscases" else ()
        return Lists(entity, tuple(types), self.page_size, self.notation.zone, self._shown, one)

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By its address; where that is not found although the list has the record, from the list.

        Single addresses are documented for every resource but memberships and, for certain, invoices.
        """
        if entity.name == "members":
            return self._all_members(call, entity).get(identifier)
        if not (identifier.isascii() and identifier.isdigit()):
            return None
        try:
            return normalised(self._one(call, entity, identifier))
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
        if not self._matching_keys(call, entity, {"id": int(identifier)}):
            return None
        pages = self._rows(call, entity, None)
        return next((normalised(row) for rows in pages for row in rows if str(row.get("id")) == identifier), None)

    def _one(self, call: Call, entity: Entity, identifier: str) -> Row:
        """By its address."""
        about = f"{entity.name}: read one"
        told = call(Request("GET", about, f"/{entity.name}/{identifier}"))
        return record_with(told, identifier, [field.name for field in entity.fields], about)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """No list can be searched: all records are read once and remembered, and what changed since is read each time.

        Memberships are read once only, since they tell no time (the vendor means their list for that).
        """
        if entity.name == "members":
            wanted = {name: str(value) for name, value in match.items()}
            rows = self._all_members(call, entity).values()
            return [row for row in rows if all(str(row.get(name)) == value for name, value in wanted.items())]
        found = (self.get(call, entity, key) for key in self._matching_keys(call, entity, match))
        return [row for row in found if row is not None]

    def remember(self, entity: Entity, row: Row) -> None:
        """So that what a list that was read once lacks is found."""
        self._index.note(entity, row)

    def _matching_keys(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[str]:
        def load(since: datetime | None) -> Iterator[Row]:
            return (normalised(row) for rows in self._rows(call, entity, since) for row in rows)

        return self._index.keys(entity, match, load)

    def _all_members(self, call: Call, entity: Entity) -> dict[str, Row]:
        if self._members is None:
            rows = [row for rows in self._rows(call, entity, None) for row in rows]
            self._members = {key_of(entity, row): row for row in rows}
        return self._members
