"""The judge finds what is wrong with a history, and nothing in one that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof.checker import judge
from proof.history import Event, History

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = Event("target 1", "invoke", "run")
TRIED = Event("target 1", "invoke", "write", "k1", "a")
MADE = Event("server", "did", "create", "k1", "a", "7")
SAID = Event("target 1", "ok", "write", "k1", "a")
ENDED = Event("target 1", "ok", "run", value="")
KILLED = Event("target 1", "unknown", "run", value="killed")
THERE = Event("server", "holds", "write", "k1", "a", "7")
AGAIN = Event("target 2", "ok", "run", value="")
READ = Event("tap 1", "invoke", "run", value="")
ON = Event("tap 2", "invoke", "run", value="from a state")
GAVE = Event("tap 1", "ok", "read", "5", "a")
SHOWN = Event("server", "holds", "read", "5", "a")
NEWER = Event("server", "holds", "read", "5", "b")
READ_ALL = Event("tap 2", "ok", "run", value="")

RIGHT: dict[str, list[Event]] = {
    "written": [BEGIN, TRIED, MADE, SAID, ENDED, THERE],
    "killed before the answer, then said": [BEGIN, TRIED, MADE, KILLED, SAID, AGAIN, THERE],
    "killed before it was sent": [BEGIN, TRIED, KILLED, AGAIN],
    "rejected in words": [BEGIN, TRIED, Event("target 1", "failed", "write", "k1", "a"), ENDED],
    "changed since": [BEGIN, TRIED, MADE, SAID, Event("target 1", "invoke", "write", "k1", "b"), KILLED, THERE, AGAIN],
    "read": [READ, GAVE, READ_ALL, SHOWN],
    "read again by the next run": [READ, GAVE, ON, Event("tap 2", "ok", "read", "5", "a"), READ_ALL, SHOWN],
    "deleted and told": [READ, GAVE, ON, Event("tap 2", "ok", "delete", "5"), READ_ALL],
}
WRONG: dict[str, tuple[str, list[Event]]] = {
    "a state covered it and it is not there": ("lost", [BEGIN, TRIED, MADE, SAID, KILLED, AGAIN]),
    "exit code 0 and it is not there": ("lost", [BEGIN, TRIED, ENDED]),
    "an older value is there": (
        "lost",
        [BEGIN, TRIED, MADE, Event("target 1", "invoke", "write", "k1", "b"), ENDED, THERE],
    ),
    "the run in peace fails": ("lost", [BEGIN, TRIED, MADE, Event("target 2", "failed", "run", value="no"), THERE]),
    "made twice": ("doubled", [BEGIN, TRIED, MADE, MADE, SAID, ENDED, THERE]),
    "there twice": ("doubled", [BEGIN, TRIED, MADE, SAID, ENDED, THERE, THERE]),
    "said before it was made": ("ahead", [BEGIN, TRIED, SAID, MADE, ENDED, THERE]),
    "never made, said": ("ahead", [BEGIN, TRIED, SAID, KILLED]),
    "left out by a whole read": ("lost", [READ, READ_ALL, SHOWN]),
    "left out, and its text is empty": ("lost", [READ, READ_ALL, Event("server", "holds", "read", "5")]),
    "an old value was read": ("lost", [READ, GAVE, READ_ALL, NEWER]),
    "told as deleted and there": ("lost", [READ, GAVE, Event("tap 1", "ok", "delete", "5"), READ_ALL, SHOWN]),
    "left out after a state": ("ahead", [READ, ON, READ_ALL, SHOWN]),
    "given twice": ("doubled", [READ, GAVE, GAVE, READ_ALL, SHOWN]),
    "a traceback": ("tracebacks", [BEGIN, Event("target 1", "failed", "run", value="Traceback: boom")]),
    "a hang": ("hangs", [BEGIN, Event("target 1", "failed", "run", value="hang")]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_history_that_is_right_is_left_alone(case: str) -> None:
    assert judge(RIGHT[case]).all == []


@pytest.mark.parametrize("case", WRONG)
def test_a_history_that_is_wrong_is_found(case: str) -> None:
    kind, history = WRONG[case]
    assert getattr(judge(history), kind)


def test_a_history_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    history.note("server", "did", "create", "k1", "Žluťoučký\u2028", id="7")
    history.note("target 1", "ok", "run", value="")
    first, second = history.close()
    assert (first.key, first.value, first.id) == ("k1", "Žluťoučký\u2028", "7")
    assert (second.who, second.value) == ("target 1", "")
