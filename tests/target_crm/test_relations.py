"""Relations that are no fields, written: each once, and only believed when the CRM shows it."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Call, Fault
from crm_simulators.vtiger import VtigerSimulator
from target_crm.writing import beside
from tests.running import run as read
from tests.target_crm.mapping.test_uploads import coded, files, sent
from tests.target_crm.processes import start
from tests.target_crm.writing import one, pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "Campaigns_Contacts_relations"
KEYS = ("source_id", "related_id", "label")
CAMPAIGN = pipe("Campaigns", [{"id": "c", "campaignname": "Spring", "closingdate": "2026-05-01"}])
PEOPLE = pipe("Contacts", [{"id": f"p{n}", "lastname": f"Person {n}"} for n in range(3)])


def members(*people: str, **more: Any) -> list[dict[str, Any]]:
    rows = [{"source_id": "c", "related_id": each, "label": "Contacts", **more} for each in people]
    return pipe(STREAM, rows, KEYS, owner=None)


def related(crm: VtigerSimulator) -> list[str]:
    """The last names of the campaign's members."""
    campaign = one(crm, "Campaigns", campaignname="Spring")["id"]
    found = [next(iter(pair - {campaign})) for pair in crm.store.pairs if campaign in pair]
    return sorted(str(row["lastname"]) for each in found if (row := crm.store.get(each)))


def test_relations_are_made_once_whatever_comes_first(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    told = [*members("p0", "p1", "p2"), *PEOPLE, *CAMPAIGN]
    assert run(config, told).line(STREAM).endswith("3 create")
    assert related(crm) == ["Person 0", "Person 1", "Person 2"]
    crm.calls.clear()
    assert run(config, told).line(STREAM).endswith("3 unchanged")
    assert sent(crm) == []


def test_what_is_related_to_a_source_is_asked_for_once_a_batch(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = pipe("Contacts", [{"id": f"p{n}", "lastname": f"Person {n}"} for n in range(9)])
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, [*CAMPAIGN, *people, *members("p0", "p1")])
    crm.calls.clear()
    assert ": 7 create, 2 unchanged" in run(
        {**config, "source": "default"}, members(*[f"p{n}" for n in range(9)])
    ).line(STREAM)
    assert sum(call.query.get("operation") == "query_related" for call in crm.calls) == 2 + 7
    assert len(related(crm)) == 9


def test_the_first_so_many_that_are_related_are_not_taken_for_all(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "MANY", 4)
    people = [f"Person {n}" for n in range(6)]
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, [*CAMPAIGN, *pipe("Contacts", [{"id": each, "lastname": each} for each in people])])
    campaign = one(crm, "Campaigns", campaignname="Spring")["id"]
    crm.store.pairs |= {frozenset({campaign, one(crm, "Contacts", lastname=each)["id"]}) for each in people}
    crm.calls.clear()
    assert run(config, members(*people)).line(STREAM).endswith("6 unchanged")
    assert sent(crm) == []


def test_a_pair_that_is_there_is_not_sent(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, [*PEOPLE, *CAMPAIGN])
    ids = one(crm, "Campaigns", campaignname="Spring")["id"], one(crm, "Contacts", lastname="Person 1")["id"]
    crm.store.pairs.add(frozenset(ids))
    crm.calls.clear()
    assert ": 1 create, 1 unchanged" in run(config, members("p0", "p1")).line(STREAM)
    assert sent(crm) == ["add_related"]
    by_id = settings(crm, tmp_path, identify_by="id", source="other")
    here = pipe(STREAM, [{"source_id": ids[0], "related_id": ids[1]}], KEYS[:2], owner=None)
    assert run(by_id, here).line(STREAM).endswith("1 unchanged")


def test_success_alone_is_not_believed(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, [*PEOPLE, *CAMPAIGN])
    crm._operations["add_related"] = lambda _request: crm._envelope.success({"message": "successfull"})
    result = run(config, members("p0"))
    assert "the CRM says that it related the two records, and did not" in result.exit


def test_what_cannot_be_done_is_said(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, [*PEOPLE, *CAMPAIGN, *members("p0")])
    crm.calls.clear()
    gone = members("p0", _sdc_deleted_at="2026-01-01T00:00:00Z")
    assert run(config, gone).line(STREAM).endswith("1 skip")
    assert "the CRM has no way to take a relation away" in run({**config, "deletes": "apply"}, gone).exit
    assert "its label is none of Contacts" in run(config, members("p0", label="Members")).exit
    assert "points to a record that the CRM does not show" in run(config, members("p9")).exit
    unknown = pipe("Campaigns_Nothing_relations", [{"source_id": "c", "related_id": "p"}], KEYS[:2], owner=None)
    assert "shows no entity Campaigns_Nothing_relations" in run(config, unknown).exit
    assert sent(crm) == []


