"""Records of one key are written in the order in which they came, whatever comes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target_crm.sinks import CrmSink
from target_crm.sinks.sink import BATCH
from target_crm.writing.creation.creator import Creator
from tests.running import SLOW, operation
from tests.target_crm.writing import OWNER, one, pipe, record, run, schema, settings, state, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

ACME = {"id": "a1", "accountname": "Acme Ltd"}
ANN = {"id": "1", "lastname": "Novák", "email": "ann@example.com", "assigned_user_id": OWNER}
OLD = {**ANN, "title": "old", "account_id": "Acme Ltd"}
NEW = {**ANN, "title": "new"}
GONE = {"id": "1", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
FIELDS = list(OLD)


def by_match(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    streams = {"Accounts": {"identify_by": ["accountname"]}}
    return settings(crm, folder, identify_by=["email"], streams=streams, **more)


@pytest.mark.parametrize("between", [[], [schema("Contacts", [*FIELDS, "phone"])]], ids=["one schema", "two schemas"])
@pytest.mark.parametrize("batch", [1, 100])
def test_a_later_version_waits_behind_one_that_waits_for_a_reference(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: list[dict[str, Any]], batch: int
) -> None:
    monkeypatch.setattr(CrmSink, "max_size", batch)
    told = [schema("Contacts", FIELDS), record("Contacts", **OLD), *between, record("Contacts", **NEW)]
    result = run(by_match(crm, tmp_path), [*told, *pipe("Accounts", [ACME])])
    assert result.exit == ""
    assert [each["title"] for each in stored(crm, "Contacts", email=ANN["email"])] == ["new"]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_what_came_before_a_schema_that_changes_is_written_before_what_comes_after(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(CrmSink, "max_size", batch)
    others = [record("Contacts", **{**NEW, "id": str(n), "email": f"{n}@x.cz"}) for n in range(2, 5)]
    told = [
        schema("Contacts", FIELDS),
        record("Contacts", **{**ANN, "title": "old"}),
        schema("Contacts", [*FIELDS, "phone"]),
        record("Contacts", **NEW),
        *others,
    ]
    config = settings(crm, tmp_path, identify_by="ledger", parallel_requests=1)
    assert run(config, told).exit == ""
    assert [each["title"] for each in stored(crm, "Contacts", email=ANN["email"])] == ["new"]


@pytest.mark.parametrize("between", [[], [schema("Contacts", [*FIELDS, "phone", "_sdc_deleted_at"])]], ids=str)
def test_a_deletion_waits_behind_a_create_that_waits(
    crm: VtigerSimulator, tmp_path: Path, between: list[dict[str, Any]]
) -> None:
    told = [schema("Contacts", [*FIELDS, "_sdc_deleted_at"]), record("Contacts", **OLD), *between]
    told.append(record("Contacts", **GONE))
    result = run(by_match(crm, tmp_path, deletes="apply"), [*told, *pipe("Accounts", [ACME])])
    assert result.exit == ""
    assert "1 create, 1 delete" in result.line("Contacts")
    assert stored(crm, "Contacts", email=ANN["email"]) == []


def test_what_is_being_created_is_not_settled_when_the_schema_changes(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = []
    monkeypatch.setattr(Creator, "_settle", lambda _self, intents: settled.extend(intents))
    people = [{"id": number, "lastname": "Same"} for number in range(BATCH)]
    messages = [*pipe("Contacts", people), *pipe("Contacts", [{"id": BATCH, "lastname": "Same", "phone": "1"}])]
    assert run(settings(crm, tmp_path, identify_by="ledger", parallel_requests=8), messages).exit == ""
    assert settled == []
    assert len(stored(crm, "Contacts", lastname="Same")) == BATCH + 1


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("earlier", ["run", "batch", "batch before", "batch, and back"])
def test_a_value_that_passes_from_one_record_to_another_takes_none_along(
    crm: VtigerSimulator, tmp_path: Path, parallel: int, earlier: str
) -> None:
    """Ann's address becomes Bob's: as long as hers is not written, the CRM shows him as her."""
    config = settings(crm, tmp_path, identify_by=["ledger", "email"], parallel_requests=parallel)
    before = [{"id": n, "lastname": f"Ann {n}", "email": f"{n}@old.com"} for n in range(6)]
    after = [{**each, "email": f"{each['id']}@new.com"} for each in before]
    heirs = [{**each, "id": f"b{each['id']}", "lastname": f"Bob {each['id']}"} for each in before]
    others: list[dict[str, Any]] = [
        {"id": f"x{n}", "lastname": f"L{n}", "email": f"{n}@x.com"} for n in range(BATCH - len(before))
    ]
    coming = [each for pair in zip(after, heirs, strict=True) for each in pair]
    if earlier == "run":
        assert run(config, pipe("Contacts", before)).exit == ""
    else:
        between = {"batch before": others, "batch, and back": [*after, *before]}
        coming = [*before, *between.get(earlier, []), *coming]
    crm.latency = SLOW if parallel > 1 and earlier != "batch before" else 0
    assert run(config, pipe("Contacts", coming)).exit == ""
    for each in (*after, *heirs):
        assert one(crm, "Contacts", lastname=each["lastname"])["email"] == each["email"]


@pytest.mark.parametrize("earlier", ["run", "batch"])
def test_a_value_waits_with_the_record_that_is_to_lose_it(crm: VtigerSimulator, tmp_path: Path, earlier: str) -> None:
    """The first task is to be called otherwise, once its project has come; until then, it is what the CRM finds."""
    by_name = {"ProjectTask": {"identify_by": ["ledger", "projecttaskname"]}}
    config = settings(crm, tmp_path, identify_by="ledger", streams=by_name)
    task = {"id": "1", "projecttaskname": "Paint", "projectid": "p1", "description": "the first"}
    before = [*pipe("Project", [{"id": "p1", "projectname": "House"}]), *pipe("ProjectTask", [task]), state(1)]
    if earlier == "run":
        assert run(config, before).exit == ""
        before = []
    heir = {**task, "id": "2", "description": "the second"}
    tasks = pipe("ProjectTask", [{**task, "projecttaskname": "Wash", "projectid": "p2"}, heir])
    garden = pipe("Project", [{"id": "p2", "projectname": "Garden"}])
    assert run(config, [*before, *tasks, state(2), *garden]).exit == ""
    names = {each["description"]: each["projecttaskname"] for each in stored(crm, "ProjectTask")}
    assert names == {"the first": "Wash", "the second": "Paint"}


def test_a_value_that_a_rejected_record_keeps_is_no_others(crm: VtigerSimulator, tmp_path: Path) -> None:
    """Ann was to get another address, but cannot be written; whoever has hers now would be written over her."""
    config = settings(
        crm, tmp_path, identify_by=["ledger", "email"], max_rejects=9, rejects_path=str(tmp_path / "rejects.jsonl")
    )
    ann = {"id": "1", "lastname": "Ann", "email": "ann@old.com", "birthday": "2000-01-02"}
    assert run(config, pipe("Contacts", [ann])).exit == ""
    bob = {**ann, "id": "2", "lastname": "Bob"}
    done = run(config, pipe("Contacts", [{**ann, "email": "ann@new.com", "birthday": "never"}, bob]))
    assert done.line("Contacts") == "Contacts → Contacts: 2 reject"
    assert one(crm, "Contacts", email="ann@old.com")["lastname"] == "Ann"


def test_what_has_become_one_record_is_written_in_turn(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["ledger", "email"], parallel_requests=4)
    alike = [{"id": n, "lastname": "Ann", "email": "ann@old.com"} for n in range(6)]
    assert run(config, pipe("Contacts", alike)).exit == ""
    crm.calls.clear()
    crm.latency = 0.02
    assert run(config, pipe("Contacts", [{**each, "email": f"{each['id']}@new.com"} for each in alike])).exit == ""
    asked = [operation(call) for call in crm.calls if operation(call) in {"query", "revise"}]
    assert asked[asked.index("revise") :] == ["revise", *["query", "revise"] * 5]
    assert one(crm, "Contacts", lastname="Ann")["email"] == "5@new.com"
