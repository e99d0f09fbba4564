"""tap-crm: one stream for each kind of record that the CRM holds."""

from __future__ import annotations

import sys
import time
from functools import cached_property
from signal import Signals
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk import Tap
from singer_sdk.tap_base import CliTestOptionValue

from crm_singer.files import FileError
from crm_singer.terminal import handing_on
from crm_systems.discovery import introduction, stop_if_blind
from crm_systems.errors import ConfigError, CrmError
from crm_systems.model import Kind
from tap_crm.configuration import ConfiguredTap
from tap_crm.deleted import DeletedStream
from tap_crm.handed_in import catalog_of, state_of
from tap_crm.messages import Messages
from tap_crm.naming import Names
from tap_crm.run import Run
from tap_crm.state import ForeignState
from tap_crm.streams import (
    CrmStream,
    FieldStream,
    FileStream,
    PicklistStream,
    RelationStream,
    is_of_files,
    is_of_relations,
    relation_streams,
)
from tap_crm.termination import Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from click import Context, Option
    from singer_sdk import Stream
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from crm_systems.model import Entity, Shard


class CrmTap(ConfiguredTap):
    """Reads the CRM systems that nobody serves well, one stream for each kind of record."""

    message_writer_class = Messages

    def __init__(self, **arguments: Any) -> None:
        self._termination = Termination()
        super().__init__(**arguments)
        messages = cast("Messages", self.message_writer)
        messages.termination = self._termination
        messages.keeps_nul = self.settings["nul"] == "keep"
        messages.names = Names(self.settings["stream_prefix"] or "", self.settings["names"], self._names)

    def _names(self) -> set[str]:
        """What all streams are called, by stream maps as well."""
        return {each.stream_alias for maps in self.mapper.stream_maps.values() for each in maps}

    @staticmethod
    def sleep(seconds: float) -> None:
        """How the tap waits; a test does not."""
        time.sleep(seconds)

    @cached_property
    def run(self) -> Run:
        """What the streams share; the commands close it, and so must whoever else uses the class."""
        return Run(self.name, self.settings, self.logger, self.sleep)

    def discover_streams(self) -> Sequence[Stream]:
        """One stream an entity, described by the CRM, or as a catalog that was passed has them.

        Raises:
            SystemExit: the CRM cannot be reached, refuses the user, or does not have an entity that is asked for.
        """
        try:
            if self.input_catalog is not None:
                names = [
                    name for name in self.input_catalog if name != DeletedStream.NAME or self.run.tells_deletions_apart
                ]
                return [self._stream_of(name, self.input_catalog) for name in names]
            return self._discover()
        except CrmError as error:
            raise self.run.stopped_by(error) from error

    def _discover(self) -> list[Stream]:
        system = self.run.client.system
        self._make_sure_of_files(there=system.offers_files)
        entities = list(self.run.described())
        holding = [each for each in entities if any(field.kind is Kind.FILE for field in each.fields)]
        self._make_sure_of_files(there=not holding or any(map(system.has_files, holding)))
        if not self.run.failures:
            stop_if_blind(entities)
        streams = [each for entity in entities for each in self._streams_for(entity)]
        streams += relation_streams(self, self.run)
        return [*streams, *(make() for make in self._streams_without_records().values())]

    def _make_sure_of_files(self, *, there: bool) -> None:
        if self.settings["files"] != "names" and not there:
            raise ConfigError("`files` cannot be read here, since the CRM hands out none", hint="leave `files` out")

    def _streams_without_records(self) -> dict[str, Callable[[], Stream]]:
        """What makes the streams that hold no records of the CRM, by name."""
        found: dict[str, Callable[[], Stream]] = {FieldStream.NAME: lambda: FieldStream(self, self.run)}
        if self.run.client.system.has_picklists:
            found[PicklistStream.NAME] = lambda: PicklistStream(self, self.run)
        if self.run.tells_deletions_apart:
            found[DeletedStream.NAME] = self._deleted
        return found

    def _deleted(self) -> Stream:
        self.run.deleted = DeletedStream(self)
        return self.run.deleted

    def _streams_for(self, entity: Entity) -> Iterator[Stream]:
        yield CrmStream.of(self, self.run, entity)
        if self.settings["files"] != "names" and self.run.client.system.has_files(entity):
            yield FileStream.of(self, self.run, entity)

    def _stream_of(self, name: str, catalog: Catalog) -> Stream:
        """A stream from the catalog that was passed: the CRM is asked when the stream is read, not before."""
        if make := self._streams_without_records().get(name):
            return make()
        entry = catalog[name]
        return stream_class(name, entry.key_properties or ())(
            self,
            self.run,
            name=name,
            schema=entry.schema.to_dict(),
            key=entry.key_properties or (),
            replication_key=entry.replication_key or _valid_replication_key(entry),
        )

    def read_all(self) -> None:
        """Reads the selected streams in their order, the first pages of the next ones while one comes to its end.

        Raises:
            SystemExit: the state is that of another system.
        """
        try:
            self.run.check_origin(*(each.get("crm") for each in self.state.get("bookmarks", {}).values()))
        except ForeignState as error:
            raise self.run.stopped_by(error) from error
        if not any(each.selected for each in self.streams.values()):
            self.logger.warning("No stream is selected, so nothing is read.")
        if shard := self.run.shard:
            for name in [name for name, each in self.streams.items() if not self._is_of(shard, each)]:
                del self.streams[name]
        chosen = [each for each in self.streams.values() if isinstance(each, CrmStream) and each.selected]
        self.run.coming = {each.name: each.begin for each in chosen}
        self.sync_all()

    @staticmethod
    def _is_of(shard: Shard, stream: Stream) -> bool:
        """Whether a shard reads a stream: each does of those that are divided, and tells its own deletions."""
        if isinstance(stream, CrmStream):
            return stream.is_divided or shard.has_name(stream.name)
        return isinstance(stream, DeletedStream) or shard.number == 1

    def run_discovery(self) -> str:
        """Prints the catalog and logs out.

        Raises:
            SystemExit: an entity could not be described, so that nobody may take the catalog for the whole.
        """
        try:
            with handing_on(self.name):
                catalog = super().run_discovery()
                sys.stdout.flush()
        finally:
            self.run.close()
        self._end()
        return catalog

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self._termination.ask(signum)

    def _end(self) -> None:
        """Ends the program with exit code 1 where a stream is not complete."""
        if self.run.failures:
            sys.exit(f"{self.name}: not complete:\n  " + "\n  ".join(self.run.failures))

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK itself does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: Any = None,
        catalog: Any = None,
    ) -> None:
        """Runs the tap as the SDK does, and ends with exit code 1 where a stream is not complete."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        tap = cls(
            config=config.config if config else {},
            state=_read(state, state_of),
            catalog=_read(catalog, catalog_of),
            parse_env_config=bool(config and config.parse_env),
        )
        tap.carry_out(tap.read_all)

    def carry_out(self, work: Callable[[], Any]) -> None:
        """Does some work, logs out, and ends with exit code 1 where it is not complete.

        Raises:
            SystemExit: a stream failed.
        """
        try:
            work()
        finally:
            try:
                cast("Messages", self.message_writer).flush()
            finally:
                self.run.progress.clear()
                self._sum_up()
                self.run.close()
        self._end()

    def _sum_up(self) -> None:
        """Says what no stream could."""
        if asked := self._termination.signal:
            self.logger.error("Ended by %s before all was read; the next run goes on.", Signals(asked).name)
        if self.run.deleted and self.run.deleted.told:
            self.logger.info("%s: %s records", DeletedStream.NAME, f"{self.run.deleted.told:,}")
        for stream, count in cast("Messages", self.message_writer).replaced.items():
            self.logger.warning(
                "%s: U+0000, which many databases refuse, left as U+FFFD (times: %d). Set `nul` to keep it.",
                stream,
                count,
            )

    @classmethod
    def cb_test(cls, ctx: Context, param: Option, value: str) -> None:  # noqa: ARG003 - as click calls it
        """Reads one record of each stream (``--test``) or their schemas, and fails as a run does."""
        if value != CliTestOptionValue.Disabled.value:
            tap = cls.made_of(ctx)
            tap.carry_out(tap.write_schemas if value == CliTestOptionValue.Schema.value else tap.try_out)
            ctx.exit()

    def try_out(self) -> None:
        """Says who is logged in where, opens what a run needs, and reads one record of each stream."""
        try:
            self.logger.info("%s.", introduction(self.run.client))
            if self.run.compares:
                self.run.open_keys()
        except CrmError as error:
            raise self.run.stopped_by(error) from error
        self.run_connection_test()


def _read(file: IO[bytes] | None, meaning: Callable[[IO[bytes]], dict[str, Any]]) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        return meaning(file)
    except FileError as error:
        sys.exit(f"{CrmTap.name}: {file.name} {error}.")


def stream_class(name: str, key: Sequence[str]) -> type[CrmStream]:
    """What reads a stream of a catalog."""
    if is_of_relations(name, key):
        return RelationStream
    return FileStream if is_of_files(name, key) else CrmStream


def _valid_replication_key(entry: CatalogEntry) -> str | None:
    keys = entry.metadata.root.valid_replication_keys or []
    return keys[0] if keys else None
