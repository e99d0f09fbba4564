"""Leads that become contacts, accounts and deals, each once, whatever happens to the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import SLOW, Fault
from tests.contract.subjects import SUBJECTS
from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

FAULTS = [fault for fault in Fault if fault not in {Fault.EXPIRED_SESSION, *SLOW}]
DEAL = {"potentialname": "Big deal", "closingdate": "2026-12-31", "sales_stage": "Prospecting"}
BECOMES: dict[str, Any] = {
    "Contacts": {"firstname": "Jan", "lastname": "Convert"},
    "Accounts": {"accountname": "Convert & Co"},
    "Potentials": DEAL,
}


@pytest.fixture
def crm(vtiger: Callable[..., VtigerSimulator]) -> VtigerSimulator:
    return vtiger()


@pytest.fixture
def lead(crm: VtigerSimulator) -> str:
    values = {"lastname": "Convert", "email": "jan@example.com", "assigned_user_id": "19x1"}
    return crm.store.insert("Leads", values)


def converting(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    return settings(crm, folder, **{"identify_by": "id", "write_mode": "convert", **more})


def leads(*records: dict[str, Any]) -> list[dict[str, Any]]:
    return pipe("Leads", records, owner=None)


def conversions(crm: VtigerSimulator) -> list[dict[str, Any]]:
    sent = (call.form for call in crm.calls if call.form.get("operation") == "convertlead")
    return [json.loads(each["element"]) for each in sent]


def assert_made_once(crm: VtigerSimulator, lead: str) -> None:
    assert crm.store.find(lead).converted
    (contact,) = stored(crm, "Contacts", lastname="Convert")
    (account,) = stored(crm, "Accounts", accountname="Convert & Co")
    (deal,) = stored(crm, "Potentials", potentialname="Big deal")
    assert contact["account_id"] == deal["related_to"] == account["id"]
    assert deal["contact_id"] == contact["id"]


def test_what_the_crm_cuts_is_told(crm: VtigerSimulator, tmp_path: Path, lead: str) -> None:
    deal = {**DEAL, "amount": "12.5"}
    record = {"id": lead, "Contacts": {}, "Accounts": {"accountname": "n" * 300}, "Potentials": deal}
    result = run(converting(crm, tmp_path), leads(record))
    assert result.line("Leads").endswith("1 convert; stored otherwise than sent: Accounts.accountname (1)")


@pytest.mark.parametrize("how", ["id", "match"])
def test_once(crm: VtigerSimulator, tmp_path: Path, lead: str, how: str) -> None:
    config = converting(crm, tmp_path, identify_by=how if how == "id" else ["email"])
    record = {"id": lead, "email": "jan@example.com", "assigned_user_id": "19x6", **BECOMES}
    planned = run({**config, "dry_run": True}, leads(record))
    assert "would be 1 convert" in planned.line("Leads")
    assert not conversions(crm)
    first = run(config, leads(record))
    assert (first.exit, "1 convert" in first.line("Leads")) == ("", True)
    assert_made_once(crm, lead)
    assert stored(crm, "Contacts", lastname="Convert")[0]["assigned_user_id"] == "19x6"
    second = run(config, leads(record))
    assert "1 unchanged" in second.line("Leads")
    assert len(conversions(crm)) == 1


def test_one_that_was_converted_before_stays(crm: VtigerSimulator, tmp_path: Path, lead: str) -> None:
    first = run(converting(crm, tmp_path), leads({"id": lead, **BECOMES}))
    assert "1 convert" in first.line("Leads")
    (tmp_path / "ledger.sqlite").unlink()
    again = run(converting(crm, tmp_path), leads({"id": lead, **BECOMES}))
    assert (again.exit, "1 unchanged" in again.line("Leads")) == ("", True)
    assert_made_once(crm, lead)


def test_what_the_ledger_knows_of_another_stream(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="admin")
    config["streams"] = {"conversions": {"entity": "Leads", "write_mode": "convert"}}
    told = run(config, pipe("Leads", [{"id": "a", "lastname": "Convert"}], owner=None))
    assert "1 create" in told.line("Leads")
    done = run(config, pipe("conversions", [{"id": "a", "Contacts": {}}], owner=None))
    assert "1 convert" in done.line("conversions")
    assert len(stored(crm, "Contacts", lastname="Convert")) == 1
    assert "1 unchanged" in run(config, pipe("conversions", [{"id": "a", "Contacts": {}}])).line("conversions")


def fails(fault: Fault, times: int = 1) -> Callable[[Call], Fault | None]:
    left = [fault] * times

    def decide(call: Call) -> Fault | None:
        return left.pop() if left and call.form.get("operation") == "convertlead" else None

    return decide


@pytest.mark.sweep
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_lost_answer_is_settled_by_looking(crm: VtigerSimulator, tmp_path: Path, lead: str, fault: Fault) -> None:
    crm.fault = fails(fault)
    result = run(converting(crm, tmp_path), leads({"id": lead, **BECOMES}))
    assert (result.exit, "1 convert" in result.line("Leads")) == ("", True)
    assert_made_once(crm, lead)
    assert "1 unchanged" in run(converting(crm, tmp_path), leads({"id": lead, **BECOMES})).line("Leads")


def test_what_was_half_done_is_not_done_again(crm: VtigerSimulator, tmp_path: Path, lead: str) -> None:
    def half(call: Call) -> Fault | None:
        if call.form.get("operation") != "convertlead":
            return None
        crm.store.insert("Contacts", {"lastname": "Convert"})
        return Fault.ERROR_BEFORE

    crm.fault = half
    config = converting(crm, tmp_path, max_rejects=1, rejects_path=str(tmp_path / "rejects"))
    result = run(config, leads({"id": lead, **BECOMES}))
    assert "whether that made 12x" in result.log
    assert len(stored(crm, "Contacts", lastname="Convert")) == 1
    assert not crm.store.find(lead).converted


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"Contacts": None}, "does not say what it becomes: Accounts, Contacts, Potentials"),
    "a deal alone": ({"Potentials": DEAL}, "turns a lead into Accounts or Contacts at least"),
    "made up": ({"Accounts": {"phone": "1"}}, "its Accounts has no accountname"),
    "unknown": ({"Contacts": {"nose": "red"}}, "its Contacts has nose"),
    "no number": ({"Contacts": {}, "Potentials": {**DEAL, "amount": "much"}}, "its amount"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_made_is_rejected(crm: VtigerSimulator, tmp_path: Path, lead: str, case: str) -> None:
    given, sentence = REFUSED[case]
    result = run(converting(crm, tmp_path), leads({"id": lead, **given}))
    assert sentence in result.exit
    assert not crm.store.find(lead).converted
    assert not stored(crm, "Contacts", lastname="Convert")


def test_one_that_is_not_there_is_rejected(crm: VtigerSimulator, tmp_path: Path, lead: str) -> None:
    crm.store.delete(lead)
    result = run(converting(crm, tmp_path), leads({"id": lead, **BECOMES}))
    assert "does not exist, or the user has no right to it" in result.exit
    assert not stored(crm, "Contacts", lastname="Convert")


@pytest.mark.parametrize("name", sorted(SUBJECTS))
def test_where_it_is_not_offered(name: str, tmp_path: Path) -> None:
    subject = SUBJECTS[name]
    with subject.start(5) as simulator:
        config = {**subject.config(simulator), "ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite"}
        result = run(
            {**config, "identify_by": "id", "write_mode": "convert"},
            pipe(subject.entity, [{"id": "1", "Contacts": {}}], owner=None),
        )
        assert f"does not offer to convert {subject.entity}" in result.exit


def test_a_mandatory_reference_to_what_is_made_along(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    """A deal on coreBOS needs the account that it belongs to, which the conversion makes (measured)."""
    crm = vtiger("corebos")
    lead = crm.store.insert("Leads", {"lastname": "Convert", "email": "jan@example.com", "assigned_user_id": "19x1"})
    result = run(converting(crm, tmp_path), leads({"id": lead, **BECOMES}))
    assert result.exit == ""
    (account,) = stored(crm, "Accounts", accountname="Convert & Co")
    assert [deal["related_to"] for deal in stored(crm, "Potentials", potentialname="Big deal")] == [account["id"]]


def test_amounts_are_made_as_they_are_whoever_logs_in(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    """Those that are given, and those of the lead: coreBOS takes both as if this user had typed them (measured)."""
    crm = vtiger("corebos")
    lead = crm.store.insert("Leads", {"lastname": "Convert", "annualrevenue": "100.500000", "assigned_user_id": "19x6"})
    record = {"id": lead, **BECOMES, "Potentials": {**DEAL, "amount": 2550.5}}
    assert run({**converting(crm, tmp_path), **crm.config_for("euro")}, leads(record)).exit == ""
    (account,) = stored(crm, "Accounts", accountname="Convert & Co")
    (deal,) = stored(crm, "Potentials", potentialname="Big deal")
    assert (float(account["annual_revenue"]), float(deal["amount"])) == (100.5, 2550.5)
