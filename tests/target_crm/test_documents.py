"""Records that need more than their fields: tasks, inventory documents, and a server without revise."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import Switches
from tests.target_crm.writing import held, one, pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

TASK = {
    "id": "t1",
    "subject": "Call",
    "date_start": "2026-01-02",
    "due_date": "2026-01-03",
    "taskstatus": "Planned",
    "time_start": "08:00",
}
BILL = {"id": "i1", "subject": "Bill", "bill_street": "s", "ship_street": "s", "invoicestatus": "Created"}
LINES: list[dict[str, Any]] = [
    {"productid": "x", "quantity": 1.5, "listprice": "10.00"},
    {"productid": "x", "quantity": 2, "listprice": 3},
]
PARENTS = [
    *pipe("Accounts", [{"id": "a1", "accountname": "Acme"}]),
    *pipe("Products", [{"id": "x", "productname": "P"}]),
]


def test_a_task_stays_a_task(crm: VtigerSimulator, tmp_path: Path) -> None:
    events = len(crm.store.records("Events"))
    config = settings(crm, tmp_path, identify_by="ledger")
    for _turn in range(2):
        assert run(config, pipe("Calendar", [TASK])).exit == ""
    assert one(crm, "Calendar", subject="Call")["id"].startswith("9x")
    assert len(crm.store.records("Events")) == events
    assert len(writes(crm)) == 1


def test_that_a_server_cannot_create_documents_is_said_before_the_first_one(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    bill = {**BILL, "account_id": "a1", "LineItems": LINES}
    config, told = settings(crm, tmp_path, identify_by="ledger"), [*PARENTS, *pipe("Invoice", [bill])]
    result = run(config, told)
    assert "cannot be written to Invoice: Vtiger 8.4.0 cannot create Invoice through its interface" in result.exit
    assert [element for _name, element in writes(crm) if element.get("subject")] == []
    assert run({**config, "streams": {"Invoice": {"write_mode": "update_only"}}}, told).exit == ""


def test_a_stream_of_documents_without_lines_is_refused_before_the_first_one(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0", rows=2)
    result = run(
        settings(crm, tmp_path, identify_by="ledger"), [*PARENTS, *pipe("Invoice", [{**BILL, "account_id": "a1"}])]
    )
    way_out = "map them to it, or leave Invoice out by null in `streams`"
    assert f"Invoice needs LineItems, which the stream does not deliver: {way_out}" in result.exit
    assert [element for _name, element in writes(crm) if element.get("subject")] == []


@pytest.mark.parametrize("by", ["ledger", "id"])
def test_lines_are_not_written_by_themselves_since_their_ids_do_not_last(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, by: str
) -> None:
    crm = vtiger("vtiger-8.0", rows=2)
    line = {"id": "33x1", "parent_id": "7x1", **LINES[0]}
    told = pipe("LineItem", [line], owner=None)
    result = run(settings(crm, tmp_path, identify_by=by, deletes="apply"), told)
    assert "cannot be written to LineItem: lines have no lasting ids" in result.exit
    assert "null for LineItem in `streams` leaves it out" in result.exit
    assert writes(crm) == []
    left_out = settings(crm, tmp_path, identify_by=by, deletes="apply", streams={"LineItem": None})
    assert run(left_out, told).exit == ""


def test_a_document_that_another_server_refuses_is_rejected_clearly(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.traits = replace(crm.traits, version="8.4.9")
    bill = {**BILL, "account_id": "a1", "LineItems": LINES}
    result = run(settings(crm, tmp_path, identify_by="ledger"), [*PARENTS, *pipe("Invoice", [bill])])
    assert "Invoice: the record i1 is rejected" in result.exit
    assert "a stock Vtiger 8.4 creates no inventory document at all" in result.exit
    assert stored(crm, "Invoice", subject="Bill") == []


@pytest.mark.parametrize("by", ["ledger", ["subject"]], ids=str)
def test_a_document_is_created_with_its_lines_and_changed_once(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, by: Any
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    config = settings(crm, tmp_path, identify_by="ledger", streams={"Invoice": {"identify_by": by}})
    product = crm.store.tables["Products"]
    if by == "ledger":
        bill: dict[str, Any] = {**BILL, "account_id": "a1", "LineItems": LINES}
    else:
        run(config, PARENTS)
        account, thing = one(crm, "Accounts", accountname="Acme")["id"], one(crm, "Products", productname="P")["id"]
        bill = {**BILL, "account_id": account, "LineItems": [{**line, "productid": thing} for line in LINES]}
    assert run(config, [*PARENTS, *pipe("Invoice", [bill])]).exit == ""
    invoice = crm.store.find(one(crm, "Invoice", subject="Bill")["id"])
    lines = [(each.values["quantity"], each.values["listprice"]) for each in crm.store.lines_of(invoice)]
    assert lines == [("1.500", "10.00000000"), ("2.000", "3.00000000")]

    crm.calls.clear()
    run(config, pipe("Invoice", [bill]))
    assert writes(crm) == []

    more = {**bill, "LineItems": [*bill["LineItems"], {**bill["LineItems"][0], "quantity": 5}]}
    result = run(config, pipe("Invoice", [more]))
    assert result.line("Invoice").endswith("1 update")
    assert len(writes(crm)) == 1, "each time takes goods from stock"
    assert len(crm.store.lines_of(invoice)) == 3
    stock = product.value(product.rows[product.numbers[-1]], "qtyinstock")
    assert float(stock or 0) == -3.5 - 8.5

    crm.calls.clear()
    run(config, pipe("Invoice", [more]))
    assert writes(crm) == []
    if by == "ledger":
        assert "takes no document's last line away" in run(config, pipe("Invoice", [{**more, "LineItems": []}])).exit


def test_a_column_that_is_left_out_of_a_document_is_not_left_out_of_its_lines(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    streams = {"Invoice": {"fields": {"productid": None, "quantity": "subject"}}}
    config = settings(crm, tmp_path, identify_by="ledger", streams=streams)
    bill = {**BILL, "account_id": "a1", "LineItems": LINES, "productid": "x", "quantity": BILL["subject"]}
    del bill["subject"]
    assert run(config, [*PARENTS, *pipe("Invoice", [bill])]).exit == ""
    lines = crm.store.lines_of(crm.store.find(one(crm, "Invoice", subject="Bill")["id"]))
    product = one(crm, "Products", productname="P")["id"]
    assert [(each.values["productid"], each.values["quantity"]) for each in lines] == [
        (product, "1.500"),
        (product, "2.000"),
    ]


@pytest.mark.parametrize("ends", ["answered", "lost", "late"])
def test_goods_are_taken_from_stock_once_whatever_becomes_of_the_answer(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, ends: str
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    config = settings(crm, tmp_path, identify_by="ledger", timeout_seconds=0.5)
    bill = {**BILL, "account_id": "a1", "LineItems": LINES}
    run(config, [*PARENTS, *pipe("Invoice", [bill])])
    before = shutil.copy(tmp_path / "ledger.sqlite", tmp_path / "before.sqlite")
    faults = {"lost": [Fault.LOST_ANSWER], "late": [Fault.SILENT]}.get(ends, [])
    crm.fault = lambda call: faults.pop() if faults and call.form.get("operation") == "revise" else None
    more = {**bill, "subject": "Bill 2", "LineItems": [*LINES, {**LINES[0], "quantity": 5}]}
    assert run(config, pipe("Invoice", [more])).line("Invoice").endswith("1 update")
    # As if that run had been killed before it noted what it did.
    shutil.copy(before, tmp_path / "ledger.sqlite")
    assert run(config, pipe("Invoice", [more])).exit == ""
    assert one(crm, "Invoice", subject="Bill 2")
    products = crm.store.tables["Products"]
    assert float(products.value(products.rows[products.numbers[-1]], "qtyinstock") or 0) == -3.5 - 8.5


@pytest.mark.parametrize("revise", [True, False])
def test_a_server_without_revise_keeps_what_was_not_sent(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, revise: bool
) -> None:
    crm = vtiger("simplycrm", rows=5, switches=Switches(revise=revise))
    kept = {"title": "CEO", "description": "a &amp; b & <c>", "cf_877": "alpha |##| gamma", "cf_873": "1"}
    ids = [crm.store.insert("Contacts", {"lastname": "Old", **kept}) for _turn in range(2)]
    config = settings(crm, tmp_path, identify_by="id", requests_per_second=1000)
    changed = {"firstname": "A &amp; B"}
    for sent in (2, 0):
        crm.calls.clear()
        run(config, pipe("Contacts", [{"id": each, **changed} for each in ids], owner=None))
        operations = {operation for operation, _element in writes(crm)}
        assert operations == ({"revise" if revise else "update"} if sent else set())
    for each in ids:
        now = held(crm, each)
        assert {name: now[name] for name in (*kept, "firstname")} == {**kept, **changed}


def test_lines_stay_when_a_document_is_updated_without_revise(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("simplycrm", rows=20, switches=Switches(revise=False))
    invoice = crm.store.raw("Invoice")[-1]
    before = [line.number for line in crm.store.lines_of(invoice)]
    config = settings(crm, tmp_path, identify_by="id", requests_per_second=1000)
    crm_id = crm.store.id(invoice)
    assert run(config, pipe("Invoice", [{"id": crm_id, "subject": "New"}], owner=None)).exit == ""
    assert held(crm, crm_id)["subject"] == "New"
    assert [line.number for line in crm.store.lines_of(invoice)] == before
    assert before


def test_a_document_that_was_made_without_its_lines_gets_them_or_is_told(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    config = settings(crm, tmp_path, identify_by="ledger")
    # The server fails over both when it has stored the document; one that is taxed by line cannot be read without any.
    crm.store.flavour = replace(crm.traits, half_made=frozenset({"group", "individual"}))
    told = [{**BILL, "account_id": "a1", "LineItems": LINES, "hdnTaxType": "group"}]
    told += [{**told[0], "id": "i2", "subject": "Note", "hdnTaxType": "individual"}]
    result = run(config, [*PARENTS, *pipe("Invoice", told)])
    assert "the record i2 is rejected: it was created as 7x" in result.exit
    assert "perhaps without its LineItems" in result.exit
    assert result.line("Invoice").endswith("1 create, 1 reject")
    invoice = crm.store.find(one(crm, "Invoice", subject="Bill")["id"])
    assert len(crm.store.lines_of(invoice)) == len(LINES)

    crm.calls.clear()
    result = run(config, pipe("Invoice", told))
    assert result.line("Invoice").endswith("1 unchanged, 1 reject")
    assert writes(crm) == []


def test_a_change_of_a_document_leaves_the_rest_of_it_alone(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0", rows=5)
    config = settings(crm, tmp_path, identify_by="ledger")
    kept = {"conversion_rate": "25.5", "hdnTaxType": "group", "txtAdjustment": "3"}
    run(config, [*PARENTS, *pipe("Invoice", [{**BILL, **kept, "account_id": "a1", "LineItems": LINES}])])
    for change in ({"subject": "Bill 2"}, {"LineItems": LINES[:1]}):
        assert run(config, pipe("Invoice", [{"id": "i1", **change}])).line("Invoice").endswith("1 update")
        now = held(crm, one(crm, "Invoice", bill_street="s", hdnTaxType="group")["id"])
        assert {name: now[name].rstrip("0") for name in kept} == {**kept, "txtAdjustment": "3."}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["x"], "its LineItems has an entry without productid"),
        ([{"quantity": 1}], "its LineItems has an entry without productid"),
        ([{**LINES[0], "quantity": "two"}], "its quantity is no number"),
    ],
)
def test_a_line_that_cannot_be_meant_is_rejected(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, lines: list[Any], why: str
) -> None:
    crm = vtiger("vtiger-8.0", rows=2)
    bill = {**BILL, "account_id": "a1", "LineItems": lines}
    assert why in run(settings(crm, tmp_path, identify_by="ledger"), [*PARENTS, *pipe("Invoice", [bill])]).exit
    assert stored(crm, "Invoice", subject="Bill") == []


def test_lines_that_are_stored_otherwise_are_told(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crm = vtiger("vtiger-8.0", rows=2)
    config, told = settings(crm, tmp_path, identify_by="ledger"), "are stored otherwise than they were sent"
    for quantity, altered in ((1.25, False), (1.23456, True), (2.5, False)):
        caplog.clear()
        bill = {**BILL, "account_id": "a1", "LineItems": [{**LINES[0], "quantity": quantity, "comment": "sNaN"}]}
        assert run(config, [*PARENTS, *pipe("Invoice", [bill])]).exit == ""
        assert (told in caplog.text) == altered
