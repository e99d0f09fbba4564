"""Progress shows on a terminal and nowhere else."""

from __future__ import annotations

import io

from crm_systems.terminal import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_count_now_and_then() -> None:
    screen, times = Terminal(), iter([10.0, 10.0, 10.1, 10.6, 10.6])
    progress = Progress(screen, lambda: next(times))
    for count in (1, 2, 1_234_567):
        progress.show("Contacts", count)
    assert screen.getvalue() == "\r\x1b[KContacts: 1 records\r\x1b[KContacts: 1,234,567 records"
    progress.clear()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_a_pipe_stays_quiet() -> None:
    pipe = io.StringIO()
    progress = Progress(pipe)
    progress.show("Contacts", 1)
    progress.clear()
    assert pipe.getvalue() == ""
