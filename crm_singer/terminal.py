"""What a command prints: UTF-8 whatever the locale, progress on a terminal, and one sentence if output is closed."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Lines
    from rich.progress import TaskID


class Progress:
    """Lines on a terminal, one for each stream under way: rows, rate, and share and time left where a total is known.

    Says nothing in a pipe or a file.
    """

    def __init__(self, screen: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen or sys.stderr
        self.is_shown = self._screen.isatty()
        """Whether anybody sees it."""
        self._clock = clock
        self._lines: Lines | None = None
        self._begun: dict[str, tuple[TaskID, float]] = {}

    def show(self, what: str, count: int, total: int | None = None) -> None:
        """Tells how many records of something are done, and of how many."""
        if not self.is_shown:
            return
        lines = self._lines = self._lines or self._started()
        if what not in self._begun:
            self._begun[what] = lines.add_task(what, total=total, rate=0.0), self._clock()
        line, began = self._begun[what]
        lines.update(line, completed=count, total=total, rate=count / max(self._clock() - began, 0.1))

    def done(self, what: str) -> None:
        """Takes a line away."""
        if self._lines and what in self._begun:
            self._lines.remove_task(self._begun.pop(what)[0])

    def clear(self) -> None:
        """Takes all lines away."""
        if self._lines:
            self._lines.stop()
            _log_to(self._screen)
        self._lines, self._begun = None, {}

    def _started(self) -> Lines:
        from rich import progress  # noqa: PLC0415 - it takes longer to import than many a run lasts
        from rich.console import Console  # noqa: PLC0415 - the same

        lines = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.TextColumn("{task.completed:,} records, {task.fields[rate]:,.0f}/s"),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(compact=True),
            console=Console(file=self._screen),
            transient=True,
            # There the records leave.
            redirect_stdout=False,
        )
        lines.start()
        _log_to(sys.stderr)
        return lines


def _log_to(screen: TextIO) -> None:
    """Sends log lines to this stream; while progress is shown, to the one that keeps them above it."""
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(screen)


def hush(library: str) -> None:
    """Keeps what a library says of its own doings out of the log, unless somebody wants to know it all (debug)."""

    def is_wanted(record: logging.LogRecord) -> bool:
        is_theirs = record.levelno == logging.INFO and library in Path(record.pathname).parts
        return not is_theirs or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)

    for handler in logging.getLogger().handlers:
        handler.addFilter(is_wanted)


def speak_utf8(command: str) -> None:
    """Makes what a command says UTF-8.

    Raises:
        SystemExit: standard output is closed.
    """
    if sys.stdout is None:
        raise SystemExit(f"{command}: Standard output is closed, so nothing can be handed on.")
    if sys.stderr is None:
        # Else the next connection would take its number, and whatever a library prints there.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        # With PYTHONUNBUFFERED, what is left of a write that a signal or a pause interrupts would be lost.
        sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


@contextmanager
def handing_on(command: str) -> Iterator[None]:
    """A context for writes to standard output.

    Raises:
        SystemExit: nobody reads it any more, or its disk is full.
    """
    try:
        yield
    except OSError as error:
        _discard(sys.stdout)
        raise SystemExit(
            f"{command}: Standard output cannot be written ({error.strerror}), so the run stops."
        ) from None


@contextmanager
def saying() -> Iterator[None]:
    """A context for a command, whose exit code stays its own where its log cannot be written, as on a full disk."""
    try:
        yield
    except SystemExit as ending:
        if isinstance(ending.code, str):
            with suppress(OSError):
                sys.stderr.write(f"{ending.code}\n")
            ending.code = 1
        raise
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Lets go of what is left in a buffer: Python would try it once more at the end, and end with 120."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
