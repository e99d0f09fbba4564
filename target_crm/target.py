"""target-crm: writes Singer streams into a CRM."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from difflib import get_close_matches
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk import Target
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.singerlib.json import serialize_json

from crm_systems import discovery, open_client
from crm_systems.errors import ConfigError, CrmError, Denied, ProtocolError, Rejected
from crm_systems.terminal import Progress, handing_on, speak_utf8
from target_crm.arrivals import Arrivals
from target_crm.destination import Destination
from target_crm.files import is_open, named
from target_crm.mapping import Reject
from target_crm.messages import Messages, standard_input
from target_crm.owners import Owners
from target_crm.rejects import Rejects
from target_crm.report import Report
from target_crm.sink import CrmSink, LeftOutSink, LogInSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from singer_sdk import Sink

    from crm_systems.client import Client
    from crm_systems.model import Entity
    from target_crm.entries import Link
    from target_crm.ledger import Ledger
    from target_crm.outcome import Outcome
    from target_crm.rejects import Arrival
    from target_crm.sink import Incoming
    from target_crm.writer import Writer

TEST_STREAM = "meltano_test_stream"
"""What `meltano config test` sends to see whether a target works."""


class CrmTarget(Arrivals):
    """Writes any stream into the CRM systems that nobody serves well, without doubling a record."""

    name = "target-crm"
    package_name = "tap-crm"
    default_sink_class = CrmSink
    message_reader_class = Messages

    def __init__(self, **arguments: Any) -> None:
        self.planned: dict[str, set[str]] = {}
        """What a dry run would create: entities by key."""
        self.planned_links: list[Link] = []
        """References that a dry run found open."""
        self.just_written: set[str] = set()
        self.waiting: defaultdict[str, set[str]] = defaultdict(set)
        """By stream, names of the records that were set aside; what comes later under such a name waits behind them."""
        self.deferred: list[tuple[CrmSink, Incoming]] = []
        """Records that refer to others that have not come yet; no state leaves while there are any."""
        self._terminated = 0
        """The signal that asks for the end; 0: none."""
        self._waiting = False
        """The next line of the input is waited for, and all that came before is done with."""
        self._finished = False
        self.progress = Progress()
        self._state_sent: dict[str, Any] | None = None
        self._entities: dict[str, Entity] = {}
        self._started = time.monotonic()
        speak_utf8(self.name)
        super().__init__(**arguments)
        # Streams are drained in the order in which they came, so that parents come before children.
        self.max_parallelism = 1
        self.client: Client = open_client(self.settings, writes=True, sleep=self.sleep)
        self.destination = Destination(self.client.system, self.settings)
        # A dry run rejects nothing for good: a replay would try its records once more than needed.
        self.rejects = Rejects(None if self.settings["dry_run"] else self.settings["rejects_path"], self.warn)
        self.report = Report(title=self.destination.at_address, dry_run=bool(self.settings["dry_run"]))
        self.owners = Owners(lambda: self.client.system.owners(self.client.call), self.settings)
        self._ledger: Ledger | None = None

    @staticmethod
    def sleep(seconds: float) -> None:
        """How the target waits; a test does not."""
        time.sleep(seconds)

    @staticmethod
    def now() -> float:
        """Seconds since 1970, by which the leases of the ledger are measured; a test moves it."""
        return time.time()

    @property
    def ledger(self) -> Ledger:
        """What earlier runs wrote into this CRM; opened when it is first needed.

        Raises:
            ConfigError: the database cannot be opened.
        """
        if self._ledger is None:
            self._ledger = self.destination.open_ledger(self.now, self.warn)
        return self._ledger

    def entity(self, name: str) -> Entity:
        """What the CRM says of an entity; asked for once.

        Raises:
            ConfigError: there is none of this name.
            CrmError: nobody can tell.
        """
        if name not in self._entities:
            there = self.client.system.entities(self.client.call)
            if name not in there:
                near = get_close_matches(name, there, n=2)
                hint = f"did you mean {' or '.join(near)}? " if near else ""
                raise ConfigError(
                    f"The CRM shows no entity {name} to this user",
                    hint=f"{hint}`streams` says which entity a stream is written to",
                )
            entity = discovery.describe(self.client, name)
            if entity.lacks_choices:
                # A name that is not among the values would be taken for a value.
                raise ProtocolError(f"{name}: the values of a pick list are not known", hint=entity.lacks_choices)
            self._entities[name] = entity
        return self._entities[name]

    def stopped_by(self, error: CrmError) -> SystemExit:
        """What ends the program with exit code 1 and one sentence."""
        return SystemExit(f"{self.name}: {self.client.system.title}: {error}")

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """The sink that writes, but for the stream of a connection test and those that are left out."""
        if stream_name == TEST_STREAM:
            return LogInSink
        streams = self.settings["streams"] or {}
        return LeftOutSink if stream_name in streams and streams[stream_name] is None else CrmSink

    def warn(self, sentence: str) -> None:
        """Says something that does not stop the run."""
        self.logger.warning("%s", sentence)

    def reject(self, stream: str, arrival: Arrival, outcome: Outcome) -> None:
        """Keeps a rejected record.

        Raises:
            SystemExit: it is one too many, or cannot be kept.
        """
        sentence = f"{stream}: the record {outcome.key} is rejected: {outcome.reason.rstrip('.')}."
        try:
            self.rejects.add(arrival, f"{outcome.reason} {outcome.server_says}".strip())
        except OSError as error:
            raise SystemExit(
                f"{self.name}: {sentence} It cannot be kept in `rejects_path` ({error.strerror}), so the run stops."
            ) from None
        allowed = self.settings["max_rejects"]
        if 0 <= allowed < self.report.rejects:
            raise SystemExit(
                f"{self.name}: {sentence} No more than {allowed} may be (`max_rejects`), so the run stops; "
                "what came before it is written."
            )
        self.logger.warning("%s", sentence)

    def set_open_links(self, *, all_of_them: bool = False) -> None:
        """Sets the references that waited for the records that were just written, or all that can be set."""
        keys, self.just_written = self.just_written, set()
        if self.settings["dry_run"] or not (keys or all_of_them) or self._ledger is None:
            return
        writers = {name: sink.writer for name, sink in self._sinks_active.items() if isinstance(sink, CrmSink)}
        for link in self._ledger.links_to(None if all_of_them else keys):
            if link.stream in writers:
                self._set_link(writers[link.stream], link)

    def _set_link(self, writer: Writer, link: Link) -> None:
        try:
            if writer.set_link(link):
                self.report.streams[link.stream].close_link(link.field)
        except (Reject, Rejected, Denied, ProtocolError) as error:
            self.logger.warning("%s: %s of the record %s stays empty: %s", link.stream, link.field, link.key, error)

    def process_endofpipe(self) -> None:
        """Writes what is left, what had to wait for it, and says what was done."""
        try:
            self.drain_all()
            self._write_deferred()
            self.set_open_links(all_of_them=True)
            self._plan_links()
        except CrmError as error:
            raise self.stopped_by(error) from error
        super().process_endofpipe()
        self.finish()

    def _write_deferred(self) -> None:
        """Tries the records that waited for others again as long as that helps; what is left then is rejected."""
        waiting, last_chance = self.deferred, False
        while waiting:
            self.deferred = []
            for names in self.waiting.values():
                names.clear()
            for sink, record in waiting:
                for each, outcome in sink.write_in_turn([record], last_chance=last_chance):
                    sink.settle(each, outcome)
            self.set_open_links()
            last_chance = len(self.deferred) == len(waiting)
            waiting = self.deferred

    def _plan_links(self) -> None:
        """Takes back what a dry run called open and a later record would have closed."""
        for link in self.planned_links:
            sink = self._sinks_active.get(link.stream)
            if isinstance(sink, CrmSink) and sink.writer.can_set(link):
                self.report.streams[link.stream].close_link(link.field)

    def finish(self) -> None:
        """Logs out, writes the report and one line a stream; does so once."""
        if self._finished:
            return
        self._finished = True
        self.progress.clear()
        self.client.close()
        if self._ledger is not None:
            self._ledger.close()
        for line in self.report.lines():
            self.logger.info("%s", line)
        if self.settings["report_path"]:
            self._write_report(self.settings["report_path"])

    def _write_report(self, path: str) -> None:
        try:
            self.report.write(path, seconds=time.monotonic() - self._started, requests=self.client.traffic.requests)
        except OSError as error:
            raise SystemExit(
                f"{self.name}: the report cannot be written to `report_path` ({error.strerror})."
            ) from None

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Writes what came before a schema that changes, since the SDK goes on with a new sink."""
        super()._process_schema_message(message_dict)
        if self._sinks_to_clear:
            self.drain_all()

    def lines(self, source: IO[Any]) -> Iterator[bytes | str]:
        """The input line by line. A termination signal ends the run between two lines, also while none comes."""
        while True:
            self._waiting = True
            self._stop_if_asked()
            line = source.readline()
            self._waiting = False
            if not line:
                return
            yield line

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Does nothing: it is about versions of tables, and a CRM has none."""

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Writes all that came before the state, so that it leaves at once."""
        super()._process_state_message(message_dict)
        self.drain_all()

    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Lets a state leave, once, and not while records that came before it wait; never in a dry run."""
        if not self.deferred and not self.settings["dry_run"] and state != self._state_sent:
            with handing_on(self.name):
                # The SDK's own way fails over a number with a fraction, which comes in as an exact one.
                sys.stdout.write(f"{serialize_json(state)}\n")
                sys.stdout.flush()
            self._state_sent = state

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Ends at the next point where all that was begun is done; the SDK would let state run ahead of a batch."""
        self._terminated = signum
        if self._waiting:
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._terminated:
            self._waiting = False
            self.drain_all()
            sys.exit(128 + self._terminated)

    @classmethod
    def invoke(  # type: ignore[override]
        cls, *, about: bool = False, about_format: str | None = None, config: Any = None, file_input: Any = None
    ) -> None:
        """Runs the target as the SDK does, and says what was done however the run ends."""
        super(Target, cls).invoke(about=about, about_format=about_format)
        target = cls(config=config.config if config else {}, parse_env_config=bool(config and config.parse_env))
        messages = cast("Messages", target.message_reader)
        with messages.in_words(cls.name):
            source = getattr(file_input, "buffer", file_input) or standard_input()
        for path, words in named(target.settings).items():
            if is_open(path, source):
                raise SystemExit(f"{cls.name}: The input is {words}; move it away before it is read.")
        try:
            with messages.in_words(cls.name):
                target.listen(cast("IO[str]", messages.messages_in(target.lines(source))))
        except (MapExpressionError, StreamMapConfigError) as error:
            raise SystemExit(f"{cls.name}: `stream_maps` cannot be applied: {error}") from None
        finally:
            target.finish()
