"""What the source changed is written, what the CRM changed is left, and what both changed is told."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from target_crm.ledger import digest
from tests.running import database
from tests.target_crm.processes import start
from tests.target_crm.writing import WRITES, is_write, one, pipe, record, run, schema, settings, stored, writes

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

ANN = {"id": "a1", "lastname": "Ann", "email": "ann@example.com", "title": "Clerk", "phone": "1"}
BOTH = {"field": "title", "was": "unknown", "theirs": "Boss", "ours": "Chief"}
BY: list[Any] = ["ledger", ["email"]]


def config_of(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    """Settings with a report."""
    return settings(crm, folder, **{"identify_by": "ledger", "report_path": f"{folder}/report.html", **more})


def edit(crm: VtigerSimulator, **values: Any) -> None:
    """Changes Ann as a person in the CRM would."""
    crm.store.change(one(crm, "Contacts", email="ann@example.com")["id"], values)


def told(folder: Path) -> list[dict[str, Any]]:
    """The conflicts in the report, without the record's names."""
    page = json.loads((folder / "report.json").read_text("utf-8"))
    found = page["streams"]["Contacts"]["conflicts"]
    return [{name: value for name, value in each.items() if name in {*BOTH, "done"}} for each in found]


@pytest.mark.parametrize("by", BY, ids=str)
def test_each_side_keeps_what_it_alone_changed(crm: VtigerSimulator, tmp_path: Path, by: Any) -> None:
    config = config_of(crm, tmp_path, identify_by=by)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss")
    crm.calls.clear()
    result = run(config, pipe("Contacts", [{**ANN, "phone": "2"}]))
    assert [element.keys() - {"id"} for _operation, element in writes(crm)] == [{"phone"}]
    assert result.line("Contacts") == "Contacts → Contacts: 1 update"
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Boss"
    assert told(tmp_path) == []


@pytest.mark.parametrize("by", BY, ids=str)
@pytest.mark.parametrize(("policy", "done"), [(None, "written"), ("source", "written"), ("crm", "left")])
def test_a_conflict_is_settled_and_told(
    crm: VtigerSimulator, tmp_path: Path, policy: str | None, done: str, by: Any
) -> None:
    config = config_of(crm, tmp_path, identify_by=by, conflicts=policy)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss")
    changed = pipe("Contacts", [{**ANN, "title": "Chief", "phone": "2"}])
    before = list(stored(crm, "Contacts"))
    run({**config, "dry_run": True}, changed)
    assert told(tmp_path) == [{**BOTH, "done": done}]
    assert stored(crm, "Contacts") == before
    result = run(config, changed)
    assert result.line("Contacts").endswith(f"1 update; changed on both sides: title (1 {done})")
    assert "Boss" not in result.everything
    assert told(tmp_path) == [{**BOTH, "done": done}]
    now = one(crm, "Contacts", email="ann@example.com")
    assert (now["title"], now["phone"]) == ("Chief" if done == "written" else "Boss", "2")
    crm.calls.clear()
    again = run(config, changed)
    assert [each for each in crm.calls if is_write(each)] == []
    # What is left is told until both sides agree.
    assert told(tmp_path) == ([{**BOTH, "done": done}] if done == "left" else [])
    assert "1 unchanged" in again.line("Contacts")


