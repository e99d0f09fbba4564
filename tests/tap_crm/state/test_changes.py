"""What a run gives after an earlier one: every change, every deletion, nothing lost, next to nothing twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import Switches
from tests.running import discover, only, run
from tests.tap_crm.leads import bookmark, deleted, leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator
    from tests.running import Run

    Start = Callable[..., VtigerSimulator]

FLAVOURS = ("vtiger-8.4", "vtiger-8.0", "corebos", "simplycrm")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_second_run_gives_nothing_that_did_not_change(vtiger: Start, flavour: str) -> None:
    simulator = vtiger(flavour, rows=200)
    config = {**simulator.config(), "skip_unreadable": True}
    simulator.store.insert("Leads", {"lastname": "new at the time of the first run"})
    first = run(config)
    second = run(config, state=first.state)
    third = run(config, state=second.state)
    assert live(first)
    for again in (second, third):
        assert again.exit == ""
        changed = {stream for stream, method in methods(again).items() if method and again.records[stream]}
        assert changed == set()


def methods(result: Run) -> dict[str, bool]:
    """Whether each stream is read by changes."""
    return {name: bool(message.get("bookmark_properties")) for name, message in result.schemas.items()}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_changed_new_deleted_and_converted(vtiger: Start, flavour: str) -> None:
    simulator = vtiger(flavour, rows=200)
    store = simulator.store
    first = run(leads(simulator))
    ids = [row["id"] for row in store.records("Leads")]
    simulator.clock.advance(3600)
    store.change(ids[3], {"lastname": "Changed"})
    store.delete(ids[5])
    store.find(ids[7]).converted = True
    store.change(ids[7], {})
    added = store.insert("Leads", {"lastname": "Added"})
    second = run(leads(simulator), state=first.state)
    assert second.exit == ""
    assert {key: record["lastname"] for key, record in live(second).items()} == {ids[3]: "Changed", added: "Added"}
    assert deleted(second) == {ids[5], ids[7]}
    third = run(leads(simulator), state=second.state)
    assert third.records["Leads"] == []
    assert deleted(first) == set()


def test_many_deletions_within_one_second(vtiger: Start) -> None:
    simulator = vtiger(rows=700)
    first = run(leads(simulator))
    simulator.clock.advance(100)
    frozen = simulator.store.stamp()
    simulator.store.stamp = lambda: frozen
    gone = [row["id"] for row in simulator.store.records("Leads")][:250]
    for identifier in gone:
        simulator.store.delete(identifier)
    second = run(leads(simulator), state=first.state)
    assert deleted(second) == set(gone)
    assert len(second.records["Leads"]) == len(gone)
    assert run(leads(simulator), state=second.state).records["Leads"] == []


@pytest.mark.parametrize(
    ("sync", "user", "sentence"),
    [
        (False, "admin", "its operation `sync` does not work"),
        (True, "limited", "only an administrator may ask for them"),
    ],
)
def test_one_warning_where_deletions_are_not_told(vtiger: Start, sync: bool, user: str, sentence: str) -> None:
    simulator = vtiger(rows=60, sync=sync)
    config = simulator.config_for(user)
    first = run(config)
    assert "does not tell deletions" not in first.words
    simulator.clock.advance(3600)
    gone = next(iter(live(first)))
    simulator.store.delete(gone)
    second = run(config, state=first.state)
    assert second.exit == ""
    assert second.log.count(sentence) == 1
    asked = sum("sync" in call.query.get("operation", "") for call in simulator.calls)
    assert asked == (user == "admin"), "who is told of his own records only is not asked for"
    assert second.bookmark("Leads")["deletions_read_until"] == first.bookmark("Leads")["deletions_read_until"]

    if not sync:
        simulator.switches = Switches(sync_registered=True)
        assert deleted(run(config, state=second.state)) == {gone}, "what was missed is made good once it can be"


@pytest.mark.parametrize("user", ["usadmin", "euro"])
def test_on_corebos_nobody_but_its_first_user_is_believed_to_be_told_all(
    vtiger: Start, tmp_path: Path, user: str
) -> None:
    """It answers others as if nothing but records of their own had been deleted, and does not say so (measured)."""
    simulator = vtiger("corebos", rows=60)
    config = {**leads(simulator), **simulator.config_for(user)}
    compared = {**config, "deletions": "compare", "keys_url": f"sqlite:///{tmp_path}/keys.sqlite"}
    first = {name: run(each) for name, each in (("told", config), ("compared", compared))}
    simulator.clock.advance(3600)
    gone = next(each for each in live(first["told"]) if simulator.store.get(each)["assigned_user_id"] == "19x1")  # type: ignore[index]  # it is there
    simulator.store.delete(gone)
    told = run(config, state=first["told"].state)
    assert (told.exit, deleted(told)) == ("", set())
    assert "does not tell deletions" in told.log
    assert deleted(run(compared, state=first["compared"].state)) == {gone}


def test_deletions_off(vtiger: Start) -> None:
    simulator = vtiger()
    first = run(leads(simulator, deletions="off"))
    simulator.clock.advance(3600)
    simulator.store.delete(next(iter(live(first))))
    second = run(leads(simulator, deletions="off"), state=first.state)
    assert second.records["Leads"] == []
    assert not any(call.query.get("operation") == "sync" for call in simulator.calls)


def test_no_deletions_without_their_mark(vtiger: Start) -> None:
    """A deleted record's bare key would look like a record that has become empty."""
    simulator = vtiger()
    catalog = only(discover(leads(simulator)), "Leads")
    for part in catalog["streams"][0]["metadata"]:
        if part["breadcrumb"] == ["properties", "_sdc_deleted_at"]:
            part["metadata"]["selected"] = False
    first = run(leads(simulator), catalog=catalog)
    simulator.clock.advance(3600)
    simulator.store.delete(next(iter(live(first))))
    assert run(leads(simulator), catalog=catalog, state=first.state).records["Leads"] == []


