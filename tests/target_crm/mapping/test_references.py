"""References: in the source's terms through the ledger, early, late, never; by id or label elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from tests.target_crm.writing import one, pipe, run, settings, state, stored, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ACME = {"id": "a1", "accountname": "Acme"}
ANN = {"id": "c1", "lastname": "Novák", "account_id": "a1"}
DEAL = {"id": "p1", "potentialname": "Deal", "closingdate": "2026-12-31", "sales_stage": "Prospecting"}
BY_LEDGER = {"identify_by": "ledger"}


def sent(crm: VtigerSimulator) -> list[tuple[str, dict[str, Any]]]:
    """The writes since the last time."""
    found = writes(crm)
    crm.calls.clear()
    return found


def test_a_reference_speaks_in_the_terms_of_the_source(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    run(config, [*pipe("Accounts", [ACME]), *pipe("Contacts", [ANN])])
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]


def test_a_parent_that_comes_later_is_linked_when_it_is_there(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    result = run(config, [*pipe("Contacts", [ANN]), state(1), *pipe("Accounts", [ACME]), state(2)])
    account = one(crm, "Accounts", accountname="Acme")["id"]
    contact = one(crm, "Contacts", lastname="Novák")
    assert contact["account_id"] == account
    assert result.states == [{"at": 1}, {"at": 2}]
    assert "left open" not in result.log
    assert [operation for operation, _element in sent(crm)] == ["create", "create", "revise"]
    run(config, [*pipe("Contacts", [ANN]), *pipe("Accounts", [ACME])])
    assert sent(crm) == []


def test_a_link_that_was_set_is_not_looked_at_again(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    both = [*pipe("Contacts", [ANN]), *pipe("Accounts", [ACME])]
    run(config, both)
    crm.calls.clear()
    run(config, both)
    assert [call.query["query"] for call in crm.calls if " where " in call.query.get("query", "")] == []


def test_a_parent_that_comes_in_a_later_run_is_linked_then(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    first = run(config, pipe("Contacts", [ANN]))
    assert first.line("Contacts").endswith("1 create; references left open: account_id (1)")
    run(config, [*pipe("Accounts", [ACME]), *pipe("Contacts", [{"id": "c2", "lastname": "X", "account_id": None}])])
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]


def test_a_link_that_a_broken_run_left_open_is_set_by_the_next(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    # The run stops at the reject in the parent's batch, so that the link to the parent is not set any more.
    both = pipe("Accounts", [ACME, {"id": "a2", "accountname": ""}])
    stopped = run(config, [*pipe("Contacts", [ANN]), state(1), *both, state(2)])
    assert "the record a2 is rejected" in stopped.exit
    assert stopped.states == [{"at": 1}]
    assert one(crm, "Contacts", lastname="Novák")["account_id"] is None
    run(config, [*pipe("Accounts", [ACME]), state(1), *pipe("Contacts", [ANN]), state(2)])
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]


def test_a_reference_that_changes_its_mind_is_not_set_to_the_old_parent(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    run(config, [*pipe("Contacts", [ANN]), *pipe("Accounts", [{"id": "a2", "accountname": "Other"}])])
    run(config, pipe("Contacts", [{**ANN, "account_id": "a2"}]))
    run(config, [*pipe("Contacts", [{**ANN, "account_id": "a2"}]), *pipe("Accounts", [ACME])])
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == one(crm, "Accounts", accountname="Other")["id"]


def test_a_cycle_is_closed(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [{"id": key, "lastname": key, "contact_id": boss} for key, boss in (("x", "y"), ("y", "z"), ("z", "x"))]
    run(settings(crm, tmp_path, **BY_LEDGER), pipe("Contacts", people))
    ids = {key: one(crm, "Contacts", lastname=key)["id"] for key in "xyz"}
    for key, boss in (("x", "y"), ("y", "z"), ("z", "x")):
        assert one(crm, "Contacts", lastname=key)["contact_id"] == ids[boss]


def test_a_mandatory_reference_waits_to_the_end_and_holds_the_state(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    lines = {"productid": "x", "quantity": "1", "listprice": "2.50"}
    config = settings(crm, tmp_path, **BY_LEDGER, max_rejects=1, rejects_path=str(tmp_path / "rejects"))
    bill: dict[str, Any] = {"id": "i1", "subject": "Bill", "account_id": "a1", "bill_street": "s", "ship_street": "s"}
    bill |= {"LineItems": [lines], "invoicestatus": "Created"}
    other = pipe("Contacts", [{"id": "c9", "lastname": "Late"}])
    result = run(config, [*pipe("Invoice", [bill]), state(1), *pipe("Accounts", [ACME]), state(2), *other])
    assert result.line("Invoice").endswith("1 reject")
    assert "its productid points to a record that the CRM does not show" in result.log
    assert result.states == [{"at": 2}], "no state before the record that waited was done with"
    assert "a1" not in str(writes(crm))


def test_a_later_version_of_a_record_that_waits_waits_behind_it(tmp_path: Path) -> None:
    with VtigerSimulator(rows=5, flavour="vtiger-8.0") as crm:
        streams = {"docs": {"entity": "Invoice"}}
        config = settings(crm, tmp_path, **BY_LEDGER, streams=streams)
        bill: dict[str, Any] = {
            "id": "i1",
            "subject": "old",
            "account_id": "a1",
            "bill_street": "s",
            "ship_street": "s",
        }
        bill |= {"invoicestatus": "Created", "LineItems": [{"productid": "x", "quantity": 1, "listprice": 2}]}
        product = {"id": "x", "productname": "Thing"}
        newer = {"id": "i1", "subject": "new"}
        both = [*pipe("docs", [bill, newer]), *pipe("Products", [product]), *pipe("Accounts", [ACME])]
        assert run(config, both).exit == ""
        assert one(crm, "Invoice", subject="new")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]
        assert stored(crm, "Invoice", subject="old") == []


def test_what_never_comes_stays_open_and_is_named(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    for expected in ("1 create", "1 unchanged"):
        result = run(config, pipe("Contacts", [{**ANN, "account_id": "11x99999"}]))
        assert result.line("Contacts").endswith(f"{expected}; references left open: account_id (1)")
    assert one(crm, "Contacts", lastname="Novák")["account_id"] is None
    assert "99999" not in str(writes(crm)), "the server would take it, and lose it"


def test_a_key_that_two_records_have_is_no_reference(crm: VtigerSimulator, tmp_path: Path) -> None:
    streams = {"more": {"entity": "Accounts"}}
    config = settings(crm, tmp_path, **BY_LEDGER, max_rejects=1, rejects_path=str(tmp_path / "r"), streams=streams)
    twins = [*pipe("Accounts", [ACME]), *pipe("more", [{"id": "a1", "accountname": "Acme 2"}])]
    result = run(config, [*twins, *pipe("Contacts", [ANN])])
    ids = [one(crm, "Accounts", accountname=name)["id"] for name in ("Acme", "Acme 2")]
    assert f"the record c1 is rejected: its account_id could point to {', '.join(ids)}" in result.log


@pytest.mark.parametrize("by_label", [True, False])
def test_elsewhere_a_reference_is_an_id_of_this_crm_or_a_label(
    crm: VtigerSimulator, tmp_path: Path, by_label: bool
) -> None:
    account = crm.store.insert("Accounts", {"accountname": "Acme"})
    crm.store.insert("Accounts", {"accountname": "ACME "})
    config = settings(crm, tmp_path, identify_by=["lastname"])
    deal = {**DEAL, "related_to": "Acme" if by_label else account}
    config["streams"] = {"Potentials": {"identify_by": ["potentialname"]}}
    run(config, [*pipe("Contacts", [{**ANN, "account_id": deal["related_to"]}]), *pipe("Potentials", [deal])])
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == account
    assert one(crm, "Potentials", potentialname="Deal")["related_to"] == account


def test_elsewhere_what_does_not_exist_is_rejected_and_never_sent(crm: VtigerSimulator, tmp_path: Path) -> None:
    result = run(
        settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", [{**ANN, "account_id": "11x99999"}])
    )
    assert "the record c1 is rejected: its account_id points to a record that the CRM does not show" in result.exit
    assert writes(crm) == []


def test_a_reference_is_blanked(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    run(config, [*pipe("Accounts", [ACME]), *pipe("Contacts", [ANN])])
    run(config, pipe("Contacts", [{**ANN, "account_id": None}]))
    assert one(crm, "Contacts", lastname="Novák")["account_id"] is None
