"""Companies, people and deals move from every CRM to every other with the settings in ``examples/any_to_any``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crm_simulators.vtiger import Switches, VtigerSimulator
from tests.running import run
from tests.target_crm.writing import run as write
from tools.pairs import EXAMPLES, PAIRS, TABLE, line, move, read, start, write_into

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.sweep
@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_records_move_and_a_second_run_writes_nothing(source: str, destination: str) -> None:
    moved = move(source, destination)
    assert sum(each.created for each in moved.values()) > 0
    assert [kind for kind, each in moved.items() if each.written_again] == []
    assert line(source, destination, moved) in TABLE.read_text("utf-8"), "run `python -m tools.pairs`"


@pytest.mark.parametrize(
    ("source", "destination", "field"),
    [("simplycrm", "vtiger", "accountname"), ("intouch", "egito", "accountId"), ("vtiger", "alfacrm", None)],
)
def test_records_move_into_a_crm_that_has_some(
    tmp_path: Path, source: str, destination: str, field: str | None
) -> None:
    with start(source, 20) as origin, start(destination, 30) as goal:
        told = read(source, origin)
        first, second = (write_into(destination, goal, str(tmp_path), told) for _turn in range(2))
    for kind, counts in first.items():
        assert second[kind]["unchanged"] == counts["create"]
        assert second[kind]["reject"] == counts["reject"]
    assert sum(each["create"] for each in first.values()) > 0
    path = tmp_path / "rejects.jsonl"
    kept = [json.loads(each) for each in path.read_text("utf-8").splitlines()] if path.exists() else []
    reasons = [each["rejected"]["reason"] for each in kept if each["type"] == "RECORD"]
    assert len(reasons) >= sum(each["reject"] for each in first.values())
    assert bool(reasons) is bool(field)
    assert [each for each in reasons if field and field not in each] == []


def test_a_deletion_moves_too(tmp_path: Path) -> None:
    tap, target = (json.loads((EXAMPLES / f"vtiger.{end}.json").read_text("utf-8")) for end in ("tap", "target"))
    own = {"ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite", "deletes": "apply"}
    with VtigerSimulator(rows=20, switches=Switches(sync_registered=True)) as origin, VtigerSimulator(rows=0) as goal:
        first = run({**origin.config(), **tap})
        assert write({**goal.config(), **target, **own}, first.output.splitlines()).exit == ""
        copied = len(goal.store.records("Contacts"))
        origin.store.delete(origin.store.records("Contacts")[3]["id"])
        second = run({**origin.config(), **tap}, state=first.state)
        assert [record["first_name"] for record in second.records["people"]] == [None]
        assert write({**goal.config(), **target, **own}, second.output.splitlines()).exit == ""
        assert len(goal.store.records("Contacts")) == copied - 1
