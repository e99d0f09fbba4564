"""A small part of ``make proof``, with fixed seeds."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from proof import faults, fuzz, kills, page, soak, timeline
from proof.history import History, read
from proof.server import Watched
from proof.verdict import together
from tests.contract.subjects import SUBJECTS
from tests.contract.test_writing import load

if TYPE_CHECKING:
    from pathlib import Path

SMALL = list(
    chain(
        [case for case in faults.cases(step=197) if case.kind != Fault.DRIP.name],
        list(kills.cases())[::67],
        soak.cases(2, 120),
        [fuzz.Case("input", 7, 20), fuzz.Case("alfacrm", 7, 10), fuzz.Case("egito", 7, 10)],
    )
)


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_nothing_is_lost_or_doubled(case: Any, tmp_path: Path) -> None:
    verdict = case.run(tmp_path)
    assert verdict.findings.all == []
    assert verdict.figures.cases


def test_the_picture_tells_what_the_history_holds(tmp_path: Path) -> None:
    verdict = timeline.Case(30, 8).run(tmp_path)
    assert verdict.findings.all == []
    drawn = timeline.picture(read(tmp_path / "history.jsonl"))
    assert f"{verdict.figures.kills} times kill -9" in drawn
    assert "30 of 30 records are there once, 0 more than once" in drawn


def test_the_table_adds_up_and_goes_between_the_marks(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("docs/proof.md", "README.md"):
        (tmp_path / name).write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", "utf-8")
    one = faults.Case("egito", "read", "", 0).run(tmp_path)
    one.findings.lost.append("planted")
    parts = [together(faults.PART, [one, one])]
    page.write(tmp_path, "Today.", parts)
    told = (tmp_path / "docs/proof.md").read_text("utf-8")
    assert "| a fault at every request | 2 | 2 | 0 |" in told
    assert told.startswith("before\n")
    assert told.endswith("\nafter\n")
    assert "2 records lost" in (tmp_path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("system", SUBJECTS)
def test_the_servers_own_log_names_what_it_made(system: str, tmp_path: Path) -> None:
    subject, history = SUBJECTS[system], History(tmp_path / "history.jsonl")
    with subject.start(5) as crm:
        keys = {str(subject.values(number)[subject.match]): f"k{number}" for number in range(4)}
        Watched(crm, subject, history, keys)
        load(subject, crm, tmp_path)
    made = [event.key for event in history.close() if (event.who, event.do) == ("server", "create")]
    assert sorted(made) == ["k0", "k1", "k2", "k3"]
