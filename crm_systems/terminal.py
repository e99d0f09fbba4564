"""What a command says: UTF-8 whatever the locale, how far a long work is, one sentence where nobody listens."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
import io
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


SECONDS_BETWEEN = 0.5


class Progress:
    """One line on the terminal that is written over again and again; says nothing in a pipe or a file."""

    def __init__(self, screen: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen or sys.stderr
        self._shows = self._screen.isatty()
        self._clock = clock
        self._last = 0.0

    def show(self, what: str, count: int) -> None:
        """Tells how many records of something are done, at most every half second."""
        if self._shows and self._clock() - self._last >= SECONDS_BETWEEN:
            self._last = self._clock()
            self._screen.write(f"\r\x1b[K{what}: {count:,} records")
            self._screen.flush()

    def clear(self) -> None:
        """Takes the line away."""
        if self._shows:
            self._screen.write("\r\x1b[K")
            self._screen.flush()


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
