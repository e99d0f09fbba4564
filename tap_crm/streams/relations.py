"""The stream of the relations of two entities' records that are no fields."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm_systems.beside import RELATION_KEY, RELATIONS, Relation, entity_of_relations
from crm_systems.errors import ConfigError, CrmError
from tap_crm import deletions
from tap_crm.deletions import Removals
from tap_crm.options import wanted_relations
from tap_crm.streams.beside import ChangedRecords
from tap_crm.streams.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk import Tap

    from crm_systems.compiled import Record
    from crm_systems.model import Entity, Row
    from tap_crm.run import Run


def relation_streams(tap: Tap, run: Run) -> Iterator[RelationStream]:
    """The streams of the relations that the settings ask for.

    Raises:
        ConfigError: the CRM does not have one of them, or tells none at all.
    """
    names = wanted_relations(run.settings)
    if names is None:
        return
    system = run.client.system
    if not system.offers_relations:
        raise ConfigError("`relations` cannot be read here, since the CRM tells none", hint="leave `relations` out")
    found: dict[str, list[Relation]] = {}
    entities = set(run.settings["entities"] or ())
    for each in system.relations(run.client.call, names):
        if names or not entities or not entities.isdisjoint((each.source, each.related)):
            found.setdefault(each.name, []).append(each)
    unknown = [name for name in names if name not in found]
    if unknown:
        there = ", ".join(sorted({each.name for each in system.relations(run.client.call)}))
        raise ConfigError(f"`relations` names {', '.join(unknown)}, which the CRM does not tell", hint=f"try {there}")
    for name, relations in found.items():
        yield RelationStream.of_relations(tap, run, name, relations)


class RelationStream(ChangedRecords):
    """Reads the records of either side that were changed, and of each all that is related to it."""

    _relations: list[Relation] | None = None

    @classmethod
    def of_relations(cls, tap: Tap, run: Run, name: str, relations: list[Relation]) -> RelationStream:
        """The stream of relations that were just asked for."""
        told = entity_of_relations(name, run.describe(relations[0].source), relations[0].related)
        schema = schema_of(told, enums=False, deletions=run.compares and not run.tells_deletions_apart)
        stream = cls(tap, run, name=name, schema=schema, key=RELATION_KEY, replication_key=told.replication_key)
        stream._relations = relations
        return stream

    @property
    def relations(self) -> list[Relation]:
        """What the CRM calls these relations; asked for once."""
        if self._relations is None:
            self._relations = self.run.client.system.relations(self.run.client.call, [self.name])
            if not self._relations:
                raise ConfigError(f"{self.name}: the CRM tells no such relation", hint="discover again")
        return self._relations

    @property
    def entity(self) -> Entity:
        """The entity of the source."""
        if self._entity is None:
            self._entity = self.run.describe(self.relations[0].source)
        return self._entity

    def _pages(self) -> Iterator[Sequence[Row | Record]]:
        """The relations of one record after the other, then those that are gone."""
        is_first = "replication_key_value" not in self.stream_state and not self.run.settings["start_date"]
        is_full = is_first or not self._is_incremental
        removals = self._removals()
        for page in self.changed():
            for relation in self.relations:
                for record, ids in self._related(page, relation, self):
                    source = self.key_of(record)
                    pairs = [(source, related, relation.label) for related in ids]
                    removals.read(source, relation.label, pairs, side=0)
                    yield self._rows_of(relation, pairs, record.get(self.replication_key or ""))
        if self.ABORT_AT_RECORD_COUNT is not None:
            return
        reads_back = self._is_incremental and bool(self.relations[0].back)
        if reads_back:
            yield from self._seen_from_the_other_side(removals, is_full=is_full)
        if is_full and self._is_whole:
            removals.all_are_read()
        yield from ([self._selected(row)] for row in removals.rows(self.run.client.server_time()))
        for side in (self, self._other_side) if reads_back else (self,):
            side.settle()

    def _seen_from_the_other_side(self, removals: Removals, *, is_full: bool) -> Iterator[Sequence[Row]]:
        """Relations of records that were changed there; what is read for the first time is known from this side."""
        there, other = self.relations[0], self._other_side
        back = Relation(there.related, there.source, there.back)
        for page in other.changed():
            for record, ids in [] if is_full else self._related(page, back, other):
                related = other.key_of(record)
                pairs = [(source, related, there.label) for source in ids]
                removals.read(related, there.label, pairs, side=1)
                yield self._rows_of(there, [pair for pair in pairs if not removals.is_read(pair[0])], None)

    @cached_property
    def _other_side(self) -> ChangedRecords:
        entity = self.run.describe(self.relations[0].related)
        schema = schema_of(entity, enums=False, deletions=False)
        return ChangedRecords(
            self._tap,
            self.run,
            name=f"{self.name}.{entity.name}",
            schema=schema,
            key=entity.key,
            replication_key=entity.replication_key,
            entity=entity,
        )

    def _related(
        self, page: Sequence[Row | Record], relation: Relation, side: ChangedRecords
    ) -> Iterator[tuple[Row | Record, list[str]]]:
        """Each record of a page with the ids of what is related to it, as far as the CRM tells."""
        system, call = self.run.client.system, self.run.client.call
        for record, ids in self._asked(lambda each: list(system.related(call, relation, side.key_of(each))), page):
            if isinstance(ids, CrmError):
                side.miss(f"{self.name}: what is related to {side.key_of(record)} is missing: {ids}")
            else:
                yield record, ids

    def _rows_of(self, relation: Relation, pairs: Sequence[tuple[str, str, str]], stamp: Any) -> list[Row]:
        """Records; ``stamp``: when the source was changed."""
        entities = {"source_entity": relation.source, "related_entity": relation.related}
        stamps = {self.replication_key: stamp} if self.replication_key else {}
        return [self._selected({**dict(zip(RELATION_KEY, pair, strict=True)), **entities, **stamps}) for pair in pairs]

    def _removals(self) -> Removals:
        """What is known of relations that were sent; nothing where nobody wants to know what is gone."""
        if not self.run.compares:
            return Removals(self.run)
        told = entity_of_relations(self.name, self.entity, self.relations[0].related)
        told = replace(told, replication_key=None)
        has_place = deletions.have_place(self.run, told, self)
        return Removals.of(self.run, told, self.stream_state) if has_place else Removals(self.run)


def is_of_relations(name: str, key: Sequence[str]) -> bool:
    """Whether a stream of a catalog is one of relations."""
    return name.endswith(RELATIONS) and tuple(key) == RELATION_KEY
