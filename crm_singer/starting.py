"""How a command begins: what it needs before it loads anything, and how little it loads to say what it is."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crm_singer.terminal import handing_on, saying, speak_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator

ALONE = ("--version", "--about")
"""What is told without loading any CRM or database, which takes twice as long."""
LOG_CONFIG = "SINGER_SDK_LOG_CONFIG"
LOG_FAULTS = (OSError, ArithmeticError, AttributeError, ImportError, LookupError, TypeError, ValueError)
"""What Python's logging fails with over a configuration."""
LEVELS = ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "NOTSET")


def start(name: str, *, described: str, whole: str) -> None:
    """See :func:`~crm_singer.command.run_command`."""
    speak_utf8(name)
    _check_level(name)
    connector = _loaded(described if sys.argv[1:] and sys.argv[1] in ALONE else whole)
    command = _command(name, connector)
    only_tells = {*ALONE, "--help"}.intersection(sys.argv[1:]) or f"_{_variable(name)}_COMPLETE" in os.environ
    with saying(), _telling(name) if only_tells else nullcontext():
        command()


def _check_level(name: str) -> None:
    own = f"{_variable(name)}_LOGLEVEL"
    variable = own if os.environ.get(own) else "LOGLEVEL"
    if (os.environ.get(variable) or "INFO").upper() not in LEVELS:
        sys.exit(f"{name}: {variable} in the environment must be one of {', '.join(LEVELS)}.")


def _variable(name: str) -> str:
    """How the variables of a command begin in the environment."""
    return name.upper().replace("-", "_")


def _command(name: str, connector: Any) -> Any:
    """What runs a connector, and has begun its log.

    Raises:
        SystemExit: the file that tells how to log, which the SDK reads, does not do that.
    """
    if not os.environ.get(LOG_CONFIG):
        os.environ.pop(LOG_CONFIG, None)
        return connector.cli
    import yaml  # noqa: PLC0415 - hardly anybody has such a file

    try:
        return connector.cli
    except (*LOG_FAULTS, yaml.YAMLError) as error:
        reason = str(error).partition("\n")[0]
        sys.exit(
            f"{name}: {LOG_CONFIG} in the environment must name a YAML file of what logging.config.dictConfig takes; "
            f"{os.environ[LOG_CONFIG]} is none ({reason})."
        )


def _loaded(connector: str) -> Any:
    module, _, name = connector.partition(":")
    # What is loaded stays: to look through it again and again for what can be freed takes a tenth of the time.
    gc.disable()
    found = getattr(import_module(module), name)
    gc.freeze()
    gc.enable()
    return found


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """A context for what is only printed, to the last byte."""
    with handing_on(name):
        try:
            yield
        finally:
            sys.stdout.flush()
