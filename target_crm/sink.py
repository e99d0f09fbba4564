"""The one sink class that serves every system."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import jsonschema
from singer_sdk.exceptions import InvalidJSONSchema
from singer_sdk.sinks import BatchSink

from crm_systems.errors import CrmError
from crm_systems.kinds import Reader
from target_crm.checking import Check, stop_if
from target_crm.mapping import DELETED_AT, Mapper
from target_crm.options import options_of
from target_crm.outcome import Action, Outcome
from target_crm.references import References
from target_crm.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.model import Entity
    from target_crm.options import StreamOptions
    from target_crm.rejects import Arrival
    from target_crm.target import CrmTarget

RECORDS_A_WORKER = 25
"""How many records a batch holds for each worker: few, since a batch is a barrier and state waits for it."""


class Incoming(dict[str, Any]):
    """A record as the stream maps give it, which remembers how it came."""

    arrival: Arrival

    @classmethod
    def of(cls, values: dict[str, Any], arrival: Arrival) -> Incoming:
        """The record with these values."""
        record = cls(values)
        record.arrival = arrival
        return record


class _Sink(BatchSink):
    def _after_process_record(self, context: dict[str, Any]) -> None:
        """Keeps the records out of the debug log, where the SDK would put the whole batch."""


class CrmSink(_Sink):
    """Writes one stream to one entity: checks the schema before the first write, then the records in small batches."""

    def __init__(self, target: CrmTarget, *arguments: Any, **named: Any) -> None:
        self.crm = target
        super().__init__(target, *arguments, **named)
        self.waiting = target.waiting[self.stream_name]

    @property
    def include_sdc_metadata_properties(self) -> bool:
        """Yes: the SDK would take the mark of a deleted record away otherwise."""
        return True

    @property
    def max_size(self) -> int:
        """How many records make a batch."""
        return self.batch_size_rows or RECORDS_A_WORKER * self.crm.client.parallel

    def get_validator(self) -> None:
        """Checks the schema; records are checked by what the CRM says of its fields, one by one.

        Raises:
            InvalidJSONSchema: the tap's schema is none.
        """
        try:
            jsonschema.Draft7Validator.check_schema(self.schema)
        except jsonschema.SchemaError as error:
            raise InvalidJSONSchema(f"Schema Validation Error: {error.message}") from None

    def _add_sdc_metadata_to_schema(self) -> None:
        """Adds nothing: what the SDK would add means nothing to a CRM, and may be a key of the stream."""

    def _add_sdc_metadata_to_record(self, *arguments: Any, **named: Any) -> None:
        """Adds nothing."""

    def _parse_timestamps_in_record(self, *arguments: Any, **named: Any) -> None:
        """Leaves texts as they are: a date that is none must not stop the run nor become null."""

    def setup(self) -> None:
        """Describes the entity, checks the schema against it and settles what an earlier run was cut off in.

        Raises:
            SystemExit: something is wrong; nothing was written.
        """
        try:
            self._prepare()
        except CrmError as error:
            raise self.crm.stopped_by(error) from error

    def _prepare(self) -> None:
        options = options_of(self.crm.settings, self.stream_name)
        if options.identify_by == "ledger":
            self.crm.destination.check(self.crm.ledger, self.stream_name)
        entity = self.crm.entity(options.entity)
        system = self.crm.client.system
        self.references = References(
            self.crm.client,
            self.crm.ledger,
            options,
            self.crm.entity,
            lambda each: Reader(each, system.notation),
            self.crm.planned,
        )
        mapper = Mapper(entity, options, system.notation, self.crm.owners, self.references)
        knows_some = options.identify_by == "ledger" and self.crm.ledger.knows(self.stream_name)
        columns = self.original_schema["properties"]
        check = Check(mapper, columns, tuple(self.key_properties), knows_some=knows_some)
        stop_if([*_forbidden(options, entity, len(self.key_properties)), *check.problems()], entity.name)
        self.report = self.crm.report.stream(self.stream_name, entity.name)
        for note in check.notes():
            self._tell(note)
        self._mapper = mapper
        keys = {name: columns.get(name) for name in self.key_properties}
        self.writer = Writer(self.crm.client, self.crm.ledger, mapper, self.references, keys)
        self.writer.settle_open_intents()

    def _tell(self, note: str) -> None:
        self.report.notes.append(note)
        self.logger.info("%s: %s", self.stream_name, note)

    def preprocess_record(self, record: dict[str, Any], context: dict[str, Any]) -> Incoming:
        """The record and how it came, without the SDK's marks."""
        return Incoming.of(_without_metadata(record, self.key_properties), self.crm.arrival)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Writes a batch; when it returns, every record of it is in the CRM, rejected or set aside.

        Raises:
            SystemExit: more records were rejected than may be, or the connection is in trouble.
        """
        records = context.get("records", [])
        try:
            for outcomes in self.crm.client.map(self.write_in_turn, self._groups(records)):
                for record, outcome in outcomes:
                    self.settle(record, outcome)
            self.crm.set_open_links()
        except CrmError as error:
            raise self.crm.stopped_by(error) from error

    def _groups(self, records: list[Incoming]) -> list[list[Incoming]]:
        """The records in groups that may be written at the same time: what may be the same one stands in one group."""
        leaders: dict[str, str] = {}

        def leader(name: str) -> str:
            while leaders.setdefault(name, name) != name:
                name = leaders[name]
            return name

        named = [(self.writer.names.names_of(record), record) for record in records]
        for names, _record in named:
            for name in names:
                leaders[leader(name)] = leader(names[0])
        groups: dict[str, list[Incoming]] = defaultdict(list)
        for names, record in named:
            groups[leader(names[0])].append(record)
        return list(groups.values())

    def write_in_turn(self, records: list[Incoming], *, last_chance: bool = False) -> list[tuple[Incoming, Outcome]]:
        """What became of each of these records, which may be the same one. ``last_chance``: no more will come."""
        outcomes = []
        for record in records:
            names = self.writer.names.names_of(record)
            if self.waiting.isdisjoint(names):
                outcome = self.writer.write(record, last_chance=last_chance)
            else:
                outcome = Outcome(Action.DEFER, self.writer.names.key_of(record))
            if outcome.action is Action.DEFER:
                self.waiting.update(names)
            outcomes.append((record, outcome))
        return outcomes

    def settle(self, record: Incoming, outcome: Outcome) -> None:
        """Counts what became of a record, keeps it where it was rejected, sets it aside where it must wait.

        Raises:
            SystemExit: more records were rejected than may be.
        """
        while self._mapper.notes:
            self._tell(self._mapper.notes.pop(0))
        if outcome.action is Action.DEFER:
            self.crm.deferred.append((self, record))
            return
        self.crm.report.add(self.stream_name, outcome)
        self.crm.progress.show(self.stream_name, sum(self.report.counts.values()))
        if outcome.action in {Action.CREATE, Action.UPDATE, Action.UNCHANGED}:
            self.crm.just_written.add(outcome.key)
        if self.crm.settings["dry_run"]:
            self.crm.planned_links += outcome.left_open
        if outcome.action is Action.REJECT:
            self.crm.reject(self.stream_name, record.arrival, outcome)

    def clean_up(self) -> None:
        """Nothing is left over at the end of a stream."""


class LogInSink(_Sink):
    """Logs in, says who and where, and writes nothing."""

    def __init__(self, target: CrmTarget, *arguments: Any, **named: Any) -> None:
        self.crm = target
        super().__init__(target, *arguments, **named)

    def setup(self) -> None:
        """Logs in.

        Raises:
            SystemExit: the CRM cannot be reached or refuses the user.
        """
        target = self.crm
        try:
            session = target.client.log_in()
        except CrmError as error:
            raise target.stopped_by(error) from error
        who = target.client.system.describe_login(session)
        self.logger.info("Logged in to %s as %s; the test stream is not written.", target.report.title, who)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Nothing."""


class LeftOutSink(_Sink):
    """Takes a stream that the settings leave out, and does nothing with it."""

    def setup(self) -> None:
        """Says so."""
        self.logger.info("%s is left out, as `streams` says.", self.stream_name)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Nothing."""


def _without_metadata(record: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in record.items()
        if not name.startswith("_sdc_") or name in keys or (name == DELETED_AT and value)
    }


def _forbidden(options: StreamOptions, entity: Entity, keys: int) -> list[str]:
    problems = []
    if options.identify_by == "id" and keys != 1:
        problems.append(f'`identify_by` "id" needs a stream with one key field, and {options.stream} has {keys}')
    if not entity.creatable and options.write_mode != "update_only" and options.identify_by != "id":
        problems.append(f"the CRM does not let this user create {entity.name}; `write_mode` update_only may do")
    if not entity.updatable and options.write_mode != "create_only":
        problems.append(f"the CRM does not let this user change {entity.name}; `write_mode` create_only may do")
    return problems
