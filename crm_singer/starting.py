"""How a command begins: what it needs before it loads anything, and how little it loads to say what it is."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crm_singer.terminal import handing_on, speak_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator

ALONE = ("--version", "--about")
"""What is told without loading any CRM or database, which takes twice as long."""
LEVELS = ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "NOTSET")


def start(name: str, *, described: str, whole: str) -> None:
    """See :func:`~crm_singer.command.run_command`."""
    speak_utf8(name)
    _check_level(name)
    asked = sys.argv[1] if sys.argv[1:] else ""
    command = _loaded(described if asked in ALONE else whole).cli
    with _telling(name) if asked in {*ALONE, "--help"} else nullcontext():
        command()


def _check_level(name: str) -> None:
    own = f"{name.upper().replace('-', '_')}_LOGLEVEL"
    variable = own if os.environ.get(own) else "LOGLEVEL"
    if (os.environ.get(variable) or "INFO").upper() not in LEVELS:
        sys.exit(f"{name}: {variable} in the environment must be one of {', '.join(LEVELS)}.")


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
