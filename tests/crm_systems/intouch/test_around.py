"""Reading InTouch CRM around records over which it fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Answer
from tests.crm_systems.intouch.shown import ids, installation, read

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.intouch import InTouchSimulator


@pytest.mark.parametrize("places", [{0}, {20}, {20, 21, 40}, {59}])
def test_records_that_break_their_page_are_named_and_all_others_read(places: set[int]) -> None:
    with installation(rows=60) as simulator:
        every = ids(simulator.records("parties"))
        broken = [every[place] for place in sorted(places)]
        simulator.switches = replace(simulator.switches, broken=frozenset(broken))
        result = read(simulator, "parties")
        assert ids(result.records["parties"]) == [each for each in every if each not in broken]
        assert all(f"parties {each} is missing" in result.exit for each in broken)


def test_changes_are_read_around_a_record_that_breaks_its_page() -> None:
    with installation(rows=60) as simulator:
        first = read(simulator, "parties")
        key, broken, *_ = ids(simulator.records("parties"))
        simulator.clock.advance(3600)
        simulator.change("parties", key, {"comment": "new"})
        simulator.change("parties", broken, {"comment": "new"})
        simulator.switches = replace(simulator.switches, broken=frozenset({broken}))
        again = read(simulator, "parties", state=first.state)
        assert ids(again.records["parties"]) == [key]
        assert f"parties {broken} is missing" in again.exit
        simulator.switches = replace(simulator.switches, broken=frozenset())
        mended = read(simulator, "parties", state=again.state)
        assert (ids(mended.records["parties"]), mended.exit) == ([key, broken], "")


def test_a_record_that_breaks_its_page_is_not_taken_for_deleted(tmp_path: Path) -> None:
    compares = {"deletions": "compare", "keys_url": f"sqlite:///{tmp_path}/keys.sqlite", "skip_unreadable": True}
    with installation(rows=60) as simulator:
        first = read(simulator, "parties", **compares)
        gone, broken, *_ = ids(simulator.records("parties"))
        simulator.delete("parties", gone)
        simulator.switches = replace(simulator.switches, broken=frozenset({broken}))
        again = read(simulator, "parties", state=first.state, **compares)
        assert [row["id"] for row in again.records["deleted_records"]] == [str(gone)]
        assert again.exit == ""


def test_a_list_that_breaks_as_a_whole_is_no_list_of_broken_records() -> None:
    with installation(rows=60) as simulator:
        simulator.switches = replace(simulator.switches, broken=frozenset(ids(simulator.records("parties"))))
        result = read(simulator, "parties")
        assert "parties: read: the server failed (HTTP 500)" in result.exit
        assert "is missing" not in result.exit


def alone(simulator: InTouchSimulator, key: int) -> None:
    """Lets a record come out by its address although no list shows it."""
    rest = simulator.answer

    def answer(call: Call) -> Answer:
        return Answer(json.dumps({"id": key}).encode()) if call.path.endswith(f"/parties/{key}") else rest(call)

    simulator.answer = answer


def test_a_record_that_only_breaks_its_page_is_read_alone() -> None:
    with installation(rows=60) as simulator:
        every = ids(simulator.records("parties"))
        simulator.switches = replace(simulator.switches, broken=frozenset({every[20]}))
        alone(simulator, every[20])
        result = read(simulator, "parties")
        assert (ids(result.records["parties"]), result.exit) == (every, "")


def test_what_no_list_shows_is_not_taken_for_the_record_that_breaks_its_page() -> None:
    with installation(rows=60) as simulator:
        every = ids(simulator.records("parties"))
        archived, broken = every[20:22]
        simulator.delete("parties", archived)
        simulator.switches = replace(simulator.switches, broken=frozenset({broken}))
        alone(simulator, archived)
        result = read(simulator, "parties")
        assert f"parties {broken} is missing" in result.exit
        assert ids(result.records["parties"]) == [each for each in every if each not in {archived, broken}]
