"""The one stream class that serves every system."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, cast
from zoneinfo import ZoneInfo

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform

from crm_systems import kinds
from crm_systems.compiled import Record, typed_rows
from crm_systems.errors import CrmError
from crm_systems.rows import missing_key
from crm_systems.times import instant
from tap_crm import deletions
from tap_crm.state import READING, Incremental, Place, StateError, sentence
from tap_crm.streams.schema import entity_of, schema_of
from tap_crm.streams.versions import VersionedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from singer_sdk import Tap

    from crm_systems.client import Reading
    from crm_systems.compiled import Pages
    from crm_systems.model import Entity, Page, Row, Walk
    from tap_crm.messages import Messages
    from tap_crm.run import Run


LONGEST_SILENCE = 30.0
"""Seconds after which the state leaves, however few records did."""


@dataclass
class _Begun:
    """A reading of a stream under way. ``state``: the stream's part of the state; None where all is read."""

    state: dict[str, Any] | None
    at: float = 0.0
    """When it began, in seconds of the client's clock."""
    entity: Entity | None = None
    """As the system takes it to decode pages straight for the reader."""
    changes: Incremental | None = None
    place: Place | None = None
    """How far it has come; None where a run that is cut off has to begin again."""
    typing: Pages | None = None
    reader: kinds.Reader = field(init=False)
    pages: Reading = field(init=False)