@pytest.mark.parametrize("hours", [-5000, -1, 0, 1, 5000])
def test_the_bookmark_is_never_ahead_of_the_server(vtiger: Start, hours: int) -> None:
    simulator = vtiger()
    simulator.clock.advance(hours * 3600)
    first = run(leads(simulator))
    shown = [datetime.fromisoformat(row["modifiedtime"]) for row in live(first).values()]
    assert bookmark(first) <= simulator.clock.now()
    assert bookmark(first) <= max(shown)
    changed = next(iter(live(first)))
    simulator.store.change(changed, {"lastname": "Changed"})
    assert live(run(leads(simulator), state=first.state))[changed]["lastname"] == "Changed"


def test_a_record_from_the_future(vtiger: Start) -> None:
    simulator = vtiger()
    future = simulator.store.insert("Leads", {"lastname": "x"}, at="2031-01-01 00:00:00")
    first = run(leads(simulator))
    changed = next(key for key in live(first) if key != future)
    simulator.store.change(changed, {"lastname": "Changed"})
    second = run(leads(simulator), state=first.state)
    assert bookmark(first) < datetime(2031, 1, 1, tzinfo=timezone.utc)
    assert set(live(second)) == {changed}
    simulator.store.change(future, {"lastname": "y"}, touch=False)
    third = run(leads(simulator), state=second.state)
    assert set(live(third)) == {future}, "its content has changed, which is what counts"


def test_a_record_that_changes_twice_within_one_second(vtiger: Start) -> None:
    simulator = vtiger()
    changed = next(iter(stored(simulator)))
    simulator.store.change(changed, {"lastname": "once"})
    first = run(leads(simulator))
    simulator.store.change(changed, {"lastname": "twice"}, touch=False)
    second = run(leads(simulator), state=first.state)
    assert live(first)[changed]["lastname"] == "once"
    assert {key: record["lastname"] for key, record in live(second).items()} == {changed: "twice"}


def test_a_record_deleted_and_brought_back(vtiger: Start) -> None:
    simulator = vtiger()
    first = run(leads(simulator))
    chosen = next(iter(live(first)))
    simulator.store.delete(chosen)
    second = run(leads(simulator), state=first.state)
    simulator.store.find(chosen).deleted = False
    simulator.store.change(chosen, {})
    third = run(leads(simulator), state=second.state)
    assert (deleted(second), set(live(third))) == ({chosen}, {chosen})


@pytest.mark.parametrize("fails", [False, True])
def test_a_record_brought_back_and_deleted_again(vtiger: Start, fails: bool) -> None:
    """After a run that sent it and failed, or while it is read."""
    simulator = vtiger(rows=200)
    config = {**leads(simulator), "page_size": 20, "parallel_requests": 1, "patience_seconds": 1}
    first = run(config)
    keys = sorted(live(first), key=lambda key: int(key.partition("x")[2]))
    simulator.store.delete(keys[0])
    second = run(config, state=first.state)
    simulator.store.find(keys[0]).deleted = False
    for key in keys:
        simulator.store.change(key, {})
    pages = 0

    def meet(call: Call) -> Fault | None:
        nonlocal pages
        is_page = "id > " in call.query.get("query", "")
        pages += is_page
        if not is_page or pages < 4 or simulator.store.find(keys[0]).deleted:
            return None
        if fails:
            return Fault.ERROR_BEFORE
        simulator.store.delete(keys[0])
        return None

    simulator.fault = meet
    third = run(config, state=second.state)
    simulator.fault = lambda _call: None
    assert keys[0] in live(third)
    assert bool(third.exit) is fails
    if fails:
        simulator.store.delete(keys[0])
        third = run(config, state=third.state)
    assert deleted(third) == {keys[0]}


