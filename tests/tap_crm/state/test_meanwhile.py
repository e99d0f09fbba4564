"""What happens in the CRM, or to the tap, in the middle of a read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Fault
from tests.running import SLOW, Run, command, run
from tests.tap_crm.leads import bookmark, change_all, deleted, leads, live, on_page, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_record_changes_while_it_is_passed(vtiger: Start, parallel: int) -> None:
    """It may come out old or new; the next run gives the new one for certain."""
    simulator = vtiger(rows=3000)
    ids = [row["id"] for row in simulator.store.records("Leads")]

    def act() -> None:
        for identifier in (ids[5], ids[250], ids[1000]):
            simulator.store.change(identifier, {"lastname": "Changed meanwhile"})

    on_page(simulator, 2, act)
    first = run(leads(simulator, parallel_requests=parallel))
    second = run(leads(simulator), state=first.state)
    latest = live(first) | live(second)
    assert set(live(first)) == set(ids)
    assert {latest[key]["lastname"] for key in (ids[5], ids[250], ids[1000])} == {"Changed meanwhile"}


@pytest.mark.parametrize("parallel", [1, 4])
def test_records_appear_and_vanish_while_others_are_read(vtiger: Start, parallel: int) -> None:
    simulator = vtiger(rows=3000)
    before = stored(simulator)
    added: list[str] = []

    def act() -> None:
        for identifier in [row["id"] for row in simulator.store.records("Leads")][::3]:
            simulator.store.delete(identifier)
        added.extend(simulator.store.insert("Leads", {"lastname": "New"}) for _ in range(5))

    on_page(simulator, 3, act)
    first = run(leads(simulator, parallel_requests=parallel))
    stay = stored(simulator) & before
    assert first.exit == ""
    assert stay <= set(live(first)) <= before | set(added)
    second = run(leads(simulator), state=first.state)
    remaining = (set(live(first)) | set(live(second))) - deleted(first) - deleted(second)
    assert remaining == stored(simulator)


def test_the_newest_record_vanishes_while_others_are_read(vtiger: Start) -> None:
    simulator = vtiger(rows=600)
    newest = [row["id"] for row in simulator.store.records("Leads")][-130:]

    def act() -> None:
        for identifier in newest:
            simulator.store.delete(identifier)

    on_page(simulator, 2, act)
    result = run(leads(simulator))
    assert result.exit == ""
    assert stored(simulator) <= set(live(result))


def test_a_deletion_within_the_second_in_which_a_page_of_them_ends(vtiger: Start) -> None:
    simulator = vtiger(rows=600)
    first = run(leads(simulator))
    ids, began = sorted(stored(simulator)), simulator.clock.now()

    def delete(chosen: list[str], seconds: int) -> None:
        stamp = (began + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
        for identifier in chosen:
            simulator.store.delete(identifier)
            simulator.store.put(simulator.store.find(identifier), {"modifiedtime": stamp})

    simulator.clock.advance(3600)
    delete(ids[:100], 100)
    delete(ids[100:150], 200)
    calls = iter(range(1, 100))

    def watch(call: Call) -> None:
        if call.query.get("operation") == "sync" and next(calls) == 2:
            delete(ids[150:155], 100)

    simulator.fault = watch
    second = run(leads(simulator), state=first.state)
    assert deleted(second) == set(ids[:155])
    assert len(second.records["Leads"]) == 155


def test_a_failed_read_leaves_the_bookmark(vtiger: Start) -> None:
    simulator = vtiger(rows=600)
    first = run(leads(simulator))
    changed = change_all(simulator)

    def refuse() -> None:
        simulator.fault = lambda _call: Fault.REFUSED

    on_page(simulator, 2, refuse)
    second = run(leads(simulator), state=first.state)
    assert second.exit
    assert second.records["Leads"]
    assert second.bookmark("Leads") == first.bookmark("Leads")
    simulator.fault = lambda _call: None
    third = run(leads(simulator), state=second.state)
    assert {*live(second), *live(third)} == changed


def test_an_interrupted_run_leaves_the_bookmark(vtiger: Start, tmp_path: Path) -> None:
    simulator = vtiger(rows=1500)
    first = run(leads(simulator))
    changed = change_all(simulator)
    (tmp_path / "config.json").write_text(json.dumps(leads(simulator)))
    (tmp_path / "state.json").write_text(json.dumps(first.state))
    simulator.latency = SLOW
    process = command("--config", tmp_path / "config.json", "--state", tmp_path / "state.json")
    with process:
        assert process.stdout
        assert process.stderr
        lines = iter(process.stdout.readline, "")
        began = [next(lines)]
        while '"STATE"' not in began[-1] or not any('"RECORD"' in line for line in began):
            began.append(next(lines))
        # A pipe holds much less than what is left.
        process.terminate()
        second = Run("".join([*began, *lines]), process.stderr.read())
    assert 0 < len(live(second)) < len(changed)
    assert bookmark(second) == bookmark(first)
    third = run(leads(simulator), state=second.state)
    assert {*live(second), *live(third)} == changed
    assert "Traceback" not in second.log
