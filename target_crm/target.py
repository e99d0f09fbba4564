"""target-crm: writes Singer streams into a CRM."""

from __future__ import annotations

import copy
import sys
import time
from difflib import get_close_matches
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from click import Option
from singer_sdk import Target
from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.json import serialize_json

from crm_singer.deletions import DELETED
from crm_singer.stream_maps import applying
from crm_singer.terminal import handing_on
from crm_systems.discovery import introduction
from crm_systems.model import Entity
from target_crm.configuration import ConfiguredTarget
from target_crm.descriptions import is_description, marked, why_not_applied
from target_crm.files import is_open, written_files
from target_crm.input import Messages, StreamMaps, Termination, standard_input
from target_crm.mapping import is_said
from target_crm.outcome import Action, Outcome
from target_crm.report import RawRecord
from target_crm.run import Run
from target_crm.sinks import BesideSink, CrmSink, LeftOutSink, LogInSink, UnwrittenSink, WritingSink, is_beside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from click import Command, Context, Parameter
    from singer_sdk import Sink

TEST_STREAM = "meltano_test_stream"
"""What `meltano config test` sends to see whether a target works."""
_SLIP = 0.85
"""How alike names are of which one may be meant for the other; `Contacts` and `Contacts_files` are not."""


class CrmTarget(ConfiguredTarget):
    """Writes any stream into the CRM systems that nobody serves well, without doubling a record."""

    message_reader_class = Messages

    def __init__(self, **arguments: Any) -> None:
        self._described: dict[str, dict[str, Any]] = {}
        """The SCHEMA messages by stream, as they came."""
        self._plain: dict[str, WritingSink] = {}
        """By stream, the sinks that take records without a detour."""
        self._state_sent: dict[str, Any] | None = None
        self._termination = Termination(self._end, self._let_states_leave)
        super().__init__(**arguments)
        # Streams are drained in the order in which they came, so that parents come before children.
        self.max_parallelism = 1
        self.run = Run(self.name, self.settings, sleep=self.sleep, now=self.now)

    @staticmethod
    def sleep(seconds: float) -> None:
        """How the target waits; a test does not."""
        time.sleep(seconds)

    @staticmethod
    def now() -> float:
        """Seconds since 1970, by which the leases of the ledger are measured; a test moves it."""
        return time.time()

    def setup_mapper(self) -> None:
        """Stream maps that say in words which expression fails on a record."""
        with applying(self.name):
            self._mapper = StreamMaps(plugin_config=dict(self.config), logger=self.logger)

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """What makes the sink of a stream.

        Raises:
            SystemExit: the settings spell its name otherwise, so that they would not count.
        """
        streams = self.settings["streams"]
        meant = [name for name in streams if name.strip().casefold() == stream_name.strip().casefold()]
        if meant and stream_name not in streams:
            raise SystemExit(f"{self.name}: `streams` tells of {meant[0]}, but the stream is called {stream_name}.")
        return cast("type[Sink]", partial(self._sink_of(stream_name), self.run))

    def _sink_of(self, stream: str) -> type[UnwrittenSink | WritingSink]:
        """One that writes, but for the stream of a connection test, what is left out and what tells of the source."""
        streams = self.settings["streams"]
        if stream == TEST_STREAM:
            return LogInSink
        if stream not in streams and is_description(stream, self._described.get(stream)):
            return UnwrittenSink
        near = get_close_matches(stream, streams, n=1, cutoff=_SLIP)
        if near and near[0] not in {stream, *self._described}:
            self.run.warn(f"`streams` tells of {near[0]} and not of {stream}, which is written as if it told nothing.")
        own = streams.get(stream, {})
        if own is None:
            return LeftOutSink
        return BesideSink if is_beside(own.get("entity") or stream) else CrmSink

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Writes what came before a schema that changes, since the SDK goes on with a new sink."""
        if self._described.get(message_dict["stream"]) not in (None, message_dict):
            self.drain_all()
        # As it came: the SDK's stream maps write into it.
        self._described[message_dict["stream"]] = copy.deepcopy(message_dict)
        super()._process_schema_message(message_dict)
        self._plain = {name: sink for name in self._described if (sink := self._plain_sink(name))}

    def _plain_sink(self, stream: str) -> WritingSink | None:
        """The sink that takes the records of a stream as they come: no map changes them."""
        maps = self.mapper.stream_maps[stream]
        is_same = len(maps) == 1 and isinstance(maps[0], SameRecordTransform) and not maps[0].flattening_enabled
        sink = self._sinks_active.get(maps[0].stream_alias) if is_same else None
        return sink if isinstance(sink, WritingSink) else None

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        """Remembers the record as it came, for it may have to be kept, and rejects one that the stream maps fail on."""
        # The SDK says so where there was no schema.
        if described := self._described.get(message_dict["stream"]):
            keys = described.get("key_properties") or ()
            self.run.received = RawRecord(described["stream"], described["schema"], keys, message_dict["record"])
            if self._tells_deletion(described):
                self._delete(message_dict["record"])
                return
        if sink := self._plain.get(message_dict["stream"]):
            # The quick way: what the SDK would do with a record that no map changes.
            if sink.take(message_dict["record"], is_writable=cast("Messages", self.message_reader).is_writable):
                self.drain_one(sink)
            self._handle_max_record_age()
            return
        try:
            super()._process_record_message(message_dict)
        except MapExpressionError as error:
            raw = self.run.received
            name = self.mapper.stream_maps[raw.stream][0].stream_alias
            key = ", ".join(str(raw.record.get(each)) for each in raw.keys)
            self.run.report.stream(name, Entity(name, ()))
            self.run.count(name, raw, Outcome(Action.REJECT, key, reason=str(error)))

    def _tells_deletion(self, described: dict[str, Any]) -> bool:
        if described["stream"] != DELETED or self.settings["deletes"] != "apply":
            return False
        return DELETED not in self.settings["streams"] and is_description(DELETED, described)

    def _delete(self, told: dict[str, Any]) -> None:
        """Deletes what a record of the stream of deletions names, as if its own stream had brought the deletion."""
        if not is_said(told.get("noticed_at")):
            # It is back, which its own stream tells.
            return
        if message := marked(told, self._described):
            self._process_record_message(message)
        else:
            outcome = Outcome(Action.REJECT, str(told.get("id")), reason=why_not_applied(self.run.received))
            self.run.report.stream(DELETED, Entity(DELETED, ()))
            self.run.count(DELETED, self.run.received, outcome)

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Does nothing: it is about versions of tables, and a CRM has none."""

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Begins to write all that came before the state, which leaves when that is done; what comes next goes on."""
        super()._process_state_message(message_dict)
        for sink in self._sinks_active.values():
            self.drain_one(sink)
        self._reset_max_record_age()
        with self.run.in_words():
            self.run.workers.in_turn(partial(self._leave, message_dict["value"]))

    def _leave(self, state: dict[str, Any]) -> None:
        """Lets a state leave, once what was noted of the records before it is durable."""
        self.run.flush()
        self._write_state_message(state)

    def _end(self) -> None:
        """Writes what came so far, which takes long where the server fails."""
        self.logger.warning("Asked to end: what has come is written first; the next run goes on.")
        self.drain_all()

    def _let_states_leave(self) -> None:
        """Waits for the records before the last state, if it has not left."""
        if self._latest_state and self._latest_state != self._state_sent:
            with self.run.in_words():
                self.run.workers.finish()

    def _drain_all(self, sink_list: Iterable[Sink], parallelism: int) -> None:
        """Writes what came so far, to the end; the SDK lets state leave after it."""
        super()._drain_all(sink_list, parallelism)
        with self.run.in_words():
            self.run.catch_up()

    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Lets a state leave, once, and not while records that came before it wait; never in a dry run."""
        if not self.run.pending.records and not self.settings["dry_run"] and state != self._state_sent:
            with handing_on(self.name):
                # The SDK's own way fails over a number with a fraction, which comes in as an exact one.
                sys.stdout.write(f"{serialize_json(state)}\n")
                sys.stdout.flush()
            self._state_sent = state

    def process_endofpipe(self) -> None:
        """Writes what is left, what had to wait for it, and says what was done."""
        with self.run.in_words():
            self.drain_all()
            self.run.pending.finish()
        super().process_endofpipe()
        if cast("Messages", self.message_reader).is_empty:
            self.run.warn("Nothing came in. If what was to write it failed, `set -o pipefail` lets the shell tell.")
        self.run.finish()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self._termination.ask(signum)

    @classmethod
    def get_singer_command(cls) -> Command:
        """The command, which can be tried out."""
        command, words = super().get_singer_command(), "Log in, say who and where, and write nothing."
        command.params.append(Option(["--test"], is_flag=True, help=words, callback=cls._try_out, expose_value=False))
        return command

    @classmethod
    def _try_out(cls, ctx: Context, param: Parameter, value: bool) -> None:  # noqa: ARG003 - as click calls it
        """Logs in, says who and where, tries the ledger, and writes nothing (``--test``)."""
        if value:
            target = cls.made_of(ctx)
            with target.run.client, target.run.in_words():
                target.logger.info("%s.", introduction(target.run.client))
                target.run.try_ledger()
            ctx.exit()

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK itself does
        cls, *, about: bool = False, about_format: str | None = None, config: Any = None, file_input: Any = None
    ) -> None:
        """Runs the target as the SDK does, and says what was done however the run ends."""
        super(Target, cls).invoke(about=about, about_format=about_format)
        target = cls(config=config.config if config else {}, parse_env_config=bool(config and config.parse_env))
        messages = cast("Messages", target.message_reader)
        with messages.in_words(cls.name):
            source = file_input or standard_input()
        for file in written_files(target.settings):
            if is_open(file.path, source):
                # The report of this run would be written there, too.
                raise SystemExit(f"{cls.name}: The input is {file.words}; move it away before it is read.")
        try:
            with messages.in_words(cls.name), applying(cls.name):
                target.listen(cast("IO[str]", messages.messages_in(target._termination.lines(source))))
        finally:
            target.run.finish()
