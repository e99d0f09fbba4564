"""A stream that comes under another key is neither made once more nor written over other records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

PEOPLE = [
    {"id": 1, "nr": 7, "org_id": 3, "lastname": "Ann", "email": "ann@example.com"},
    {"id": 2, "nr": 1, "org_id": 3, "lastname": "Bea", "email": "bea@example.com"},
]


def names(crm: VtigerSimulator) -> list[str]:
    return sorted(each["lastname"] for each in stored(crm, "Contacts") if each["lastname"] in {"Ann", "Bea"})


def by_ledger(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    return settings(crm, folder, **{"identify_by": "ledger", "unknown_fields": "drop", **more})


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("before", "after"), [(["id"], ["nr"]), (["id"], ["id", "nr"]), (["id", "nr"], ["id"]), (["id"], []), ([], ["id"])]
)
def test_another_key_stops_the_run_before_anything_is_written(
    crm: VtigerSimulator, tmp_path: Path, before: list[str], after: list[str], dry_run: bool
) -> None:
    config = by_ledger(crm, tmp_path)
    assert run(config, pipe("Contacts", PEOPLE, before)).exit == ""
    end = run({**config, "dry_run": dry_run}, pipe("Contacts", PEOPLE, after)).exit
    assert f"is {', '.join(after) or 'none'} now and was {', '.join(before) or 'none'}" in end
    assert names(crm) == ["Ann", "Bea"]
    assert "2 unchanged" in run(config, pipe("Contacts", PEOPLE, before)).line("Contacts")


def test_another_key_in_the_midst_of_a_run_stops_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    messages = [*pipe("Contacts", PEOPLE, ["id"]), *pipe("Contacts", PEOPLE, ["nr"])]
    assert "is nr now and was id" in run(by_ledger(crm, tmp_path), messages).exit
    assert names(crm) == ["Ann", "Bea"]


@pytest.mark.parametrize(
    ("before", "after"), [(["org_id", "id"], ["id", "org_id"]), (["org_id", "id"], ["ID", "OrgId"]), (["id"], ["ID"])]
)
def test_another_order_or_letter_case_is_the_same_key(
    crm: VtigerSimulator, tmp_path: Path, before: list[str], after: list[str]
) -> None:
    config = by_ledger(crm, tmp_path)
    run(config, pipe("Contacts", PEOPLE, before))
    called = {"org_id": "OrgId", "id": "ID"} if "ID" in after else {}
    again = [{called.get(name, name): value for name, value in each.items()} for each in PEOPLE]
    for _time in range(2):
        assert "2 unchanged" in run(config, pipe("Contacts", again, after)).line("Contacts")


def test_the_ways_out_that_are_named_lead_out(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = by_ledger(crm, tmp_path)
    run(config, pipe("Contacts", PEOPLE, ["id"]))
    kept = {**config, "stream_maps": {"Contacts": {"__key_properties__": ["id"]}}}
    assert "2 unchanged" in run(kept, pipe("Contacts", PEOPLE, ["nr"])).line("Contacts")
    renamed = [{"number" if name == "id" else name: value for name, value in each.items()} for each in PEOPLE]
    back = {"id": "number", "number": None, "__key_properties__": ["id"]}
    mapped = run({**config, "stream_maps": {"Contacts": back}}, pipe("Contacts", renamed, ["number"]))
    assert "2 unchanged" in mapped.line("Contacts")
    found = by_ledger(crm, tmp_path, identify_by=["ledger", "email"], source="by number")
    assert "2 unchanged" in run(found, pipe("Contacts", PEOPLE, ["nr"])).line("Contacts")
    assert names(crm) == ["Ann", "Bea"]


def test_a_key_under_which_nothing_was_written_may_change(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = by_ledger(crm, tmp_path)
    assert run(config, pipe("Contacts", PEOPLE, ["id"])[:1]).exit == ""
    assert "2 create" in run(config, pipe("Contacts", PEOPLE, ["nr"])).line("Contacts")
    assert "is id now and was nr" in run(config, pipe("Contacts", PEOPLE, ["id"])).exit