def test_a_change_saved_late(vtiger: Start) -> None:
    """A slow transaction stamps its row before the first run reads and shows it only afterwards."""
    simulator = vtiger()
    first = run(leads(simulator))
    late = (bookmark(first) - timedelta(seconds=50)).strftime("%Y-%m-%d %H:%M:%S")
    later = (bookmark(first) - timedelta(seconds=500)).strftime("%Y-%m-%d %H:%M:%S")
    shown = simulator.store.insert("Leads", {"lastname": "late"}, at=late)
    too_late = simulator.store.insert("Leads", {"lastname": "later"}, at=later)
    assert set(live(run(leads(simulator), state=first.state))) == {shown}
    again = run(leads(simulator, lookback_seconds=600), state=first.state)
    assert set(live(again)) == {shown, too_late}


def test_start_date(vtiger: Start) -> None:
    simulator = vtiger(rows=200)
    first = run(leads(simulator, start_date="2025-06-15"))
    wanted = {row["id"] for row in simulator.store.records("Leads") if row["modifiedtime"] >= "2025-06-15"}
    assert set(live(first)) == wanted
    assert wanted != stored(simulator)
    second = run(leads(simulator, start_date="2099-01-01T00:00:00Z"), state=first.state)
    assert second.bookmark("Leads")["replication_key_value"] >= first.bookmark("Leads")["replication_key_value"]


def test_many_records_of_one_second(vtiger: Start) -> None:
    simulator = vtiger(rows=0)
    for number in range(1500):
        simulator.store.insert("Leads", {"lastname": f"{number}"})
    first = run(leads(simulator))
    second = run(leads(simulator), state=first.state)
    assert set(live(first)) == stored(simulator)
    assert live(second) == {}
    assert len(json.dumps(first.state)) < 2000
    simulator.store.change(changed := min(stored(simulator)), {"lastname": "x"}, touch=False)
    assert live(run(leads(simulator), state=first.state))[changed]["lastname"] == "x"
    simulator.clock.advance(3600)
    third = run(leads(simulator), state=second.state)
    assert run(leads(simulator), state=third.state).records["Leads"] == []


@pytest.mark.parametrize("seconds", [1, 600])
def test_an_old_change_among_many_comes_with_a_newer_one(vtiger: Start, seconds: int) -> None:
    """Within the minute in which the many end, and after it."""
    simulator = vtiger(rows=0)
    for count in (900, 600):
        simulator.clock.advance(60)
        for number in range(count):
            simulator.store.insert("Leads", {"lastname": f"{number}"})
    first = run(leads(simulator))
    simulator.store.change(changed := max(stored(simulator)), {"lastname": "x"}, touch=False)
    simulator.clock.advance(seconds)
    newer = simulator.store.insert("Leads", {"lastname": "newer"})
    second = run(leads(simulator), state=first.state)
    assert live(second)[changed]["lastname"] == "x"
    assert [row["id"] for row in second.records["Leads"]].count(newer) == 1


def test_the_state_stays_small(vtiger: Start) -> None:
    simulator = vtiger(rows=0)
    for number in range(900):
        simulator.store.insert("Leads", {"lastname": f"{number}"})
    first = run(leads(simulator))
    second = run(leads(simulator), state=first.state)
    assert second.records["Leads"] == []
    assert len(json.dumps(first.state)) < 50_000
    simulator.clock.advance(3600)
    simulator.store.insert("Leads", {"lastname": "newer"})
    third = run(leads(simulator), state=second.state)
    assert len(third.bookmark("Leads")["overlap"]) == 1


def test_a_full_read_after_reads_by_changes(vtiger: Start) -> None:
    """What an earlier run has sent does not matter to a full read."""
    simulator = vtiger()
    simulator.store.insert("Leads", {"lastname": "just now"})
    catalog = discover(leads(simulator))
    first = run(leads(simulator), catalog=only(catalog, "Leads"))
    second = run(leads(simulator), catalog=only(catalog, "Leads", replication_method="FULL_TABLE"), state=first.state)
    assert set(live(second)) == stored(simulator)