def test_what_the_crm_made_of_a_value_is_nobodys_change(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = config_of(crm, tmp_path, conflicts="reject")
    run(config, pipe("Contacts", [{**ANN, "title": "up \U0001f680"}]))
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "up ??"
    assert run(config, pipe("Contacts", [{**ANN, "title": "Chief"}])).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Chief"


def test_what_both_changed_to_the_same_is_none(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = config_of(crm, tmp_path, conflicts="reject")
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Chief")
    crm.calls.clear()
    assert run(config, pipe("Contacts", [{**ANN, "title": "Chief"}])).line("Contacts").endswith("1 unchanged")
    edit(crm, title="Boss")
    assert run(config, pipe("Contacts", [{**ANN, "title": "Chief", "phone": "2"}])).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Boss"


def test_a_rejected_conflict_can_be_replayed(crm: VtigerSimulator, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    config = config_of(crm, tmp_path, conflicts="reject", max_rejects=-1, rejects_path=str(rejects))
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss")
    result = run(config, pipe("Contacts", [{**ANN, "title": "Chief", "phone": "2"}]))
    assert "its title was changed on both sides" in result.log
    assert one(crm, "Contacts", email="ann@example.com")["phone"] == "1"
    assert told(tmp_path) == [{**BOTH, "done": "rejected"}]
    lines = rejects.read_text("utf-8").splitlines()
    assert json.loads(lines[1])["rejected"]["conflicts"] == [{**BOTH, "done": "rejected"}]
    replayed = run({**config, "conflicts": "source", "rejects_path": f"{tmp_path}/more.jsonl"}, lines)
    assert replayed.line("Contacts").endswith("1 update; changed on both sides: title (1 written)")
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Chief"


def test_the_stream_and_the_field_say_more_than_the_run(crm: VtigerSimulator, tmp_path: Path) -> None:
    own = {"Contacts": {"conflicts": {"title": "crm"}}}
    config = config_of(crm, tmp_path, conflicts="source", streams=own)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss", phone="9")
    run(config, pipe("Contacts", [{**ANN, "title": "Chief", "phone": "2"}]))
    now = one(crm, "Contacts", email="ann@example.com")
    assert (now["title"], now["phone"]) == ("Boss", "2")
    assert {each["field"]: each["done"] for each in told(tmp_path)} == {"title": "left", "phone": "written"}
    run({**config, "streams": {"Contacts": {"conflicts": "source"}}}, pipe("Contacts", [{**ANN, "title": "Chief"}]))
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Chief"


@pytest.mark.parametrize("wrong", ["both", {"title": "both"}])
def test_what_means_nothing_is_said(crm: VtigerSimulator, tmp_path: Path, wrong: Any) -> None:
    result = run(config_of(crm, tmp_path, streams={"Contacts": {"conflicts": wrong}}), pipe("Contacts", [ANN]))
    assert "conflicts must be source, crm, reject" in result.exit


def test_a_field_that_is_not_there_is_said(crm: VtigerSimulator, tmp_path: Path) -> None:
    own = {"Contacts": {"conflicts": {"titel": "crm"}}}
    result = run(config_of(crm, tmp_path, streams=own), pipe("Contacts", [ANN]))
    assert "`conflicts` names titel" in result.exit


@pytest.mark.parametrize(("policy", "line"), [("source", "1 delete"), ("crm", "1 skip"), ("reject", "1 reject")])
def test_a_record_that_was_edited_is_not_deleted_unseen(
    crm: VtigerSimulator, tmp_path: Path, policy: str, line: str
) -> None:
    rejects = {"max_rejects": -1, "rejects_path": f"{tmp_path}/rejects.jsonl"}
    config = config_of(crm, tmp_path, deletes="apply", conflicts=policy, **rejects)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss")
    gone = [schema("Contacts", [*ANN, "_sdc_deleted_at"]), record("Contacts", id="a1", _sdc_deleted_at="2026-01-01")]
    result = run(config, gone)
    assert line in result.line("Contacts")
    assert len(stored(crm, "Contacts", email="ann@example.com")) == (0 if policy == "source" else 1)
    assert [(each["field"], each["theirs"], each["ours"]) for each in told(tmp_path)] == [("title", "Boss", None)]


def test_a_ledger_of_an_earlier_version_learns_by_one_look(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = config_of(crm, tmp_path, conflicts="reject")
    long = {**ANN, "lastname": "n" * 300}
    run(config, pipe("Contacts", [long]))
    with database(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE written SET base = NULL")
    edit(crm, title="Boss")
    for looks in (1, 0):
        crm.calls.clear()
        assert run(config, pipe("Contacts", [long])).line("Contacts").endswith("1 unchanged")
        asked = [each for each in crm.calls if "from Contacts where id" in each.query.get("query", "")]
        assert bool(asked) == bool(looks)
        assert not WRITES.intersection(each.form.get("operation", "") for each in crm.calls if is_write(each))
    assert "1 update" in run(config, pipe("Contacts", [{**long, "phone": "2"}])).line("Contacts")
    result = run(config, pipe("Contacts", [{**long, "title": "Chief"}]))
    assert "its title was changed on both sides" in result.exit


@pytest.mark.parametrize("old", [None, "the fingerprint of an earlier version"])
def test_a_ledger_of_an_earlier_version_tells_whether_the_record_was_edited(
    crm: VtigerSimulator, tmp_path: Path, old: str | None
) -> None:
    config = config_of(crm, tmp_path, conflicts="reject")
    ann = {**ANN, "phone": ""}
    run(config, pipe("Contacts", [ann]))
    with database(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE written SET base = NULL")
        if old:
            values = {name: value or None for name, value in ann.items() if name != "id"}
            plain = digest(["Contacts", {**values, "assigned_user_id": "19x1"}])
            ledger.execute("UPDATE written SET digest = ?", [plain])
    assert run(config, pipe("Contacts", [{**ann, "title": None, "phone": "2"}])).exit == ""
    now = one(crm, "Contacts", email="ann@example.com")
    assert (now["title"], now["phone"]) == ("", "2")


@pytest.mark.parametrize("by", BY, ids=str)
def test_a_new_column_empties_nothing(crm: VtigerSimulator, tmp_path: Path, by: Any) -> None:
    config = config_of(crm, tmp_path, identify_by=by)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, department="Sales")
    for department, title, held, conflicts in (
        (None, "Chief", "Sales", []),
        ("", "Boss", "Sales", []),
        ("Support", "Boss", "Support", [("Sales", "Support", "written")]),
        (None, "Boss", "", []),
    ):
        run(config, pipe("Contacts", [{**ANN, "title": title, "department": department}]))
        assert one(crm, "Contacts", email="ann@example.com")["department"] == held
        assert [(each["theirs"], each["ours"], each["done"]) for each in told(tmp_path)] == conflicts


def test_by_id_what_comes_is_written_unless_somebody_asks(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.insert("Contacts", {"lastname": "Ann", "email": "ann@example.com"})
    config = config_of(crm, tmp_path, identify_by="id")
    cleaned = pipe("Contacts", [{"id": crm_id, "title": "Clerk"}], owner=None)
    run(config, cleaned)
    edit(crm, title="clerk ")
    run(config, cleaned)
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Clerk"
    run({**config, "conflicts": "source"}, cleaned)
    edit(crm, title="Boss")
    run({**config, "conflicts": "source"}, cleaned)
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Boss"


def test_a_run_that_is_killed_leaves_its_conflicts_to_the_report_of_the_next(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    config = config_of(crm, tmp_path)
    run(config, pipe("Contacts", [ANN]))
    edit(crm, title="Boss")
    written_and_killed(crm, config, "Chief", tmp_path)
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Chief"
    for conflicts in ([{**BOTH, "done": "written"}], []):
        assert run(config, pipe("Contacts", [{**ANN, "title": "Chief"}])).line("Contacts").startswith("Contacts → ")
        assert told(tmp_path) == conflicts


def written_and_killed(crm: VtigerSimulator, config: dict[str, Any], title: str, folder: Path) -> None:
    """Gives Ann a title by a run that does not live to see the answer."""
    process: list[BaseProcess] = []
    ready = threading.Event()

    def kill(call: Call) -> Fault | None:
        if not is_write(call) or not ready.wait(5):
            return None
        os.kill(process[0].pid or 0, signal.SIGKILL)
        return Fault.LOST_ANSWER

    crm.fault = kill
    process.append(start(config, pipe("Contacts", [{**ANN, "title": title}]), folder))
    ready.set()
    process[0].join(30)
    crm.fault = lambda _call: None


@pytest.mark.parametrize("policy", ["crm", "reject"])
@pytest.mark.parametrize("edited", ["", "Boss"])
def test_what_the_crm_made_of_a_killed_write_is_no_conflict_but_what_somebody_made_of_it_is(
    crm: VtigerSimulator, tmp_path: Path, policy: str, edited: str
) -> None:
    title = "Chief of all that is long " * 10
    config = config_of(crm, tmp_path, conflicts=policy, max_rejects=-1, rejects_path=str(tmp_path / "rejects"))
    run(config, pipe("Contacts", [ANN]))
    written_and_killed(crm, config, title, tmp_path)
    cut = one(crm, "Contacts", email="ann@example.com")["title"]
    assert title.startswith(cut)
    assert 10 < len(cut) < len(title)
    if edited:
        edit(crm, title=edited)
    for _run in range(2):
        run(config, pipe("Contacts", [{**ANN, "title": title}]))
        assert [each["theirs"] for each in told(tmp_path)] == ([edited] if edited else [])
        assert one(crm, "Contacts", email="ann@example.com")["title"] == (edited or cut)
