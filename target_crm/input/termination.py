"""Where a run ends that a signal asks to end: between two lines, when all that was begun is done."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Termination:
    """Ends the run on a signal; the SDK would let state run ahead of a batch. ``drain`` writes what came so far."""

    def __init__(self, drain: Callable[[], None]) -> None:
        self._drain = drain
        self._signal = 0  # None.
        self._is_waiting = False  # For the next line; all that came before is done with.

    def lines(self, source: IO[Any]) -> Iterator[bytes | str]:
        """The input line by line. A signal ends the run between two lines, also while none comes."""
        while True:
            self._is_waiting = True
            self._end_if_asked()
            line = source.readline()
            self._is_waiting = False
            if not line:
                return
            yield line

    def ask(self, signum: int) -> None:
        """Ends at the next point where all that was begun is done."""
        self._signal = signum
        if self._is_waiting:
            self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self._signal:
            self._is_waiting = False
            self._drain()
            sys.exit(128 + self._signal)
