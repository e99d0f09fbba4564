"""Finding records by their values in CRMs that offer no search: all are read once and remembered."""

from __future__ import annotations

import json
import threading
import unicodedata
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import Reader
from crm_systems.model import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crm_systems.kinds import Notation
    from crm_systems.model import Entity, Row


class ValueIndex:
    """Where the records with certain values are; any number of threads may ask.

    ``looks_again``: whether what was changed since is read before each answer; the entity needs a replication key.
    """

    def __init__(self, notation: Notation, *, looks_again: bool) -> None:
        self._notation = notation
        self._looks_again = looks_again
        self._indexes: dict[tuple[str, tuple[str, ...]], _Index] = {}
        self._lock = threading.Lock()

    def keys(
        self, entity: Entity, match: Mapping[str, Any], load: Callable[[datetime | None], Iterable[Row]]
    ) -> list[str]:
        """The keys of all records that may have these typed values, each as one text.

        ``load`` gives the rows changed at or after a time, or all. A record that had the values once may be among them.
        """
        names = tuple(sorted(match))
        with self._lock:
            index = self._indexes.get((entity.name, names))
            if index is None:
                index = _Index(entity, names, self._notation)
                index.take(load(None))
                self._indexes[entity.name, names] = index
            elif self._looks_again and entity.replication_key:
                index.take(load(datetime.fromisoformat(index.latest) if index.latest else None))
            return sorted(index.keys[_folded(match, names)])

    def note(self, entity: Entity, row: Row) -> None:
        """Remembers a row that was just written."""
        with self._lock:
            for (name, _names), index in self._indexes.items():
                if name == entity.name:
                    index.add(row)


class _Index:
    """The keys of one entity's records by the values of some fields."""

    def __init__(self, entity: Entity, names: tuple[str, ...], notation: Notation) -> None:
        self.keys: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self.latest = ""
        """When the last of those that the CRM listed was changed, as RFC 3339 in UTC."""
        self._entity = entity
        self._names = names
        self._read = Reader(entity, notation)

    def take(self, listed: Iterable[Row]) -> None:
        """Adds what a list gave; of one that fails, the rest is asked for again next time."""
        latest = self.latest
        for row in listed:
            latest = max(latest, self.add(row))
        self.latest = latest

    def add(self, row: Row) -> str:
        """Adds a row; when it was changed."""
        record = self._read(row)
        self.keys[_folded(record, self._names)].add(joined(self._entity.key, record))
        return str(record.get(self._entity.replication_key or "") or "")


def _folded(values: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """What values that may be the same have in common: case, blanks around and the notation of numbers do not count."""
    return tuple(_fold(values.get(name)) for name in names)


def _fold(value: Any) -> str:
    if isinstance(value, (int, Decimal)):
        return str(Decimal(value).normalize())
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return unicodedata.normalize("NFC", text).casefold().strip()
