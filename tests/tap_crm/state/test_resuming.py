"""A reading that was cut off goes on where the last state says."""

from __future__ import annotations

import json
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_simulators.vtiger import VtigerSimulator
from crm_systems.model import BEYOND
from tap_crm.state import READING, Place
from tap_crm.state.place import without
from tests.running import SLOW, command, operation, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 2400
PAGE = 20


@pytest.fixture
def server() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=ROWS) as simulator:
        yield simulator


def config_of(server: VtigerSimulator) -> dict[str, Any]:
    return {**server.config(), "entities": ["Contacts"], "page_size": PAGE, "parallel_requests": 4}


class Warehouse:
    """Takes what the tap writes, as far as a run came, and the state that came last."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.state: dict[str, Any] | None = None

    def take(self, lines: list[str]) -> None:
        for line in lines:
            message = json.loads(line)
            if message["type"] == "RECORD" and message["stream"] == "Contacts":
                self.rows[message["record"]["id"]] = message["record"]
            if message["type"] == "STATE":
                self.state = message["value"]

    def titles(self) -> dict[str, Any]:
        return {key: row["title"] or "" for key, row in self.rows.items()}


def pages(server: VtigerSimulator) -> int:
    return sum(operation(call) == "query" and "id > " in call.query["query"] for call in server.calls)


def test_what_was_cut_off_again_and_again_loses_nothing(server: VtigerSimulator) -> None:
    config, chance = config_of(server), random.Random(7)
    warehouse, keys = Warehouse(), [row["id"] for row in server.store.records("Contacts")]
    for number in range(4):
        output = run(config, state=warehouse.state).output.splitlines()
        warehouse.take(output[: chance.randrange(len(output) // 3)])
        server.store.change(chance.choice(keys), {"title": f"changed {number}"})
    last = run(config, state=warehouse.state)
    assert READING not in json.dumps(last.state)
    warehouse.take(last.output.splitlines())
    assert warehouse.titles() == {row["id"]: row["title"] for row in server.store.records("Contacts")}


def test_a_killed_process_goes_on(server: VtigerSimulator, tmp_path: Path) -> None:
    config = config_of(server)
    whole = run(config)
    once = pages(server)
    server.calls.clear()
    server.latency = SLOW
    (tmp_path / "config.json").write_text(json.dumps(config))
    warehouse, kills, chance = Warehouse(), 0, random.Random(5)
    changed = [row["id"] for row in server.store.records("Contacts")]
    while True:
        (tmp_path / "state.json").write_text(json.dumps(warehouse.state or {}))
        process = command("--config", tmp_path / "config.json", "--state", tmp_path / "state.json")
        assert process.stdout
        lines, wanted = [], chance.randrange(600, 800) if kills < 2 else 10**9
        for line in process.stdout:
            lines.append(line)
            if len(lines) > wanted:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        process.stderr.close()  # type: ignore[union-attr]  # it is a pipe
        code = process.wait(60)
        warehouse.take(lines)
        if code == 0:
            break
        kills += 1
        assert len(json.dumps(warehouse.state)) < 1500
        server.store.change(chance.choice(changed), {"title": f"changed {kills}"})
    assert kills == 2
    # A kill costs what came since the last state, and the pages that waited.
    assert pages(server) <= 1.1 * once + kills * (25 + 2 * 2 * 4)
    assert warehouse.titles() == {row["id"]: row["title"] for row in server.store.records("Contacts")}
    assert len(whole.records["Contacts"]) == len(warehouse.rows)


@pytest.mark.parametrize("other", [{"start_date": "2001-01-01T00:00:00Z"}, {"timezone": "Etc/GMT-5"}])
def test_other_settings_begin_anew(server: VtigerSimulator, other: dict[str, str]) -> None:
    config = config_of(server)
    lines = run(config).output.splitlines()
    warehouse = Warehouse()
    warehouse.take(lines[: len(lines) // 3])
    assert READING in json.dumps(warehouse.state)
    result = run({**config, **other}, state=warehouse.state)
    assert "begins anew" in result.log
    assert len(result.records["Contacts"]) == len(server.store.records("Contacts"))


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-2"])
def test_what_was_changed_on_either_side_of_the_break_comes(server: VtigerSimulator, zone: str) -> None:
    """Also where the CRM's stamps are those of another zone."""
    config, warehouse = {**config_of(server), "timezone": zone}, Warehouse()
    keys = [row["id"] for row in server.store.records("Contacts")]
    lines = run(config).output.splitlines()
    warehouse.take(lines[: len(lines) // 2])
    # Readers beside each other hand records on in no particular order.
    for key in (next(iter(warehouse.rows)), next(key for key in keys if key not in warehouse.rows)):
        server.clock.advance(1800)
        server.store.change(key, {"title": "changed meanwhile"})
    last = run(config, state=warehouse.state)
    assert "this one goes on with it" in last.log
    warehouse.take(last.output.splitlines())
    assert warehouse.titles() == {row["id"]: row["title"] for row in server.store.records("Contacts")}


def test_what_is_missing_before_the_break_is_read_after_it() -> None:
    with VtigerSimulator(rows=1200, flavour="corebos") as server:
        store, warehouse = server.store, Warehouse()
        lines = run(config_of(server)).output.splitlines()
        warehouse.take(lines[: 2 * len(lines) // 3])
        for row in store.records("Contacts"):
            store.put(store.find(row["id"]), {"assigned_user_id": "19x1"})
        warehouse.take(run(config_of(server), state=warehouse.state).output.splitlines())
        assert warehouse.rows.keys() == {row["id"] for row in store.records("Contacts")}


def test_a_place_that_a_merge_of_states_kept_is_over(server: VtigerSimulator) -> None:
    config, warehouse = config_of(server), Warehouse()
    lines = run(config).output.splitlines()
    warehouse.take(lines[: len(lines) // 3])
    assert warehouse.state
    state = run(config, state=warehouse.state).state
    state["bookmarks"]["Contacts"][READING] = warehouse.state["bookmarks"]["Contacts"][READING]
    result = run(config, state=state)
    assert "cut off" not in result.log
    assert not result.records["Contacts"]


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01T00:00:00 - - - 100-",
        "2026-01-01T00:00:00+00:00 - 2026-01-01T00:00:00 2026-01-01T00:00:00 100-",
        "0001-01-01T00:00:00+00:00 - - - 100-",
        "2026-01-01T00:00:00+00:00 - - - 100",
        "",
        5,
        None,
    ],
)
def test_a_place_that_somebody_has_changed_is_none(written: Any) -> None:
    assert Place.of({READING: written}) is None


def test_what_left_before_the_break_is_not_taken_for_deleted(server: VtigerSimulator, tmp_path: Path) -> None:
    keys = {"deletions": "compare", "keys_url": f"sqlite:///{tmp_path}/keys.sqlite", "most_deletions": 100}
    config = {**config_of(server), **keys}
    warehouse, lines = Warehouse(), run(config).output.splitlines()
    warehouse.take(lines[: len(lines) // 2])
    second = run(config, state=warehouse.state)
    assert second.exit == ""
    assert 0 < len(second.records["Contacts"]) < len(server.store.records("Contacts"))
    assert not second.records["deleted_records"]
    assert not [row for row in second.records["Contacts"] if row.get("_sdc_deleted_at")]


ids = st.integers(0, 60)


@given(st.lists(st.tuples(ids, ids)))
def test_ranges_hold_what_was_not_taken_out(taken: list[tuple[int, int]]) -> None:
    left: Any = ((0, BEYOND),)
    for low, high in taken:
        left = without(left, low, high)
    held = {number for number in range(1, 99) if any(low < number <= high for low, high in left)}
    assert held == {number for number in range(1, 99) if not any(low < number <= high for low, high in taken)}
    assert all(first < last for first, last in left)
    assert list(left) == sorted(left)
