"""tap-crm: one stream for each kind of record that the CRM holds."""

from __future__ import annotations

import os
import sys
import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue

from crm_systems import SYSTEMS, discovery, open_client
from crm_systems.errors import ConfigError, CrmError, Denied, Unavailable
from crm_systems.model import Setting
from crm_systems.settings import (
    connection_settings,
    dropped,
    from_environment,
    from_json_schema,
    json_schema,
    load,
    problem_of_file,
)
from crm_systems.terminal import Progress, handing_on, speak_utf8
from tap_crm.files import FileError, catalog_of, state_of
from tap_crm.messages import Messages
from tap_crm.stream import CrmStream, PicklistStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from click import Context, Option
    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from crm_systems.client import Client
    from crm_systems.model import Entity

OWN_SETTINGS = (
    Setting("entities", "array", "Entities", "Discover only these entities. Default: all that the user may see."),
    Setting("start_date", "date-time", "Start date", "A first run reads what was changed since then. Default: all."),
    Setting(
        "lookback_seconds",
        "integer",
        "Look-back",
        "Seconds before the bookmark from which changes are read again, for those saved late by slow transactions.",
        default=60,
        minimum=0,
    ),
    Setting("page_size", "integer", "Page size", "Rows a request. Default: what the system hands out.", minimum=1),
    Setting(
        "picklist_enums",
        "boolean",
        "Pick lists as enums",
        "Put the values of pick lists into the schema as the only ones. Old records may hold values that have left "
        "the list, and a target that checks would stop at one.",
        default=False,
    ),
    Setting(
        "deletions",
        "string",
        "Deletions",
        "auto: send deleted records, marked by _sdc_deleted_at, where the CRM tells them; off: do not ask.",
        default="auto",
        choices=("auto", "off"),
    ),
    Setting(
        "skip_unreadable",
        "boolean",
        "Skip unreadable records",
        "End with exit code 0 although records that the server cannot hand out are missing; they are named either way.",
        default=False,
    ),
)

PASSED_OVER = ("batch_config", "emit_activate_version_messages", "use_singer_decimal")
"""Settings that the SDK reads by itself, or gives other taps."""
MOST_IN_A_ROW = 5
"""So many failing streams one after the other are not to blame themselves; each costs all the patience."""


