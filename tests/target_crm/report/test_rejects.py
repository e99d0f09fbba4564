"""Rejected records: how many may be, where they go, and how they come back."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from target_crm.report import RawRecord, Rejects
from tests.target_crm.writing import QuietTarget, one, pipe, run, settings, state, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

GOOD = [{"id": f"g{number}", "lastname": f"Good {number}", "cf_855": 1.25} for number in range(3)]
BAD = [
    {"id": f"b{number}", "lastname": f"Bad {number}", "birthday": "31 February", "cf_855": 1.25} for number in range(3)
]
MIXED = [each for pair in zip(GOOD, BAD, strict=True) for each in pair]


def test_the_first_reject_stops_the_run_and_what_came_before_is_safe(crm: VtigerSimulator, tmp_path: Path) -> None:
    first, *rest = pipe("Contacts", MIXED)
    result = run(settings(crm, tmp_path, identify_by="ledger"), [first, rest[0], state(1), *rest[1:], state(2)])
    assert "Contacts: the record b0 is rejected: its birthday is no date" in result.exit
    assert "is rejected" not in result.log, "the sentence that ends the run says it"
    assert "No more than 0 may be (`max_rejects`), so the run stops; what came before it is written." in result.exit
    assert result.states == [{"at": 1}]
    assert [each["lastname"] for each in crm.store.records("Contacts")[-1:]] == ["Good 0"]
    assert "31 February" not in result.everything
    assert result.line("Contacts") == "Contacts → Contacts: 1 create, 1 reject"


@pytest.mark.parametrize(("allowed", "written", "exits"), [(1, 2, True), (2, 3, True), (3, 3, False), (-1, 3, False)])
def test_so_many_may_be(crm: VtigerSimulator, tmp_path: Path, allowed: int, written: int, exits: bool) -> None:
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=allowed, rejects_path=str(path))
    # One writer: several may have others in hand when the run stops.
    result = run({**config, "parallel_requests": 1}, [*pipe("Contacts", MIXED), state(1)])
    assert bool(result.exit) == exits
    assert result.states == ([] if exits else [{"at": 1}]), "state goes on: the record is safe in the file"
    assert len([each for each in crm.store.records("Contacts") if each["lastname"].startswith("Good")]) == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_record_without_its_key_is_one_bad_record(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(path))
    messages = pipe("Contacts", [{"id": "", "lastname": "Keyless", "cf_855": 1.25}, GOOD[0]])
    del messages[1]["record"]["id"]
    result = run(config, [*messages, state(1)])
    assert (result.exit, result.states) == ("", [{"at": 1}])
    assert result.line("Contacts") == "Contacts → Contacts: 1 create, 1 reject"
    assert "Keyless" in path.read_text("utf-8")


def test_the_file_is_a_singer_stream_and_piping_it_back_in_replays_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    more = {"max_rejects": -1, "rejects_path": str(path), "parallel_requests": 1}
    config = settings(crm, tmp_path, identify_by="ledger", **more)
    original = pipe("Contacts", MIXED)
    run(config, original)
    lines = path.read_text("utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    assert kept[0] == original[0]
    assert [each["record"] for each in kept[1:]] == [
        each["record"] for each in original if each.get("record", {}).get("birthday")
    ]
    assert all(each["rejected"]["reason"] == "its birthday is no date" for each in kept[1:])

    moved = [line.replace("31 February", "2000-02-28") for line in lines]
    path.unlink()
    crm.calls.clear()
    assert run(config, moved).exit == ""
    assert [element["lastname"] for _operation, element in writes(crm)] == ["Bad 0", "Bad 1", "Bad 2"]
    assert one(crm, "Contacts", lastname="Bad 1")["birthday"] == "2000-02-28"
    assert one(crm, "Contacts", lastname="Bad 1")["cf_855"] == "1.250"
    assert not path.exists()


def test_each_run_and_stream_brings_its_own_schema(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(path))
    leads = [{"id": 1, "lastname": "Bad", "annualrevenue": "much"}]
    for _turn in range(2):
        run(config, [*pipe("Contacts", BAD[:1]), *pipe("Leads", leads)])
    kinds = [(each["type"], each["stream"]) for each in map(json.loads, path.read_text("utf-8").splitlines())]
    once = [("SCHEMA", "Contacts"), ("RECORD", "Contacts"), ("SCHEMA", "Leads"), ("RECORD", "Leads")]
    assert kinds == once * 2


def test_what_the_server_refuses_is_kept_with_its_words_but_not_logged(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.store.insert("Accounts", {"accountname": "ACME"})
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(path))
    result = run(config, pipe("Accounts", [{"id": 1, "accountname": "Acme"}]))
    assert "refuses this (0): another record has the same accountname, and no two may" in result.log
    assert "Duplicate(s) detected!" in path.read_text("utf-8")
    assert "Duplicate" not in result.everything


def test_a_record_that_cannot_be_kept_stops_the_run(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path="/dev/full")
    result = run(config, [*pipe("Contacts", MIXED), state(1)])
    assert "the record b0 is rejected" in result.exit
    assert "It cannot be kept in `rejects_path` (" in result.exit
    assert result.states == []


def test_a_deletion_that_fails_is_kept_as_one(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    more: dict[str, Any] = {"max_rejects": -1, "rejects_path": str(path), "deletes": "apply"}
    config = settings(crm, tmp_path, identify_by="id", **more)
    users = pipe("Users", [{"id": "19x8", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}], owner=None)
    result = run(config, users)
    assert "the record 19x8 is rejected: Users: delete: the CRM denies this (ACCESS_DENIED)" in result.log
    assert json.loads(path.read_text("utf-8").splitlines()[1])["record"]["_sdc_deleted_at"] == "2026-01-01T00:00:00Z"
    run(config, path.read_text("utf-8").splitlines())
    assert [operation for operation, _element in writes(crm)] == ["delete", "delete"]
    assert stored(crm, "Users", id="19x8")


def test_a_server_that_fails_over_one_record_rejects_that_one(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.fault = lambda call: Fault.ERROR_BEFORE if "Good 1" in call.form.get("element", "") else None
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=1, rejects_path=str(tmp_path / "r"))
    result = run(config, pipe("Contacts", GOOD))
    assert "the record g1 is rejected: the server fails on it (HTTP 500) and stores nothing" in result.log
    assert result.line("Contacts") == "Contacts → Contacts: 2 create, 1 reject"


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.GATEWAY])
def test_a_record_over_which_the_connection_breaks_rejects_that_one(
    crm: VtigerSimulator, tmp_path: Path, fault: Fault
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=1, rejects_path=str(tmp_path / "r"))
    crm.fault = lambda call: fault if "Good 1" in call.form.get("element", "") else None
    result = run(config, [*pipe("Contacts", GOOD), *pipe("Contacts", [{**GOOD[1], "lastname": "Better"}]), state(1)])
    assert "the record g1 is rejected: Contacts: create: the connection breaks again and again" in result.log
    assert result.line("Contacts") == "Contacts → Contacts: 3 create, 1 reject"
    assert result.states == [{"at": 1}]
    assert one(crm, "Contacts", lastname="Better")


def test_the_file_is_not_read_while_it_is_written(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(path))
    run(config, pipe("Contacts", BAD))
    before = path.read_text("utf-8")
    with path.open("rb") as source, pytest.raises(SystemExit, match="move it away before it is read"):
        QuietTarget.invoke(config=SimpleNamespace(config=config, parse_env=False), file_input=source)
    assert path.read_text("utf-8") == before


def test_a_file_that_is_moved_away_or_shared_tells_what_each_record_is(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    mine, other = Rejects(str(path), pytest.fail), Rejects(str(path), pytest.fail)
    mine.add(RawRecord("a", {}, ["id"], {"id": 1}), "first")
    other.add(RawRecord("a", {}, ["code"], {"code": 1}), "of another run")
    mine.add(RawRecord("a", {}, ["id"], {"id": 2}), "second")
    mine.add(RawRecord("a", {}, ["id"], {"id": 3}), "third")
    assert kinds(path) == ["id", 1, "code", None, "id", 2, 3]
    path.rename(tmp_path / "old.jsonl")
    mine.add(RawRecord("a", {}, ["id"], {"id": 4}), "fourth")
    assert kinds(path) == ["id", 4]


def kinds(path: Path) -> list[Any]:
    """By line, the key of a stream or that of a record."""
    lines = list(map(json.loads, path.read_text("utf-8").splitlines()))
    return [each["key_properties"][0] if each["type"] == "SCHEMA" else each["record"].get("id") for each in lines]


def test_runs_that_add_at_once_wait_for_each_other(tmp_path: Path) -> None:
    path, text = tmp_path / "rejects.jsonl", "x" * 500_000

    def add(number: int) -> None:
        Rejects(str(path), pytest.fail).add(RawRecord("a", {}, ["id"], {"id": number, "text": text}), "broken")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert sorted(each for each in kinds(path) if each != "id") == list(range(40))


def test_what_is_infinite_is_kept_so_and_no_replay_empties_the_field(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(path))
    run(config, pipe("Leads", [{"id": 1, "lastname": "Lead", "annualrevenue": 5}]))
    run(config, pipe("Leads", [{"id": 1, "lastname": "Lead", "annualrevenue": float("inf")}]))
    kept = path.read_text("utf-8").splitlines()
    assert "1 reject" in run(config, kept).line("Leads")
    assert float(one(crm, "Leads", lastname="Lead")["annualrevenue"]) == float("5")
