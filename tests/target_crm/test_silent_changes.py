"""What the CRM stores otherwise than sent is counted and reported by field; the values stand in the report only."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from tests.target_crm.writing import QuietTarget, held, one, pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

SILENT: dict[str, tuple[str, Any, Any]] = {
    "cut name": ("lastname", "n" * 300, "n" * 80),
    "cut city": ("mailingcity", "c" * 41, "c" * 40),
    "emoji": ("title", "up \U0001f680 and away", "up ?? and away"),
    "only emoji": ("department", "\U0001f680", "??"),
    "rounded": ("cf_855", "-12345.678", "-12345.680"),
    "overflow": ("cf_861", "99999999999.999", "9999999999.99"),
    "largest integer": ("cf_857", "99999999999", "2147483647"),
    "script": ("description", "<script>alert('x1')</script>", "&lt;script&gt;alert('x1')&lt;/script&gt;"),
}
"""Field, what is sent, what the CRM makes of it (measured on 8.4.0)."""
BY: list[Any] = ["ledger", ["email"]]


@pytest.mark.sweep
@pytest.mark.parametrize("by", BY, ids=str)
@pytest.mark.parametrize("case", SILENT)
def test_it_is_reported_and_not_sent_again(crm: VtigerSimulator, tmp_path: Path, case: str, by: Any) -> None:
    field, sent, kept = SILENT[case]
    config = settings(crm, tmp_path, identify_by=by, report_path=str(tmp_path / "report.html"))
    person = {"id": 1, "lastname": "Plain", "email": "silent@example.com", field: sent}
    created = run(config, pipe("Contacts", [person]))
    assert one(crm, "Contacts", email="silent@example.com")[field] == kept
    assert created.line("Contacts").endswith(f"1 create; stored otherwise than sent: {field} (1)")
    assert sent not in created.everything
    told = json.loads((tmp_path / "report.json").read_text("utf-8"))["silent_changes"]["Contacts"]
    assert told[field]["count"] == 1
    assert told[field]["examples"][0]["key"] == "1"
    assert str(told[field]["examples"][0]["sent"]) == sent

    crm.calls.clear()
    again = run(config, pipe("Contacts", [person]))
    assert again.line("Contacts").endswith("1 unchanged")
    run({**config, "identify_by": ["email"]}, pipe("Contacts", [person]))
    assert writes(crm) == []

    updated = run(config, pipe("Contacts", [{**person, "phone": "1"}]))
    assert [element.keys() - {"id"} for _operation, element in writes(crm)] == [{"phone"}]
    assert updated.line("Contacts").endswith("1 update")


@pytest.mark.parametrize("case", SILENT)
def test_it_is_reported_for_an_update_too(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    field, sent, kept = SILENT[case]
    crm_id = crm.store.insert("Contacts", {"lastname": "Plain"})
    config = settings(crm, tmp_path, identify_by="id")
    for words, operations in (
        (f"1 update; stored otherwise than sent: {field} (1)", ["revise"]),
        ("1 unchanged", []),
    ):
        crm.calls.clear()
        result = run(config, pipe("Contacts", [{"id": crm_id, field: sent}], owner=None))
        assert result.line("Contacts").endswith(words)
        assert [operation for operation, _element in writes(crm)] == operations
    assert held(crm, crm_id)[field] == kept


@pytest.mark.parametrize("match", ["cut name", "emoji", "rounded", "script"])
def test_a_match_field_that_the_crm_alters_doubles_nothing(crm: VtigerSimulator, tmp_path: Path, match: str) -> None:
    field, sent, _held = SILENT[match]
    config = settings(crm, tmp_path, identify_by=[field])
    for title in ("a", "b", "b"):
        run(config, pipe("Contacts", [{"id": 1, "lastname": "Twin", "title": title, "cf_853": "twin", field: sent}]))
    assert len(stored(crm, "Contacts", cf_853="twin")) == 1


def test_a_change_in_the_crm_of_what_it_altered_is_left(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["email"])
    person = {"id": 1, "lastname": "n" * 300, "email": "silent@example.com"}
    run(config, pipe("Contacts", [person]))
    crm.store.change(one(crm, "Contacts", email="silent@example.com")["id"], {"lastname": "Somebody"})
    run(config, pipe("Contacts", [person]))
    assert one(crm, "Contacts", email="silent@example.com")["lastname"] == "Somebody"


def test_an_empty_value_that_becomes_a_zero_is_no_news(crm: VtigerSimulator, tmp_path: Path) -> None:
    person = {"id": 1, "lastname": "Plain", "cf_857": None, "donotcall": None, "cf_855": "", "birthday": None}
    result = run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [person]))
    assert result.line("Contacts") == "Contacts → Contacts: 1 create"


def test_what_the_crm_shows_as_it_was_is_not_taken_for_what_it_made_of_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    """It compares texts without entities, and shows the old one where only these were changed (measured)."""
    config = settings(crm, tmp_path, identify_by="ledger")
    person = {"id": 1, "lastname": "Plain", "email": "silent@example.com"}
    run(config, pipe("Contacts", [{**person, "department": "a &lt; b"}]))
    result = run(config, pipe("Contacts", [{**person, "department": "a &amp;lt; b"}]))
    assert result.line("Contacts") == "Contacts → Contacts: 1 update"
    crm_id = one(crm, "Contacts", email="silent@example.com")["id"]
    assert one(crm, "Contacts", id=crm_id)["department"] == "a &amp;lt; b"
    crm.store.change(crm_id, {"department": "a &lt; b"})
    run(config, pipe("Contacts", [{**person, "department": "c"}]))
    run(config, pipe("Contacts", [{**person, "department": "a &amp;lt; b"}]))
    assert one(crm, "Contacts", id=crm_id)["department"] == "a &amp;lt; b"


def test_a_record_that_the_crm_made_half_is_not_created_nor_waited_for(tmp_path: Path) -> None:
    pauses: list[float] = []

    class Counted(QuietTarget):
        @staticmethod
        def sleep(seconds: float) -> None:
            pauses.append(seconds)

    person = {"id": 1, "lastname": "Half"}
    with VtigerSimulator(rows=5, flavour="vtiger-8.0") as crm:
        config = settings(crm, tmp_path, identify_by="ledger")
        plain = crm.switches
        crm.switches = replace(plain, full_tables=("Contacts",))
        failed = run(config, pipe("Contacts", [person]), target=Counted)
        assert failed.line("Contacts").endswith("1 reject")
        assert "the CRM says that it made 12x" in failed.exit
        assert pauses == []

        crm.switches = plain
        assert run(config, pipe("Contacts", [person])).line("Contacts").endswith("1 create")
        assert one(crm, "Contacts", lastname="Half")
