"""Looking records up in alfaCRM, by filters that may have no effect; what nothing filters by is read and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm.lists import Lists, parent_of
from crm_systems.kinds import Reader
from crm_systems.rows import key_of
from crm_systems.system import System
from crm_systems.value_index import ValueIndex
from crm_systems.wire import is_empty, matches, respelt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_systems.model import Call, Entity, Row

LOOKS = 2
"""How often a record is looked for before it is taken for absent: a list may be empty once that is not."""


class AlfaCrmLookUp(System):
    """What of alfaCRM finds single records."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._lists = Lists(settings, self.notation.zone, self.page_size)
        # A look at what was changed meanwhile would cost a request for each branch and status before each record.
        self._index = ValueIndex(self.notation, looks_again=False)
        self._parents: dict[str, dict[str, dict[str, str]]] = {}

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By a list that is filtered by id, looked through in case the filter has no effect.

        A record of a sub-list can only be asked for by its parent, which is learnt by reading all of them once a run.
        """
        if not (identifier.isascii() and identifier.isdecimal()):
            return None
        if not entity.private.get("parents"):
            return self._one(call, entity, identifier)
        if entity.name not in self._parents:
            self._parents[entity.name] = {
                key_of(entity, row): parent_of(entity, row) or {} for row in self._all(call, entity)
            }
        parent = self._parents[entity.name].get(identifier)
        return self._one(call, entity, identifier, parent) if parent else None

    def _one(
        self,
        call: Call,
        entity: Entity,
        identifier: str,
        parent: Mapping[str, str] | None = None,
        branch: int | None = None,
    ) -> Row | None:
        for _look in range(LOOKS):
            asks = self._lists.requests(call, entity, {"id": int(identifier)}, parent=parent, branch=branch)
            rows = (row for page in self._lists.walk(call, entity, asks, is_look_up=True) for row in page.rows)
            found = next((row for row in rows if str(row["id"]) == identifier), None)
            if found:
                return found
        self._lists.confirm(call, entity)
        return None

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """By the filters that are known; what nothing filters by is read whole, once a run."""
        if any(is_empty(value) for value in match.values()):
            return []
        if "id" in match:
            found = self.get(call, entity, str(match["id"]))
            return [found] if found else []
        parent = parent_of(entity, match)
        filters = {name: _first(match[name]) for name in entity.private.get("filters", ()) if name in match}
        if not (parent or filters):
            keys = self._index.keys(entity, match, lambda _since: self._all(call, entity))
            return [row for key in keys if (row := self.get(call, entity, key))]
        # Whether the server takes a composed letter for its parts is not documented.
        spelt = [{name: respelt(form, value) for name, value in filters.items()} for form in ("NFC", "NFD")]
        typed = Reader(entity, self.notation)
        for each in [filters] * LOOKS + [each for each in spelt if each != filters]:
            asks = self._lists.requests(call, entity, each, parent=parent)
            rows = [row for page in self._lists.walk(call, entity, asks, is_look_up=True) for row in page.rows]
            if any(matches(entity, match, typed(row)) for row in rows):
                return rows
        self._lists.confirm(call, entity)
        return rows

    def remember(self, entity: Entity, row: Row) -> None:
        """So that what a list that was read once lacks is found."""
        self._index.note(entity, row)

    def _all(self, call: Call, entity: Entity) -> Iterator[Row]:
        for page in self._lists.walk(call, entity, self._lists.requests(call, entity)):
            yield from page.rows


def _first(value: Any) -> Any:
    """A filter takes one value; of a list, any record that has all has the first."""
    return value[0] if isinstance(value, list) else value