class CrmTap(Tap):
    """Reads the CRM systems that nobody serves well, one stream for each kind of record."""

    name = "tap-crm"
    package_name = "tap-crm"
    message_writer_class = Messages
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = json_schema((*connection_settings(SYSTEMS), *OWN_SETTINGS))
    # No BATCH: in singer-sdk 0.54 it writes deselected fields.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **arguments: Any) -> None:
        self.failures: list[str] = []
        """Why the run is not complete: one sentence each."""
        self.doubts_zone = False
        """Whether it was said that the time zone cannot be right."""
        self.progress = Progress()
        self._client: Client | None = None
        self._entities: dict[str, Entity] = {}
        self._in_a_row = 0
        """How many streams failed one after the other because the server did."""
        self._warned: set[str] = set()
        speak_utf8(self.name)
        super().__init__(**arguments)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Checks all settings at once, in words instead of the SDK's JSON Schema messages."""
        self.settings, problems = load(self._config, (*OWN_SETTINGS, *_builtin_settings()), SYSTEMS, PASSED_OVER)
        problems += dropped(self._config, os.environ, "MELTANO_EXTRACT_")
        if problems and raise_errors:
            raise ConfigValidationError("The settings are not complete", errors=problems, schema=self.config_jsonschema)
        # The SDK would refuse a text in place of a number, and environment variables hold nothing else.
        kept = {name: self._config[name] for name in PASSED_OVER if name in self._config}
        typed = {name: value for name, value in self.settings.items() if name in self._config and value is not None}
        self._config = {**kept, **typed}
        return [*problems, *super()._validate_config(raise_errors=raise_errors)]

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """The settings from the environment as texts; the SDK would take any text but "true" for false."""
        parse_environment_config({}, cls._env_var_prefix)  # It reads a file `.env`.
        known = [*cls.config_jsonschema["properties"], *(each.name for each in _builtin_settings()), *PASSED_OVER]
        found, strays = from_environment(os.environ, cls._env_var_prefix, known)
        for name in strays:
            cls.logger.warning("%s in the environment is no setting of %s.", name, cls.name)
        return found

    @staticmethod
    def sleep(seconds: float) -> None:
        """How the tap waits; a test does not."""
        time.sleep(seconds)

    @property
    def client(self) -> Client:
        """The connection to the CRM; the command line closes it, other users of the class do."""
        if self._client is None:
            self._client = open_client(self.settings, sleep=self.sleep)
        return self._client

    def discover_streams(self) -> Sequence[Stream]:
        """One stream an entity, described by the CRM, or as a catalog that was passed has them.

        Raises:
            SystemExit: the CRM cannot be reached, refuses the user, or does not have an entity that is asked for.
        """
        try:
            if self.input_catalog is not None:
                return [self._stream_of(name, self.input_catalog) for name in self.input_catalog]
            return self._discover()
        except CrmError as error:
            raise self.stopped_by(error) from error

    def stopped_by(self, error: CrmError) -> SystemExit:
        """What ends the program with exit code 1 and one sentence."""
        return SystemExit(f"{self.name}: {self.client.system.title}: {error}")

    def fail(self, stream: str, sentence: str) -> None:
        """Notes that a stream is not complete; the others go on, and the run ends with exit code 1."""
        self.failures.append(f"{stream}: {sentence}")
        self.logger.error("%s", sentence)

    def fail_over(self, error: CrmError, stream: str, sentence: str) -> None:
        """Fails a stream over an error.

        Raises:
            SystemExit: the server as a whole is away, so that no stream could go on.
        """
        try:
            discovery.blame(self.client, error)
        except CrmError as wider:
            raise self.stopped_by(error) from wider
        self._in_a_row += isinstance(error, Unavailable)
        if self._in_a_row == MOST_IN_A_ROW:
            raise self.stopped_by(error) from error
        self.fail(stream, sentence)

    def succeed(self) -> None:
        """Notes that the server does hand out what it is asked for."""
        self._in_a_row = 0

    def warn_once(self, sentence: str) -> None:
        """A warning that would be the same for many streams."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self.logger.warning("%s", sentence)

    def describe(self, name: str) -> Entity:
        """What the CRM says of an entity; asked for once.

        Raises:
            CrmError: see :func:`~crm_systems.discovery.describe`.
        """
        if name not in self._entities:
            self._entities[name] = discovery.describe(self.client, name)
        return self._entities[name]

    def wanted(self) -> list[str]:
        """The names of the entities to discover.

        Raises:
            ConfigError: the setting `entities` names some that the user cannot see.
        """
        there = self.client.system.entities(self.client.call)
        asked = [str(name) for name in self.settings["entities"] or there]
        unknown = [name for name in asked if name not in there]
        if unknown:
            near = [near for name in unknown for near in get_close_matches(name, there, n=2)]
            raise ConfigError(
                f"`entities` names {', '.join(unknown)}, which the CRM does not show to this user",
                hint=f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(there)}",
            )
        return asked

    def described(self, stream: str = "") -> Iterator[Entity]:
        """The wanted entities, as far as the CRM lets this user see them; the others are named in a warning.

        One that cannot be described fails the stream of its name, or ``stream``; the others go on.
        """
        names = self.wanted()
        for name, found in zip(names, self.client.map(self._described_or_why_not, names), strict=True):
            if isinstance(found, CrmError) and not isinstance(found, Denied):
                self.fail_over(found, stream or name, f"{found} So {name} could not be discovered.")
            elif isinstance(found, CrmError) or not found.readable:
                self.warn_once(f"{name} is left out: the CRM does not offer it to this user.")
            else:
                self.succeed()
                self._check_choices(found, stream)
                yield found

    def _check_choices(self, entity: Entity, stream: str) -> None:
        """Values of pick lists that could not be read are missing in the stream of pick lists; records lack nothing."""
        sentence = f"{entity.lacks_choices} So {entity.name} is described without these values."
        if entity.lacks_choices and stream:
            self.fail(stream, sentence)
        elif entity.lacks_choices:
            self.logger.warning("%s", sentence)

    def _described_or_why_not(self, name: str) -> Entity | CrmError:
        try:
            return self.describe(name)
        except CrmError as error:
            return error

    def _discover(self) -> list[Stream]:
        streams: list[Stream] = [CrmStream.of(self, entity) for entity in self.described()]
        return [*streams, PicklistStream(self)] if self.client.system.has_picklists else streams

    def _stream_of(self, name: str, catalog: Catalog) -> Stream:
        """A stream from the catalog that was passed: the CRM is asked when the stream is read, not before."""
        if name == PicklistStream.NAME and self.client.system.has_picklists:
            return PicklistStream(self)
        entry = catalog[name]
        return CrmStream(
            self,
            name=name,
            schema=entry.schema.to_dict(),
            key=entry.key_properties or (),
            replication_key=entry.replication_key or _valid_replication_key(entry),
        )

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
            self.client.close()
        self._end()
        return catalog

    def _end(self) -> None:
        """Ends the program with exit code 1 where a stream is not complete."""
        if self.failures:
            sys.exit(f"{self.name}: not complete:\n  " + "\n  ".join(self.failures))

    @classmethod
    def invoke(  # type: ignore[override]
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
        tap.run(tap.sync_all)

    def run(self, work: Callable[[], Any]) -> None:
        """Does some work, logs out, and ends with exit code 1 where it is not complete.

        Raises:
            SystemExit: a stream failed.
        """
        try:
            work()
        finally:
            self.client.close()
        self._end()

    @classmethod
    def cb_config(cls, ctx: Context, param: Option, value: tuple[str, ...]) -> Any:
        """Reads the files of ``--config``, and says in a sentence which of them is none."""
        for problem in filter(None, (problem_of_file(name) for name in value if name != "ENV")):
            sys.exit(f"{cls.name}: {problem}")
        return super().cb_config(ctx, param, value)

    @classmethod
    def cb_test(cls, ctx: Context, param: Option, value: str) -> None:  # noqa: ARG003
        """Reads one record of each stream (``--test``) or their schemas, and fails as a run does."""
        if value != CliTestOptionValue.Disabled.value:
            config = ctx.params["config"]
            tap = cls(config=config.config, parse_env_config=config.parse_env)
            tap.run(tap.write_schemas if value == CliTestOptionValue.Schema.value else tap.run_connection_test)
            ctx.exit()


def _builtin_settings() -> tuple[Setting, ...]:
    """The SDK's own: stream maps and flattening."""
    schema: dict[str, Any] = {"properties": {}}
    CrmTap.append_builtin_config(schema)
    return from_json_schema(schema["properties"])


def _read(file: Any, meaning: Callable[[Any], dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return None if file is None else meaning(file)
    except FileError as error:
        sys.exit(f"{CrmTap.name}: {file.name} {error}.")


def _valid_replication_key(entry: CatalogEntry) -> str | None:
    keys = entry.metadata.root.valid_replication_keys or []
    return keys[0] if keys else None
