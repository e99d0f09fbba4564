"""When the input is waited for, and where a run ends that a signal asks to end: when all that was begun is done."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import BufferedReader, RawIOBase
from select import select
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk.singerlib.exceptions import InvalidInputLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_ONCE = 1 << 16
"""How many bytes are read at once at the most."""
LONGEST = 1 << 28
"""Bytes of a line; the rest of a longer one is not read, since it could fill the memory."""


class Termination:
    """Ends the run on a signal; the SDK would let state run ahead of a batch. ``drain`` writes what came so far.

    ``rest`` is called before input is waited for that has not come yet.
    """

    def __init__(self, drain: Callable[[], None], rest: Callable[[], None]) -> None:
        self._drain = drain
        self._rest = rest
        self._signal = 0
        """The one that asked; 0: none did."""
        self._is_waiting = False
        """Whether the next line is waited for; all that came before is done with."""

    def lines(self, source: IO[Any]) -> Iterator[bytes | str]:
        """The input line by line. A signal ends the run between two lines, also while none comes."""
        raw = getattr(source, "raw", None)
        coming = BufferedReader(_Awaited(raw, self._before_waiting), AT_ONCE) if raw else source
        while True:
            self._is_waiting = True
            self._end_if_asked()
            line = coming.readline(LONGEST + 1)
            self._is_waiting = False
            if not line:
                return
            yield line

    def ask(self, signum: int) -> None:
        """Ends at the next point where all that was begun is done."""
        self._signal = signum
        if self._is_waiting:
            self._end_if_asked()

    def _before_waiting(self) -> None:
        self._is_waiting = False
        self._rest()
        self._is_waiting = True
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self._signal:
            self._is_waiting = False
            self._drain()
            sys.exit(128 + self._signal)


class _Awaited(RawIOBase):
    """The bytes of a file or a pipe; ``before_waiting`` is called where none has come."""

    def __init__(self, source: RawIOBase, before_waiting: Callable[[], None]) -> None:
        self._source = source
        self._before_waiting = before_waiting

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What has come, or comes next.

        Raises:
            InvalidInputLine: the disk, or whatever else it comes from, fails.
        """
        if not self._has_come():
            self._before_waiting()
        try:
            return cast("int | None", self._source.readinto(buffer))
        except OSError as error:
            raise InvalidInputLine(f"what follows cannot be read ({error.strerror})") from None

    def _has_come(self) -> bool:
        """Whether anything can be read at once; no where nobody can tell, as of a pipe on Windows."""
        with suppress(OSError, ValueError):
            return bool(select([self._source], [], [], 0)[0])
        return False
