"""How the target takes its settings from files and the environment: all checked at once, and said in words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._classproperty import classproperty

from crm_systems import SYSTEMS
from crm_systems.settings import (
    connection_settings,
    dropped,
    from_environment,
    from_json_schema,
    json_schema,
    load,
    problem_of_file,
)
from crm_systems.terminal import hush
from target_crm.described import DescribedTarget
from target_crm.options import OWN_SETTINGS, problems, put_together

if TYPE_CHECKING:
    from click import Command, Context, Option
    from typing_extensions import Self

    from crm_systems.model import Setting

PASSED_OVER = (
    "add_record_metadata",
    "batch_config",
    "batch_size_rows",
    "default_target_schema",
    "hard_delete",
    "load_method",
    "process_activate_version_messages",
    "target_schema",
    "validate_records",
)
"""Settings that the SDK reads by itself, or gives targets that load into tables."""


class ConfiguredTarget(DescribedTarget):
    """A target with the settings of target-crm."""

    config_jsonschema: ClassVar[dict[str, Any]] = json_schema((*connection_settings(SYSTEMS), *OWN_SETTINGS))

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Checks all settings at once, in words instead of the SDK's JSON Schema messages."""
        self.settings, found = load(self._config, (*OWN_SETTINGS, *_builtin_settings()), SYSTEMS, PASSED_OVER)
        self.settings["streams"] = put_together(self.settings["streams"] or {})
        found += dropped(self._config, os.environ, "MELTANO_LOAD_")
        found += problems(self.settings)
        if found and raise_errors:
            raise ConfigValidationError("The settings are not complete", errors=found, schema=self.config_jsonschema)
        # The SDK would refuse a text in place of a number, and environment variables hold nothing else.
        kept = {name: self._config[name] for name in PASSED_OVER if name in self._config}
        typed = {name: value for name, value in self.settings.items() if name in self._config and value is not None}
        self._config = {**kept, **typed}
        return [*found, *super()._validate_config(raise_errors=raise_errors)]

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """The settings from the environment as texts; the SDK would take any text but "true" for false."""
        parse_environment_config({}, cls._env_var_prefix)  # It reads a file `.env`.
        known = [*cls.config_jsonschema["properties"], *(each.name for each in _builtin_settings()), *PASSED_OVER]
        found, strays = from_environment(os.environ, cls._env_var_prefix, known)
        for name in strays:
            cls.logger.warning("%s in the environment is no setting of %s.", name, cls.name)
        return found

    @classmethod
    def made_of(cls, ctx: Context) -> Self:
        """What the options of the command make.

        Raises:
            SystemExit: the settings are wrong; all that is has been said.
        """
        config = ctx.params["config"]
        try:
            return cls(config=config.config, parse_env_config=config.parse_env)
        except ConfigValidationError as error:
            sys.exit("\n".join(f"{cls.name}: {each}" for each in error.errors))

    @classmethod
    def get_singer_command(cls) -> Command:
        """The command, which can be tried out, and leaves the SDK's own doings and its metrics out of the log."""
        hush("singer_sdk")
        command = super().get_singer_command()
        words = "Log in, say who and where, and write nothing."
        command.params.append(
            click.Option(["--test"], is_flag=True, help=words, callback=cls.cb_test, expose_value=False)
        )
        return command

    @classmethod
    def cb_test(cls, ctx: Context, param: Option, value: bool) -> None:
        """Tries the settings out (``--test``)."""
        raise NotImplementedError

    @classmethod
    def cb_config(cls, ctx: Context, param: Option, value: tuple[str, ...]) -> Any:
        """Reads the files of ``--config``, and says in a sentence which of them is none."""
        for problem in filter(None, (problem_of_file(name) for name in value if name != "ENV")):
            sys.exit(f"{cls.name}: {problem}")
        return super().cb_config(ctx, param, value)


def _builtin_settings() -> tuple[Setting, ...]:
    """The SDK's own: stream maps and flattening."""
    schema: dict[str, Any] = {"properties": {}}
    ConfiguredTarget.append_builtin_config(schema)
    return from_json_schema(schema["properties"])
