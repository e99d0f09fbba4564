"""How a connector takes its settings from files and the environment: all checked at once, and said in words."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from click import File
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import PluginBase, _ConfigInput

from crm_singer import stream_maps
from crm_singer.files import FileError, HandedIn, settings_in
from crm_singer.terminal import hush
from crm_systems import SYSTEMS
from crm_systems.settings import dropped, from_environment, from_json_schema, load

if TYPE_CHECKING:
    from click import Command, Context, Option
    from typing_extensions import Self

    from crm_systems.model import Setting


class Configured(PluginBase):
    """A connector with the settings of all CRMs and its own."""

    OWN_SETTINGS: ClassVar[tuple[Setting, ...]]
    PASSED_OVER: ClassVar[tuple[str, ...]]
    """Settings that connectors of another sort have; here they mean nothing, not even to the SDK."""
    MELTANO: ClassVar[str]
    """How the environment variables begin in which Meltano passes the settings on."""

    settings: dict[str, Any]
    """With defaults filled in."""

    def problems_together(self) -> list[str]:
        """What is wrong with settings that are right one by one."""
        raise NotImplementedError

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Checks all settings at once, in words instead of the SDK's JSON Schema messages.

        Raises:
            SystemExit: the settings are wrong; its text names all that is.
        """
        own = (*self.OWN_SETTINGS, *self._builtin_settings())
        self.settings, problems = load(self._config, own, SYSTEMS, self.PASSED_OVER)
        problems += self.problems_together()
        problems += stream_maps.problems(self.settings)
        problems += dropped(self._config, os.environ, self.MELTANO)
        if problems and raise_errors:
            sys.exit("\n".join(f"{self.name}: {each}" for each in problems))
        # As the SDK reads its own settings; environment variables hold nothing but texts.
        self._config = {
            name: value for name, value in self.settings.items() if name in self._config and value is not None
        }
        return problems

    @classmethod
    def _builtin_settings(cls) -> tuple[Setting, ...]:
        """The SDK's own: stream maps and flattening."""
        schema: dict[str, Any] = {"properties": {}}
        cls.append_builtin_config(schema)
        return from_json_schema(schema["properties"])

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        """The settings from the environment as texts; the SDK would take any text but "true" for false."""
        try:
            parse_environment_config({}, cls._env_var_prefix)  # It reads a file `.env`.
        except (OSError, UnicodeError):
            sys.exit(
                f"{cls.name}: The file `.env` beside the environment of Python cannot be read: it has to be UTF-8."
            )
        builtin = (each.name for each in cls._builtin_settings())
        known = [*cls.config_jsonschema["properties"], *builtin, *cls.PASSED_OVER]
        found, strays = from_environment(os.environ, cls._env_var_prefix, known)
        for name in strays:
            cls.logger.warning("%s in the environment is no setting of %s.", name, cls.name)
        return found

    @classmethod
    def made_of(cls, ctx: Context) -> Self:
        """What the options of the command make."""
        config = ctx.params["config"]
        return cls(config=config.config, parse_env_config=config.parse_env)

    def _setup_signal_handlers(self) -> None:
        """A terminal that closes ends a run as other signals do, unless the run was begun to outlive it (nohup)."""
        super()._setup_signal_handlers()
        closes: Any = getattr(signal, "SIGHUP", None)
        is_main = threading.current_thread() is threading.main_thread()
        if closes and is_main and signal.getsignal(closes) is not signal.SIG_IGN:
            signal.signal(closes, self._handle_termination)

    @classmethod
    def get_singer_command(cls) -> Command:
        """The command, which leaves what the SDK says of itself and its metrics out of the log."""
        hush("singer_sdk")
        command = super().get_singer_command()
        for each in command.params:
            each.type = HandedIn(cls.name) if isinstance(each.type, File) else each.type
        return command

    @classmethod
    def cb_config(cls, ctx: Context, param: Option, value: tuple[str, ...]) -> _ConfigInput:  # noqa: ARG003
        """Reads the files of ``--config``, and says in a sentence which of them is none."""
        found: dict[str, Any] = {}
        for name in value:
            try:
                found |= {} if name == "ENV" else settings_in(name)
            except FileError as error:
                # Somebody who hands in the settings themselves does not want to see them in a log.
                called = name if name and "{" not in name else "of `--config`, which takes the name of a file,"
                sys.exit(f"{cls.name}: The configuration {called} {error}.")
        return _ConfigInput(found, parse_env="ENV" in value)