class CrmStream(VersionedStream):
    """One kind of record. Reads all, or what was changed since the bookmark, and then what was deleted."""

    # The reader types the records; the SDK need not look at each again.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
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
        self.primary_keys = list(key)
        self.replication_key = replication_key
        self._entity = entity
        self._begun: _Begun | None = None
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
            schema=schema_of(
                entity,
                enums=run.settings["picklist_enums"],
                deletions=deletions.are_marked(run, entity),
            ),
            key=entity.key,
            replication_key=entity.replication_key,
            entity=entity,
        )

    @property
    def entity(self) -> Entity:
        """What the catalogue, or else the CRM, says of the entity; asked for once."""
        if self._entity is None:
            told = entity_of(self.name, self.schema, self.primary_keys, self.replication_key)
            # Who compares looks records up, which needs more than a catalogue tells.
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
                for page in self._pages():
                    self._send(page)
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
        """Whether records leave as they are read: no stream map changes them, and nobody counts or gathers them."""
        transform = self.stream_maps[0]
        is_same = type(transform) is SameRecordTransform and not transform.flattening_enabled
        is_counted = self.ABORT_AT_RECORD_COUNT is not None or self.get_batch_config(self.config) is not None
        return is_same and len(self.stream_maps) == 1 and not is_counted

    @property
    def _messages(self) -> Messages:
        return cast("Messages", self._tap.message_writer)

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

    def begin(self) -> _Begun:
        """Begins to read, once; nothing is given before the stream's turn."""
        if self._begun is None:
            # The state is opened here, since no other thread may touch it.
            self._begun = _Begun(self.stream_state if self._is_incremental else None)
            self._begun.pages = self.run.client.read(partial(self._walks, self._begun))
        return self._begun

    def _walks(self, begun: _Begun) -> Iterable[Walk]:
        """What to read; the clock is taken when that begins."""
        client, system = self.run.client, self.run.client.system
        if begun.entity is None:
            begun.at, started = client.clock(), client.server_time()
            begun.reader = self._reader()
            begun.entity, begun.typing = system.straight(self.entity, begun.reader)
            if begun.state is not None:
                begun.changes = self._incremental(begun.state, started)
                self._find_place(begun, begun.changes)
        return system.walks(client.call, begun.entity, begun.changes.since if begun.changes else None)

    def _find_place(self, begun: _Begun, changes: Incremental) -> None:
        """Goes on where a run was cut off that read the same, else begins."""
        if self.IN_PARTS and not changes.overlap.holds_many:
            begun.place = Place(changes.started, changes.since)
        kept = Place.of(begun.state or {}) if begun.place else None
        if not kept or kept.began > changes.started:
            return
        again = self._incremental(begun.state or {}, kept.began)
        if kept.left is None or changes.clock_was_put_back or again.since != kept.since:
            self.logger.info("%s: a run was cut off, and this one cannot go on with it, so it begins anew.", self.name)
            return
        self.logger.info("%s: a run that began at %s was cut off; this one goes on with it.", self.name, kept.began)
        again.goes_on = True
        again.shown.reached, again.shown.newest = kept.reached, kept.newest
        begun.at -= (changes.started - kept.began).total_seconds()
        begun.place, begun.changes = kept, again
        begun.entity = begun.entity and replace(begun.entity, left=kept.left)

    def _keep_place(self, begun: _Begun, page: Page, *, is_whole: bool) -> None:
        """Notes what has left, unless something is missing, so that it is read again; the state leaves now and then."""
        if begun.place and begun.changes and begun.state is not None and is_whole and not self._is_incomplete:
            begun.place = begun.place.after(page, begun.changes.shown)
            begun.place.write(begun.state)
            self._note_shard(begun.state)
        now = self.run.client.clock()
        if self._sent >= self.STATE_MSG_FREQUENCY or now - self._stated >= LONGEST_SILENCE:
            self._sent, self._stated = 0, now
            self._write_state_message()

    def _note_shard(self, state: dict[str, Any]) -> None:
        if self.is_divided:
            state["shard"] = str(self.run.shard)

    def _forget_place(self, begun: _Begun) -> None:
        begun.place = None
        if begun.state is not None:
            begun.state.pop(READING, None)

    def _at_its_turn(self) -> _Begun:
        """The reading, begun anew if it failed ahead of the stream's turn, since the server may be back."""
        if self._begun and self._begun.pages.has_failed:
            self._begun.pages.close()
            self._begun = None
        begun = self.begin()
        self._begun = None
        self.run.begin_after(self.name)
        begun.pages.begin()
        self._stated = self.run.client.clock()
        if begun.changes:
            self._warn_of(begun.changes)
        return begun

    def _pages(self) -> Iterator[Sequence[Row | Record]]:
        """The records to send, page by page.

        Where a run that was cut off is gone on with, what was changed since it began is read as well.
        """
        begun = self._at_its_turn()
        yield from self._reading(begun)
        if begun.changes and begun.changes.goes_on and not self._is_incomplete:
            yield from self._reading(self._at_its_turn())

    def _reading(self, begun: _Begun) -> Iterator[Sequence[Row | Record]]:
        """The records of one reading, page by page, and what it found to be gone; moves the bookmark at its end."""
        changes = begun.changes
        self._gone = self._deletions(changes)
        yield from self._rows(begun)
        if changes and changes.overlap.is_stale and not self._is_incomplete:
            changes.overlap.send_all()
            self._forget_place(begun)
            begun.entity = begun.entity and replace(begun.entity, left=None)
            begun.pages = self.run.client.read(partial(self._walks, begun))
            begun.pages.begin()
            yield from self._rows(begun)
        if changes:
            self._doubt_the_zone(changes)
        if self._gone:
            elapsed, whole = partial(self._elapsed, begun), self._is_whole
            yield from ([row] for row in self._gone.rows(changes, elapsed, begun.reader, is_whole=whole))
        self.run.progress.done(self.name)
        self._report(begun.reader)
        self._forget_place(begun)
        if changes and not self._is_incomplete:
            changes.advance()
            self._note_shard(begun.state or {})

    def _rows(self, begun: _Begun) -> Iterator[Sequence[Row | Record]]:
        """All records, or those that were changed and not sent yet."""
        changes, typing, reader, read, keyless = begun.changes, begun.typing, begun.reader, 0, 0
        system, is_part = self.run.client.system, bool(changes and changes.since)
        for page in begun.pages:
            elapsed = timedelta(seconds=begun.pages.read_at - begun.at)
            for identifier in page.unreadable:
                self._miss(f"{self.name} {identifier} is missing: the server cannot hand out this record.")
            if self._gone:
                self._gone.meet(page.unreadable)
            read += len(page.rows)
            self.run.progress.show(self.name, read, None if is_part else system.announced(self.entity))
            records: list[Any] = page.rows
            if typing and records and isinstance(records[0], Record):
                typing.typed(records)
            else:
                typed = typed_rows(reader, records)
                records = [record for record in typed if not missing_key(self._keys, record)]
                keyless += len(typed) - len(records)
            news = changes.news(records, self._key_of, elapsed) if changes else records
            if self._gone:
                self._gone.note(news)
            yield news
            if changes:
                changes.forget()
            self._keep_place(begun, page, is_whole=not keyless)
        if keyless:
            key = ", ".join(self._keys)
            self._miss(f"{self.name}: {keyless} of its records come without their key ({key}) and are missing.")

    def _elapsed(self, begun: _Begun) -> timedelta:
        return timedelta(seconds=self.run.client.clock() - begun.at)

    @cached_property
    def _blank(self) -> Row:
        """Every field as null where stream maps are set: their expressions fail over a field that a record lacks."""
        return dict.fromkeys(self.schema["properties"]) if self.config.get("stream_maps") else {}

    def _reader(self) -> kinds.Reader:
        """Reads the fields that the catalog has; a field that is newer than the catalog is left out and reported."""
        known = self.schema["properties"]
        fields = tuple(field for field in self.entity.fields if field.name in known)
        wanted = {name for name in known if self.mask["properties", name]} if self._goes_straight else None
        return kinds.Reader(replace(self.entity, fields=fields), self.run.client.system.notation, wanted)

    @property
    def _is_incremental(self) -> bool:
        return bool(self.replication_key) and self.replication_method == "INCREMENTAL"

    def _incremental(self, state: dict[str, Any], started: datetime) -> Incremental:
        """A reading of changes that begins when the server's clock is at ``started``.

        Raises:
            StateError: the state cannot be understood.
        """
        told, own = state.get("shard"), str(self.run.shard) if self.is_divided else None
        if told not in (None, own):
            raise StateError(
                f"The state is that of shard {told} and cannot be used for {own or 'all'}",
                hint="give each shard its own state, and begin without one where the number of shards changes",
            )
        zone, start = ZoneInfo(self.run.client.system.notation.timezone), self.run.settings["start_date"]
        return Incremental(
            state,
            self.replication_key or "",
            started=started,
            zone=zone,
            lookback=timedelta(seconds=self.run.settings["lookback_seconds"]),
            start=instant(start, zone) if start else None,
        )

    def _warn_of(self, changes: Incremental) -> None:
        """Says where a reading does not begin at the bookmark."""
        if changes.clock_was_put_back:
            self.logger.warning(
                "%s: the bookmark lies ahead of the server's clock (%s): the clock was put back, or the bookmark was "
                "set by hand. Lest anything be lost, all is read again, as far back as `start_date`.",
                self.name,
                changes.started.isoformat(),
            )
        if changes.start_is_in_the_future:
            self.run.warn_once("`start_date` lies in the future: what is changed from now on is read.")

    def _doubt_the_zone(self, changes: Incremental) -> None:
        """One warning a run where the stamps of changes cannot be of the zone that is set."""
        lead = changes.evidence.lead()
        if lead and not self.run.doubts_zone:
            words = sentence(lead, self.run.client.system.notation.timezone, changes.started)
            self.run.doubts_zone = bool(words)
            if words:
                self.logger.warning("%s", words)

    def _deletions(self, changes: Incremental | None) -> deletions.Deletions | None:
        """What is gone; None where nobody wants to know."""
        if self.run.settings["deletions"] == "off" or self.ABORT_AT_RECORD_COUNT is not None:
            return None
        has_place = deletions.have_place(self.run, self.entity, self.schema, self.mask)
        reads_all = changes is None or (changes.since is None and not changes.goes_on)
        return deletions.Deletions(self.run, self.entity, self.stream_state, has_place=has_place, reads_all=reads_all)

    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """Does nothing: the bookmark moves at the end of the stream and comes from the server's clock."""

    def compare_start_date(self, value: str, start_date_value: str) -> str:
        """The bookmark: a start date never wins over it (the SDK takes the later one, which leaves a hole)."""
        return value

    def get_replication_key_signpost(self, context: Any = None) -> datetime | None:
        """None: the SDK would take this machine's clock."""
        return None

    @property
    def _keys(self) -> Sequence[str]:
        """What identifies the records that are read."""
        return self.primary_keys

    def _key_of(self, record: Row | Record) -> str:
        return "|".join(str(record.get(name)) for name in self._keys)

    def _miss(self, sentence: str) -> None:
        """Says what is missing; the stream counts as complete without it where the settings say so."""
        self._is_whole = False
        if self.run.settings["skip_unreadable"]:
            self.logger.warning("%s", sentence)
        else:
            self._is_incomplete = True
            self.run.fail(self.name, f"{sentence} Mend it in the CRM, or set `skip_unreadable`.")

    def _report(self, reader: kinds.Reader) -> None:
        """One warning for values that did not fit their type and one for fields that the catalog does not have."""
        if reader.misfits:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(reader.misfits.items()))
            self.logger.warning("%s: values that do not fit their field's type: %s", self.name, counts)
        if reader.unknown:
            names = ", ".join(sorted(reader.unknown))
            self.logger.warning(
                "%s: fields that discovery did not see are left out: %s. Discover again, without a cached catalog.",
                self.name,
                names,
            )
