"""What references to incoming records mean: the ids that these records have in the CRM."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from crm_singer.databases import portions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from target_crm.ledger.database import Database
    from target_crm.ledger.notes import Notes
    from target_crm.ledger.statements import Statements

REMEMBERED = 50_000
"""For how many keys a run remembers what references to them mean."""


class PointedTo:
    """The records of what ``ours`` names; any number of threads may ask."""

    def __init__(self, database: Database, does: Statements, notes: Notes, ours: Mapping[str, str]) -> None:
        self._database = database
        self._does = does
        self._notes = notes
        self._ours = ours
        self._known: dict[str, list[tuple[str, str]]] = {}
        """Entities and ids by key, as long as this run does not write that key."""
        self._asked: dict[str, object] = {}
        """By key, the question that is under way and whose answer may be remembered: the key was not written since."""
        self._changing = threading.Lock()

    def ids_of(self, entities: Iterable[str], key: str) -> list[str]:
        """The ids in the CRM of the incoming record with this key, in any stream that writes these entities."""
        rows = self._known.get(key)
        if rows is None:
            rows = self._told([key]).get(key, [])
        wanted = set(entities)
        return list(dict.fromkeys(crm_id for entity, crm_id in rows if not wanted or entity in wanted))

    def look_ahead(self, keys: Iterable[str]) -> None:
        """Asks for several keys at once, so that :meth:`ids_of` need not ask for each."""
        wanted = {each for each in keys if each not in self._known}
        if len(self._known) + len(wanted) > REMEMBERED:
            self._known.clear()
        self._told(wanted)

    def _told(self, keys: Collection[str]) -> Mapping[str, list[tuple[str, str]]]:
        """What the ledger says of some keys, which is remembered if it says anything."""
        question, found = object(), defaultdict[str, list[tuple[str, str]]](list)
        self._asked.update(dict.fromkeys(keys, question))
        self._notes.flush_those_of(keys)
        for some in portions(keys):
            for row in self._database.read(self._does.ids_of_many, {**self._ours, "its_key": some}):
                found[row.key].append((row.entity, row.crm_id))
        with self._changing:
            for key in keys:
                if self._asked.pop(key, None) is question and key in found and len(self._known) < REMEMBERED:
                    self._known[key] = found[key]
        return found

    def forget(self, key: str) -> None:
        """Forgets what is remembered of a key, since its record is written."""
        with self._changing:
            self._asked.pop(key, None)
            self._known.pop(key, None)

    def forget_all(self) -> None:
        """Forgets what is remembered of any key."""
        with self._changing:
            self._asked.clear()
            self._known.clear()
