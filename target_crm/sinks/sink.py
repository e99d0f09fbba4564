"""What the sinks that write have in common: they check the schema, take records, and keep those waiting that must."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED_AT
from target_crm.encoding import printable, unwritable
from target_crm.mapping import (
    Check,
    Identity,
    Mapper,
    References,
    Uploads,
    brings_files,
    is_said,
    is_singers,
)
from target_crm.options import options_of
from target_crm.outcome import Action, Outcome
from target_crm.sinks.without_writing import QuietSink
from target_crm.writing import CONVERT, convertible

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_systems.model import Entity
    from target_crm.options import StreamOptions
    from target_crm.report import RawRecord
    from target_crm.run import Run
    from target_crm.writing import BesideWriter, Writer

MOVING = "moving"
"""An identifier of records that were set aside and may end what others are recognised by."""
BATCH = 180
"""How many records are looked up at once before they are written."""


class Incoming(dict[str, Any]):
    """A record as the stream maps give it, which remembers how it came."""

    key: str
    identifiers: tuple[str, ...]
    """What it shares with others that may be the same one."""
    is_first: bool
    """Whether none that may be the same one comes before it in its batch, or is still being written."""
    is_writable = False
    """Whether it is certain that UTF-8 can hold it."""
    is_moving = False
    """Whether it may end what others are recognised by."""
    became = ""
    """The id of what it has become, where another may be recognised by what that holds."""
    may_inherit = False
    """Whether it may be recognised by what another one is about to lose."""

    def __init__(self, values: dict[str, Any], raw: RawRecord) -> None:
        super().__init__(values)
        self.raw = raw


class WritingSink(QuietSink, ABC):
    """Writes one stream to one entity: checks the schema before the first write, then the records in small batches."""

    @property
    def include_sdc_metadata_properties(self) -> bool:
        """Yes: the SDK would take the mark of a deleted record away otherwise."""
        return True

    @property
    def max_size(self) -> int:
        """How many records make a batch: one where each brings a file, which may be large."""
        return 1 if self._brings_files else BATCH

    _brings_files = False

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(self.key_properties)

    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        """Lets a record that lacks its key be rejected as one whose key is null, where the run goes on after rejects.

        Raises:
            MissingKeyPropertiesError: it lacks a field of its key, and the first reject would end the run.
        """
        if not self._keys.issubset(record) and not self.run.settings["max_rejects"]:
            super()._singer_validate_message(record)

    def setup(self) -> None:
        """Describes the entity, checks the schema against it and settles what an earlier run was cut off in.

        Raises:
            SystemExit: something is wrong; nothing was written.
        """
        with self.run.in_words():
            self._set_up(self.run, options_of(self.run.settings, self.stream_name))

    def _set_up(self, run: Run, options: StreamOptions) -> None:
        by_ledger = options.identify_by == "ledger"
        if by_ledger:
            run.destination.check(run.ledger, self.stream_name, options.entity)
        entity = run.entity(options.entity)
        if options.write_mode == CONVERT:
            entity = convertible(run.client.system, entity)
        mapper = self._mapper = self._mapper_of(entity, options)
        columns = self.original_schema["properties"]
        self._columns = {name for name in columns if not is_singers(name)}
        knows_some = by_ledger and run.ledger.knows(self.stream_name)
        keys = self.key_properties
        if knows_some:
            keys = run.ledger.stream_keys.settled(self.stream_name, keys)
        targets = [mapper.target_of(name) for name in columns]
        self._brings_files = brings_files(entity, targets)
        self._uploads = mapper.uploads = Uploads(run.client.system, run.settings["files_path"])
        self._uploads.check(entity, targets)
        check = Check(mapper, columns, tuple(self.key_properties), knows_some=knows_some)
        check.stop_if_wrong()
        self._report = run.report.stream(self.stream_name, entity, partial(run.client.system.page_of, entity))
        for note in check.notes():
            self._tell(note)
        self._identity = Identity(mapper, {name: columns.get(name) for name in keys})
        if by_ledger and not run.settings["dry_run"]:
            run.ledger.stream_keys.note(self.stream_name, keys)
        run.pending.writers[self.stream_name] = self._make_writer(mapper)

    @abstractmethod
    def _make_writer(self, mapper: Mapper) -> Writer | BesideWriter:
        """What writes the records, made before the first one comes."""

    @abstractmethod
    def _hand_over(self, records: list[Incoming]) -> None:
        """Looks a batch up, and begins to write it."""

    @abstractmethod
    def _write(self, record: Incoming, *, last_chance: bool = False) -> Outcome:
        """What became of a record."""

    def _mapper_of(self, entity: Entity, options: StreamOptions) -> Mapper:
        run = self.run
        references = References(run.client, run.ledger, options, run.entity, run.planned)
        return Mapper(entity, options, run.client.system.notation, run.owners, references)

    def _tell(self, note: str) -> None:
        self._report.notes.append(note)
        self.logger.info("%s: %s", self.stream_name, note)

    def take(self, record: dict[str, Any], *, is_writable: bool) -> bool:
        """Takes a record that no stream map changes, without the SDK's detours; says whether a batch is full.

        ``is_writable``: it is certain that UTF-8 can hold it.

        Raises:
            MissingKeyPropertiesError: it lacks a field of its key.
        """
        context = self._get_context(record)
        incoming = self.preprocess_record(record, context)
        incoming.is_writable = is_writable
        self._singer_validate_message(incoming)
        self.tally_record_read()
        self.process_record(incoming, context)
        self.record_counter_metric.increment()
        return self.is_full

    def preprocess_record(self, record: dict[str, Any], context: dict[str, Any]) -> Incoming:
        """The record and how it came, without the SDK's marks."""
        if record.keys() <= self._columns:
            return Incoming(record, self.run.received)
        kept = {}
        for name, value in record.items():
            if not is_singers(name) or name in self.key_properties:
                kept[name] = value
            elif name.lower() == DELETED_AT and is_said(value):
                kept[DELETED_AT] = value
        for name in kept.keys() - self._columns - {DELETED_AT, *self.key_properties}:
            target = self._mapper.target_of(name)
            if target and target not in self._mapper.fields:
                known = printable(name)
                self._mapper.note(f"{known} comes without being declared, and is left out: the CRM does not have it")
        return Incoming(kept, self.run.received)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Gives a batch to the workers, once those of another stream are done.

        Raises:
            SystemExit: more records were rejected than may be, or the connection is in trouble.
        """
        records: list[Incoming] = context.get("records", [])
        with self.run.in_words():
            self.run.begin(self.stream_name)
            self._identify(records)
            self._hand_over(records)

    def _identify(self, records: list[Incoming]) -> None:
        """Says of the records of a batch which they are."""
        seen = set[str]()
        for record in records:
            record.key = self._identity.key_of(record)
            record.identifiers = self._identity.identifiers_of(record.key, record)
            record.is_first = seen.isdisjoint(record.identifiers) and not self.run.workers.is_busy_with(
                record.identifiers
            )
            seen.update(record.identifiers)

    def _in_turn(self, record: Incoming, write: Callable[[], Outcome]) -> Outcome:
        """What became of a record; one that must wait behind one that was set aside is set aside as well."""
        outcome = self._unwritable(record)
        if outcome is None:
            outcome = Outcome(Action.DEFER, record.key) if self._must_wait(record) else write()
        if outcome.action is Action.DEFER:
            self._set_aside(record)
        return outcome

    def _must_wait(self, record: Incoming) -> bool:
        """Whether one that was set aside may be the same, or still hold what a record is recognised by."""
        waiting = self.run.pending.identifiers[self.stream_name]
        return not waiting.isdisjoint(record.identifiers) or (record.may_inherit and MOVING in waiting)

    def _set_aside(self, record: Incoming) -> None:
        """Lets those that come later wait behind a record."""
        self.run.pending.identifiers[self.stream_name].update(record.identifiers, [MOVING] * record.is_moving)

    @staticmethod
    def _unwritable(record: Incoming) -> Outcome | None:
        """The reject of a record that UTF-8 cannot hold; None of any other."""
        if record.is_writable or not (broken := unwritable(record)):
            return None
        reason = f"its {', '.join(broken)} holds half a surrogate pair, which is no text"
        return Outcome(Action.REJECT, record.key, reason=reason)

    def _settle(self, record: Incoming, outcome: Outcome) -> None:
        """Counts what became of a record, or sets it aside where it must wait.

        Raises:
            SystemExit: more records were rejected than may be.
        """
        while self._mapper.notes:
            self._tell(self._mapper.notes.pop(0))
        if outcome.action is Action.DEFER:
            self.run.pending.records.append(partial(self._retry, record))
        else:
            self.run.count(self.stream_name, record.raw, outcome)

    def _retry(self, record: Incoming, last_chance: bool) -> None:
        self._settle(record, self._write(record, last_chance=last_chance))

    def clean_up(self) -> None:
        """Nothing is left over at the end of a stream."""
