"""How far a long work is, for a person who waits at a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

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
