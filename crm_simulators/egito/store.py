"""What a tenant holds: the records of every type, its dictionaries, its users' numbers."""

from __future__ import annotations

import uuid
import zlib
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, cast

from crm_simulators.egito.model import DICTIONARIES, USERS, Column, Id, Record, types

if TYPE_CHECKING:
    from crm_simulators.clock import Clock
    from crm_simulators.egito.switches import Switches


class Store:
    """All rows, by the text of their id, in the order in which they were made.

    Args:
        tenant: Its name; the ids of dictionary rows depend on it.
    """

    def __init__(self, clock: Clock, switches: Switches, tenant: str) -> None:
        self._clock = clock
        self._ids = switches.ids
        self._random = Random(f"egito {tenant}")
        self.types: dict[str, dict[str, Column]] = types(switches)
        self.tables: dict[str, dict[str, Record]] = {name: {} for name in self.types}
        self._orders: dict[tuple[str, str, bool], list[Record]] = {}
        self._next = dict.fromkeys(self.types, switches.first_id)
        self._next_entry = 2 + zlib.crc32(tenant.encode()) % 900
        self.owners = [self._native(user.number) for user in USERS.values()]
        self.dictionaries = {name: self._entries(name, texts) for name, texts in DICTIONARIES.items()}

    def now(self) -> datetime:
        """The server's time, to the millisecond."""
        now = self._clock.now()
        return now - timedelta(microseconds=now.microsecond % 1000)

    def row(self, name: str, number: str) -> Record:
        """A stored row.

        Raises:
            ValueError: If there is none.
        """
        try:
            return self.tables[name][number]
        except KeyError:
            raise ValueError(number) from None

    def dictionary_id(self, name: str, number: str) -> Id:
        """The id of a dictionary's row, checked."""
        for entry in self.dictionaries[name]:
            if str(entry["id"]) == number:
                return cast("Id", entry["id"])
        raise ValueError(number)

    def owner_id(self, number: str) -> Id:
        """The id of a user, checked."""
        for owner in self.owners:
            if str(owner) == number:
                return owner
        raise ValueError(number)

    def owner(self, number: int) -> Id:
        """The id of a user as records have it; ``number`` counts from 1."""
        return self.owners[number - 1]

    def ordered(self, name: str, field: str, desc: bool) -> list[Record]:
        """All rows of a type by a field, empty ones first; by age if there is no such field. Not to be changed."""
        order = (name, field if field in self.types[name] else "", desc)
        if order not in self._orders:
            rows = list(self.tables[name].values())
            if order[1]:
                rows.sort(key=lambda row: (field in row, row.get(field, 0)), reverse=desc)
            self._orders[order] = rows
        return self._orders[order]

    def new_id(self, name: str) -> Id:
        """The next id of a type; ids are never used twice."""
        number = self._next[name]
        self._next[name] = number + 1
        return self._native(number)

    def add(self, name: str, values: Record) -> Record:
        """Stores a new row and stamps it."""
        now = self.now()
        return self.load(name, {"id": self.new_id(name), **values, "created": now, "modified": now})

    def replace(self, name: str, row: Record) -> Record:
        """Stores a new version of a row and stamps it."""
        return self.load(name, {**row, "modified": self.now()})

    def load(self, name: str, row: Record) -> Record:
        """Stores a row as it is; empty fields are not kept."""
        row = {field: value for field, value in row.items() if value is not None}
        self.tables[name][str(row["id"])] = row
        self._orders.clear()
        return row

    def drop(self, name: str, number: str) -> None:
        """Removes a row without a trace."""
        self.tables[name].pop(number, None)
        self._orders.clear()

    def add_entry(self, name: str, text: str) -> Id:
        """Stores a new row of a dictionary, which may be new itself."""
        entries = self.dictionaries.setdefault(name, [])
        entries.append(self._entry(name, text, len(entries) + 1, is_active=True))
        return cast("Id", entries[-1]["id"])

    def _native(self, number: int) -> Id:
        if self._ids == "uuid":
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return str(number) if self._ids == "string" else number

    def _entries(self, name: str, texts: tuple[str, ...]) -> list[Record]:
        """A dictionary's rows; the last one of a longer dictionary is no longer active."""
        active = max(len(texts), 4)
        return [self._entry(name, text, place, is_active=place < active) for place, text in enumerate(texts, 1)]

    def _entry(self, name: str, text: str, position: int, *, is_active: bool) -> Record:
        number = self._native(self._next_entry)
        self._next_entry += 1
        return {"id": number, "name": text, "type": name, "position": position, "active": is_active}
