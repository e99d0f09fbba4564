"""The one stream class that serves every system."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform

from crm_systems import kinds
from crm_systems.compiled import Record
from crm_systems.errors import CrmError
from crm_systems.model import joined
from tap_crm import deletions
from tap_crm.state import begin_anew_for
from tap_crm.streams.bookmarked import BookmarkedStream
from tap_crm.streams.reading import Reading
from tap_crm.streams.schema import entity_of, schema_of, with_fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk import Tap

    from crm_systems.model import Entity, Row
    from tap_crm.messages import Messages
    from tap_crm.run import Run
    from tap_crm.state import Incremental

LONGEST_SILENCE = 30.0
"""Seconds after which the state leaves, however few records did."""


class CrmStream(BookmarkedStream):
    """One kind of record. Reads all, or what was changed since the bookmark, and then what was deleted."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # The reader has typed the records.
    # So many records are read again at the most when a run was cut off, besides the pages that waited.
    STATE_MSG_FREQUENCY = 500
    IN_PARTS: ClassVar[bool] = True
    """Whether its records may be read in parts, by several shards or by one run after the other."""

    def __init__(  # noqa: PLR0913 - a stream is made of these
        self,
        tap: Tap,
        run: Run,
        *,
        name: str,
        schema: dict[str, Any],
        key: Sequence[str],
        replication_key: str | None,
        entity: Entity | None = None,
    ) -> None:
        super().__init__(tap, schema=schema, name=name)
        self.run = run
        self._messages = cast("Messages", tap.message_writer)
        self.primary_keys = list(key)
        self.replication_key = replication_key
        self._entity = entity
        self._begun: Reading | None = None
        self._is_incomplete = False
        self._is_whole = True
        """Whether nothing is missing, not even what the settings let be missing."""
        self._gone: deletions.Deletions | None = None
        self._stated = 0.0
        """When the state left, in seconds of the client's clock."""
        self._sent = 0
        """How many records have gone out since the state did."""

    @classmethod
    def of(cls, tap: Tap, run: Run, entity: Entity) -> CrmStream:
        """The stream of an entity that was just described."""
        return cls(
            tap,
            run,
            name=entity.name,
            schema=schema_of(entity, enums=run.settings["picklist_enums"], deletions=deletions.are_marked(run, entity)),
            key=entity.key,
            replication_key=entity.replication_key,
            entity=entity,
        )

    @property
    def entity(self) -> Entity:
        """What the catalog, or else the CRM, says of the entity; asked for once."""
        if self._entity is None:
            told = entity_of(self.name, self.schema, self.primary_keys, self.replication_key)
            # Who compares looks records up, which needs more than a catalog tells.
            known = self.run.client.system.recalled(told) if told and not self.run.compares else None
            self._entity = known or self.run.describe(self.name)
        if self.is_divided and not self._entity.shard:
            self._entity = replace(self._entity, shard=self.run.shard)
        return self._entity

    @property
    def is_divided(self) -> bool:
        """Whether each shard reads a part of the records; else one of them reads all."""
        is_by_id = self.IN_PARTS and self.run.client.system.reads_by_id and self.primary_keys == ["id"]
        return bool(self.run.shard) and is_by_id

    def get_records(self, context: Any) -> Iterable[Row]:
        """All records to send. A failure leaves the bookmark where it was.

        Raises:
            SystemExit: the connection itself is in trouble, so that no stream could go on.
        """
        try:
            if self._goes_straight:
                deque(map(self._send, self._pages()), maxlen=0)  # A loop would hold each page until the next is there.
            else:
                records = (record for page in self._pages() for record in self._handed_on(page))
                for record in islice(records, self.ABORT_AT_RECORD_COUNT):
                    yield {**self._blank, **(record.row() if isinstance(record, Record) else record)}
            self.run.succeed()
            self.end(is_whole=self._is_whole)
        except CrmError as error:
            self.run.fail_over(error, self.name, str(error))

    @cached_property
    def _goes_straight(self) -> bool:
        """Whether records leave as they are read: no stream map changes them, and nobody counts them."""
        transform = self.stream_maps[0]
        is_same = type(transform) is SameRecordTransform and not transform.flattening_enabled
        return is_same and len(self.stream_maps) == 1 and self.ABORT_AT_RECORD_COUNT is None

    def _send(self, page: Sequence[Row | Record]) -> None:
        """Writes a page of records."""
        self._messages.write_page(self.stream_maps[0].stream_alias, self._stream_version, page)
        self._counter.increment(len(page))
        self._sent += len(page)
        self.state_manager.is_flushed = self.state_manager.is_flushed and not page

    def _handed_on(self, page: Sequence[Row | Record]) -> Iterator[Row | Record]:
        """The records of a page, which have gone out when the next one is asked for."""
        yield from page
        self._messages.flush()

    def begin(self) -> Reading:
        """Begins to read, once; nothing is given before the stream's turn."""
        if self._begun is None:
            self._begun = Reading(
                run=self.run,
                name=self.name,
                logger=self.logger,
                replication_key=self.replication_key or "",
                # The state is opened here, since no other thread may touch it.
                state=self._opened_state() if self._is_incremental else None,
                shard=str(self.run.shard) if self.is_divided else None,
                may_go_on=self.IN_PARTS,
                describe=lambda: self.entity,
                make_reader=self._reader,
            )
        return self._begun

    def _opened_state(self) -> dict[str, Any]:
        """Its part of the state, which has all read again where the catalog has what earlier runs left out."""
        if new := begin_anew_for(self._chosen, self.stream_state, self.replication_key):
            words = "%s: all is read again, since earlier runs left out %s, which the catalog has now."
            self.logger.info(words, self.name, ", ".join(new))
        return self.stream_state

    @property
    def _chosen(self) -> set[str]:
        """The fields that the catalog has and selects."""
        return {name for name in self.schema["properties"] if self.mask["properties", name]}

    def _leave_state(self) -> None:
        """Lets the state leave now and then."""
        now = self.run.client.clock()
        if self._sent >= self.STATE_MSG_FREQUENCY or now - self._stated >= LONGEST_SILENCE:
            self._sent, self._stated = 0, now
            self._write_state_message()

    def _at_its_turn(self) -> Reading:
        """The reading, begun anew if it failed ahead of the stream's turn, since the server may be back."""
        if self._begun and self._begun.pages.has_failed:
            self._begun.close()
            self._begun = None
        reading, self._begun = self.begin(), None
        self.run.begin_after(self.name)
        reading.pages.begin()
        self._stated = self.run.client.clock()
        reading.warn_of_beginning()
        return reading

    def _pages(self) -> Iterator[Sequence[Row | Record]]:
        """The records to send, page by page; where a run goes on with another, also what was changed since that one."""
        with closing(self._at_its_turn()) as reading:
            yield from self._read(reading)
        if reading.goes_on and not self._is_incomplete:
            with closing(self._at_its_turn()) as reading:
                yield from self._read(reading)

    def _read(self, reading: Reading) -> Iterator[Sequence[Row | Record]]:
        """The records of one reading, page by page, and what it found to be gone; moves the bookmark at its end."""
        changes = reading.changes
        self._gone = self._deletions(changes)
        yield from self._rows(reading)
        if changes and changes.overlap.is_stale and not self._is_incomplete:
            changes.overlap.send_all()
            reading.again()
            yield from self._rows(reading)
        reading.warn_of_zone()
        if self._gone:
            whole = self._is_whole
            yield from ([row] for row in self._gone.rows(reading.elapsed, reading.reader, is_whole=whole))
        self.run.progress.done(self.name)
        self._report(reading)
        reading.forget_place()
        self._move_on(reading)

    def _move_on(self, reading: Reading) -> None:
        """Moves the bookmark, unless something is missing."""
        if not self._is_incomplete:
            reading.advance()

    def _rows(self, reading: Reading) -> Iterator[Sequence[Row | Record]]:
        """All records, or those that were changed and not sent yet."""
        changes, keyless = reading.changes, 0
        for page in reading.each_page():
            for identifier in page.unreadable:
                self.miss(f"{self.name} {identifier} is missing: the server cannot hand out this record.")
            if self._gone:
                self._gone.meet(page.unreadable)
            records = reading.typed(page.rows, self._keys)
            keyless += len(page.rows) - len(records)
            news = changes.news(records, self.key_of, reading.elapsed_at_page()) if changes else records
            if self._gone:
                self._gone.note(news)
            yield news
            if changes:
                changes.forget()
            if not keyless and not self._is_incomplete:
                reading.keep_place(page)
            self._leave_state()
            del page, records, news
        if keyless:
            key = ", ".join(self._keys)
            self.miss(f"{self.name}: {keyless} of its records come without their key ({key}) and are missing.")

    @cached_property
    def _blank(self) -> Row:
        """Every field as null where stream maps are set: their expressions fail over a field that a record lacks."""
        return dict.fromkeys(self.schema["properties"]) if self.config.get("stream_maps") else {}

    def _reader(self) -> kinds.Reader:
        """Reads the fields that the catalog has; a field that is newer than the catalog is left out and reported."""
        entity = with_fields_of(self.schema, self.entity, flattened=self.stream_maps[0].flattening_enabled)
        return kinds.Reader(entity, self.run.client.system.notation, self._chosen if self._goes_straight else None)

    def _deletions(self, changes: Incremental | None) -> deletions.Deletions | None:
        """What is gone; None where nobody wants to know."""
        if self.run.settings["deletions"] == "off" or self.ABORT_AT_RECORD_COUNT is not None:
            return None
        has_place = deletions.have_place(self.run, self.entity, self)
        return deletions.Deletions(self.run, self.entity, self.stream_state, changes, has_place=has_place)

    @property
    def _keys(self) -> Sequence[str]:
        """What identifies the records that are read."""
        return self.primary_keys

    def key_of(self, record: Row | Record) -> str:
        """What identifies a record, as one text."""
        return joined(self._keys, record)

    def miss(self, sentence: str) -> None:
        """Says what is missing; the stream counts as complete without it where the settings say so."""
        self._is_whole = False
        if self.run.settings["skip_unreadable"]:
            self.logger.warning("%s", sentence)
        else:
            self._is_incomplete = True
            self.run.fail(self.name, f"{sentence} Mend it in the CRM, or set `skip_unreadable`.")

    def _report(self, reading: Reading) -> None:
        """Says which values and fields did not fit."""
        self._is_incomplete |= reading.tell_misfits()
