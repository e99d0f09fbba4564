"""Relations that were sent and are gone: found by what the CRM tells of records that were read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from typing_extensions import Self

from crm_singer.deletions import DELETED_AT
from crm_systems.model import parted
from tap_crm.deletions.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from crm_systems.model import Entity, Row
    from tap_crm.run import Run

Pair = tuple[str, str, str]
"""Source, related, label."""


class _Sent(Comparison):
    """Relations are not listed: those of a record are read with it."""

    def _listed(self, since: datetime | None) -> Iterator[str]:
        return iter(())


class Removals:
    """Compares what was sent with what is told; ``sent``: the relations by key, None where nobody wants to know."""

    def __init__(
        self, run: Run, entity: Entity | None = None, sent: _Sent | None = None, known: Sequence[str] = ()
    ) -> None:
        self._run = run
        self._entity = entity
        self._sent = sent
        self._how_many = len(known)
        self._known: defaultdict[tuple[int, str, str], set[Pair]] = defaultdict(set)
        for key in known:
            source, related, label = key.split("|", 2)
            for side, identifier in enumerate((source, related)):
                self._known[side, identifier, label].add((source, related, label))
        self._read: set[str] = set()
        self._gone: set[Pair] = set()

    @classmethod
    def of(cls, run: Run, entity: Entity, state: dict[str, Any]) -> Self:
        """What is known of the relations of a stream, of which ``entity`` tells name and key."""
        keys = run.sent_keys(entity.name)
        return cls(
            run, entity, _Sent(run.client, entity, keys, state, run.settings["most_deletions"]), sorted(keys.present())
        )

    def read(self, identifier: str, label: str, pairs: Sequence[Pair], *, side: int) -> None:
        """Notes all relations of a record, which are about to leave. ``side``: 0 of a source, 1 of what is related."""
        if side == 0:
            self._read.add(identifier)
        if self._sent:
            self._gone |= self._known[side, identifier, label].difference(pairs)
            self._gone.difference_update(pairs)
            self._sent.note(["|".join(pair) for pair in pairs])

    def is_read(self, source: str) -> bool:
        """Whether all relations of a source have left in this run."""
        return source in self._read

    def all_are_read(self) -> None:
        """Notes that whatever source was not met is gone, and its relations with it."""
        for (side, identifier, _label), pairs in self._known.items():
            if side == 0 and identifier not in self._read:
                self._gone |= pairs

    def rows(self, now: datetime) -> Iterator[Row]:
        """The keys of the relations that are gone, each with its mark; moves the state on when all have left.

        Raises:
            CrmError: more is gone than is believed, as where a CRM tells no relations when its database fails.
        """
        if not (self._sent and self._entity):
            return
        self._sent.check(len(self._gone), self._how_many)
        gone, back, _number = self._sent.settle(["|".join(pair) for pair in sorted(self._gone)], None)
        returned = self._sent.came_back.union(back).difference(gone)
        if deleted := self._run.deleted:
            for key, at in [*((key, now) for key in gone), *((key, None) for key in sorted(returned))]:
                deleted.tell(self._entity.name, key, at)
        else:
            yield from ({**parted(self._entity.key, key), DELETED_AT: now.isoformat()} for key in gone)
        self._sent.note_told()
