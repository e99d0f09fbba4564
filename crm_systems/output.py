"""Standard output and standard error of a command: UTF-8 whatever the locale, one sentence where they are closed."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def speak_utf8(command: str) -> None:
    """Makes what a command says UTF-8.

    Raises:
        SystemExit: standard output is closed.
    """
    if sys.stdout is None:
        raise SystemExit(f"{command}: Standard output is closed, so nothing can be handed on.")
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


@contextmanager
def handing_on(command: str) -> Iterator[None]:
    """Around what writes to standard output.

    Raises:
        SystemExit: nobody reads it any more, or its disk is full.
    """
    try:
        yield
    except OSError as error:
        with suppress(OSError, ValueError):
            # What is left in the buffer would be tried once more at the end, with a traceback.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(
            f"{command}: Standard output cannot be written ({error.strerror}), so the run stops."
        ) from None
