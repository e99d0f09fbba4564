"""Progress shows on a terminal and nowhere else; of the log, what people want to know."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING

import pytest

from crm_singer.terminal import Progress, hush

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def handler() -> Iterator[logging.StreamHandler[io.StringIO]]:
    """A handler of the root logger, as the command has one."""
    found: logging.StreamHandler[io.StringIO] = logging.StreamHandler(Terminal())
    logging.getLogger().addHandler(found)
    yield found
    logging.getLogger().removeHandler(found)


def test_a_terminal_shows_a_line_for_each_stream(
    handler: logging.StreamHandler[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen, now, stdout = handler.stream, [10.0], sys.stdout
    progress = Progress(screen, lambda: now[0])
    progress.show("Contacts[1]", 0)
    progress.show("Leads", 0, total=1000)
    now[0] += 10
    progress.show("Contacts[1]", 1_234_567)
    progress.show("Leads", 250, total=1000)
    logging.getLogger("tap-crm").warning("meanwhile")
    assert sys.stdout is stdout
    assert progress._lines
    progress._lines.refresh()
    progress.done("Contacts[1]")
    progress.clear()
    shown = screen.getvalue()
    assert "Contacts[1] 1,234,567 records, 123,457/s" in shown
    assert "25%" in shown
    assert "meanwhile" in shown
    assert handler.stream is screen
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1, "the cursor is there again"


def test_a_pipe_stays_quiet() -> None:
    pipe = io.StringIO()
    progress = Progress(pipe)
    progress.show("Contacts", 1)
    progress.done("Contacts")
    progress.clear()
    assert pipe.getvalue() == ""


def test_a_library_is_heard_only_if_somebody_wants_to_know_it_all(handler: logging.StreamHandler[io.StringIO]) -> None:
    logger, before = logging.getLogger("tap-crm.x"), list(handler.filters)
    hush("singer_sdk")

    def say(level: int, path: str) -> None:
        handler.handle(logging.LogRecord("tap-crm.x", level, path, 1, f"{level} {path}\n", (), None))

    for level in (logging.INFO, logging.WARNING):
        say(level, "/x/singer_sdk/metrics.py")
        say(level, "/x/tap_crm/run.py")
    logger.setLevel(logging.DEBUG)
    say(logging.INFO, "/y/singer_sdk/metrics.py")
    handler.filters = before
    assert handler.stream.getvalue().split("\n")[:-1:2] == [
        "20 /x/tap_crm/run.py",
        "30 /x/singer_sdk/metrics.py",
        "30 /x/tap_crm/run.py",
        "20 /y/singer_sdk/metrics.py",
    ]