def test_a_dry_run_relates_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", dry_run=True)
    assert run(config, [*CAMPAIGN, *PEOPLE, *members("p0", "p1")]).line(STREAM).endswith("would be 2 create")
    assert sent(crm) == []


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.ERROR_AFTER, Fault.REFUSED])
def test_a_lost_answer_relates_once(crm: VtigerSimulator, tmp_path: Path, fault: Fault) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    hit: list[int] = []

    def once(call: Call) -> Fault | None:
        if call.form.get("operation") == "add_related" and not hit:
            hit.append(call.number)
            return fault
        return None

    crm.fault = once
    assert run(config, [*CAMPAIGN, *PEOPLE, *members("p0", "p1")]).exit == ""
    assert related(crm) == ["Person 0", "Person 1"]


def test_a_company_moves_with_its_files_and_members(crm: VtigerSimulator, tmp_path: Path) -> None:
    relations = [STREAM, "Contacts_Documents_relations"]
    papers = pipe("Documents", [{"id": "d", "notes_title": "Contract", "filename": "c.txt", "content": coded(b"deed")}])
    paper = {"source_id": "p0", "related_id": "d", "label": "Documents"}
    with VtigerSimulator(rows=0) as source:
        filled = settings(source, tmp_path, identify_by="ledger", source="made", destination="source")
        held = pipe(relations[1], [paper], KEYS, owner=None)
        assert run(filled, [*CAMPAIGN, *PEOPLE, *members("p0", "p2"), *papers, *held]).exit == ""
        asked = {"entities": ["Campaigns", "Contacts", "Documents"], "files": "content", "relations": relations}
        config = settings(crm, tmp_path, identify_by="ledger", unknown_fields="drop", default_owner="admin")
        config |= {"streams": {"picklists": None}, "owners": {"19x1": "admin"}, "source": "moved"}
        for turn in (1, 2):
            crm.calls.clear()
            moved = run(config, [line + "\n" for line in read({**source.config(), **asked}).output.splitlines()])
            assert moved.exit == ""
            assert bool(sent(crm)) is (turn == 1)
    assert related(crm) == ["Person 0", "Person 2"]
    assert files(crm, "Contract") == [b"deed"]
    ids = one(crm, "Contacts", lastname="Person 0")["id"], one(crm, "Documents", notes_title="Contract")["id"]
    assert frozenset(ids) in crm.store.pairs


WRITES = {"a document's create": 1, "its next file": 2, "a relation": 6}


@pytest.mark.parametrize("write", WRITES)
def test_killed_at_a_write_nothing_is_doubled(tmp_path: Path, write: str) -> None:
    paper = {"id": "d", "notes_title": "Paper", "filename": "c.txt", "content": coded(b"deed")}
    replaced = {"id": "d", "attachment_id": "15x1", "name": "n.txt", "content": coded(b"other")}
    later = pipe("Documents_files", [replaced], ("id", "attachment_id"), owner=None)
    told = [*CAMPAIGN, *PEOPLE[:3], *members("p0", "p1"), *pipe("Documents", [paper]), *later]
    process: list[Any] = []
    ready, numbers = threading.Event(), iter(range(1, 100))

    def fault(call: Call) -> Fault | None:
        ready.wait(5)
        is_write = call.method == "POST" and call.form.get("operation") not in {"login", "logout"}
        if not is_write or next(numbers) != WRITES[write]:
            return None
        os.kill(process[0].pid, signal.SIGKILL)
        return Fault.LOST_ANSWER

    with VtigerSimulator(rows=2, invoices=0) as crm:
        crm.fault = fault
        config = settings(crm, tmp_path, identify_by="ledger")
        process.append(start(config, told, tmp_path))
        ready.set()
        process[0].join(30)
        assert process[0].exitcode == -signal.SIGKILL
        crm.fault = lambda _call: None
        assert run(config, told).exit == ""
        assert related(crm) == ["Person 0", "Person 1"]
        assert files(crm) == [b"other"]
        assert len(stored(crm, "Documents", notes_title="Paper")) == 1
