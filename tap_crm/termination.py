"""Where a run ends that a signal asks to end: at once, but never within a line that is being written."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Termination:
    """Ends the run on a signal, with exit code 128 + its number, since not all that was asked for was read.

    The SDK would write a state from within the signal's handler, perhaps into the middle of a record.
    """

    def __init__(self) -> None:
        self.signal = 0
        """The one that asked; 0: none did."""
        self._is_writing = False

    def ask(self, signum: int) -> None:
        """Ends the run now or when what is being written has left; a second signal ends it as ``kill -9`` does.

        Raises:
            SystemExit: the run ends.
        """
        self.signal = signum
        signal.signal(signum, signal.SIG_DFL)
        if not self._is_writing:
            sys.exit(128 + signum)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """A context for what has to leave as a whole.

        Raises:
            SystemExit: a signal asked for the end meanwhile.
        """
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
            if self.signal:
                sys.exit(128 + self.signal)
