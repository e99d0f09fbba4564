"""What is written to coreBOS arrives as it was meant, however the user who is logged in writes numbers and times."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Call, Fault
from crm_simulators.vtiger import VtigerSimulator
from tests.running import discover
from tests.target_crm.writing import one, pipe, run, settings, writes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def crm() -> Iterator[VtigerSimulator]:
    """A coreBOS without records."""
    with VtigerSimulator(rows=0, flavour="corebos") as simulator:
        yield simulator


TIMES = {"dtstart": "2026-07-01T01:30:00Z", "dtend": "2026-07-01T02:30:00Z", "followupdt": "2026-07-02T02:30:00Z"}


def write(crm: VtigerSimulator, folder: Path, user: str, stream: str, *, by: Any = "ledger", **values: Any) -> str:
    """Writes one record as a user; how the run ended."""
    config = {**settings(crm, folder, identify_by=by, default_owner=user), **crm.config_for(user)}
    return run(config, pipe(stream, [{"id": user, **values}])).exit


@pytest.mark.parametrize("user", ["admin", "usadmin", "euro"])
def test_numbers(crm: VtigerSimulator, tmp_path: Path, user: str) -> None:
    """The euro user writes a comma for the point, points between thousands, and amounts in another currency."""
    for turn, amount in enumerate(["1234.5", "-0.01", "7"]):
        values = {"accountname": f"{user} Ltd", "annual_revenue": amount, "employees": 1200 + turn}
        assert write(crm, tmp_path, user, "Accounts", **values) == ""
        stored = one(crm, "Accounts", accountname=f"{user} Ltd")
        assert (float(stored["annual_revenue"]), stored["employees"]) == (float(amount), str(1200 + turn))


@pytest.mark.parametrize("user", ["admin", "usadmin", "euro"])
def test_times(crm: VtigerSimulator, tmp_path: Path, user: str) -> None:
    assert write(crm, tmp_path, user, "cbCalendar", subject=user, **TIMES) == ""
    assert one(crm, "cbCalendar", subject=user)["dtstart"] == "2026-07-01 01:30:00"


def test_a_change_leaves_the_seconds_of_times(crm: VtigerSimulator, tmp_path: Path) -> None:
    for subject in ("Old call", "New call"):
        times = {**TIMES, "dtstart": "2026-07-01T01:30:12Z"}
        assert write(crm, tmp_path, "admin", "cbCalendar", subject=subject, **times) == ""
    assert one(crm, "cbCalendar", subject="New call")["dtstart"] == "2026-07-01 01:30:12"


def test_the_lines_of_a_document(crm: VtigerSimulator, tmp_path: Path) -> None:
    """They are sent again whole when they change, and then the document keeps its tax type."""
    product = crm.store.insert("Products", {"productname": "Bolt"})
    account = crm.store.insert("Accounts", {"accountname": "Buyer"})
    crm_id = ""
    for prices, told in (["2.5", "3"], {"hdnTaxType": "individual"}), (["4.25"], {}):
        lines = [{"productid": product, "quantity": 2, "listprice": price} for price in prices]
        values = {"subject": "Bolts", "account_id": account, "bill_street": "A", "ship_street": "B", "LineItems": lines}
        config = settings(crm, tmp_path, identify_by=["subject"])
        assert run(config, pipe("Invoice", [{"id": "1", **told, **values}])).exit == ""
        crm_id = one(crm, "Invoice", subject="Bolts", hdnTaxType="individual")["id"]
        stored = [row for row in crm.store.records("InventoryDetails") if row["related_to"] == crm_id]
        assert [(float(row["quantity"]), row["listprice"]) for row in stored] == [
            (2.0, f"{float(price):.6f}") for price in prices
        ]


def test_lines_leave_the_sums_of_their_document(crm: VtigerSimulator, tmp_path: Path) -> None:
    """A save with lines knows adjustment, shipping and the kind of discount by other names only."""
    product = crm.store.insert("Products", {"productname": "Nut"})
    account = crm.store.insert("Accounts", {"accountname": "Nut Ltd"})
    sums = {"txtAdjustment": -3.5, "hdnS_H_Amount": 7, "hdnDiscountPercent": 10}
    for price, told in (("2.5", sums), ("4.25", {})):
        lines = [{"productid": product, "quantity": 2, "listprice": price}]
        values = {"subject": "Nuts", "account_id": account, "bill_street": "A", "ship_street": "B", "LineItems": lines}
        config = settings(crm, tmp_path, identify_by=["subject"])
        result = run(config, pipe("Invoice", [{"id": "1", **values, **told}]))
        assert (result.exit, "the taxes of lines" in result.log) == ("", False)
        stored = one(crm, "Invoice", subject="Nuts")
        assert {name: float(stored[name]) for name in sums} == sums
        *_, (_operation, sent) = writes(crm)
        assert (sent["adjustmentType"], sent["discount_type_final"]) == ("add", "percentage")


def test_taxes_of_lines_are_said_to_be_its_own(crm: VtigerSimulator, tmp_path: Path) -> None:
    lines = [{"productid": crm.store.insert("Products", {"productname": "Cog"}), "quantity": 2, "tax1": 4.5}]
    account = crm.store.insert("Accounts", {"accountname": "Cog Ltd"})
    values = {"subject": "Cogs", "account_id": account, "bill_street": "A", "ship_street": "B", "LineItems": lines}
    result = run(settings(crm, tmp_path, identify_by=["subject"]), pipe("Invoice", [{"id": "1", **values}]))
    assert (result.exit, result.log.count("takes the taxes of lines from their products")) == ("", 1)


@pytest.mark.parametrize("told", [True, False], ids=["by describe", "by what it stores"])
def test_entities_of_html(crm: VtigerSimulator, tmp_path: Path, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its revise does not decode them; the longer of the texts is cut."""
    if not told:
        monkeypatch.setattr("crm_systems.vtiger.describe.typed_fields", lambda _described: None)
    crm_id = crm.store.insert("Accounts", {"accountname": f"Entities {told}"})
    values = {"description": "a &amp; b &lt;i&gt;", "ship_country": "&eacute;" * 20}
    for each in ({"ship_country": values["ship_country"]}, values):
        assert (
            write(crm, tmp_path, "admin", "Accounts", accountname=f"Entities {told}", by=["accountname"], **each) == ""
        )
        stored = one(crm, "Accounts", id=crm_id)
        assert {stored[name] for name in each} == {value[: len(stored[name])] for name, value in each.items()}


def test_that_it_hands_out_no_files_is_said(crm: VtigerSimulator) -> None:
    with pytest.raises(SystemExit, match="the CRM hands out none: leave `files` out"):
        discover({**crm.config(), "entities": ["Documents"], "files": "content"})
    assert discover({**crm.config(), "entities": ["Accounts"], "files": "content"})


def test_that_it_takes_no_files_is_said(crm: VtigerSimulator, tmp_path: Path) -> None:
    end = write(crm, tmp_path, "admin", "Documents_files", attachment_id="1", content="YQ==")
    assert end.endswith("The CRM takes no files of Documents: null for their stream in `streams` leaves them out.")


def test_an_internal_document_without_its_file_is_rejected_in_words(crm: VtigerSimulator, tmp_path: Path) -> None:
    paper = {"notes_title": "Paper", "filelocationtype": "I"}
    end = write(crm, tmp_path, "admin", "Documents", filename="paper.txt", **paper)
    assert "coreBOS makes an internal document of this filename only with its file" in end
    assert write(crm, tmp_path, "admin", "Documents", **paper) == ""


def test_a_reference_that_it_takes_with_a_create_only_is_told(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="admin")
    account = {"id": "a", "accountname": "From a lead", "convertedfromlead": "l"}
    messages = [
        *pipe("Accounts", [account]),
        *pipe("Leads", [{"id": "l", "lastname": "Lead", "company": "From a lead"}]),
    ]
    result = run(config, messages)
    assert result.line("Accounts").endswith("1 create; stored otherwise than sent: convertedfromlead (1)")


def test_a_change_of_a_document_empties_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    kept = {
        "notecontent": "a &amp; b",
        "filelocationtype": "E",
        "filename": "https://example.com/a",
        "fileversion": "0",
    }
    for title in ("Old", "New"):
        assert write(crm, tmp_path, "admin", "Documents", notes_title=title, filestatus=True, **kept) == ""
    document = one(crm, "Documents", notes_title="New")
    assert {name: document[name] for name in kept} == kept
    assert document["filestatus"] == "1"


def test_an_older_one_says_in_plain_text_that_it_does_not_have_an_operation(crm: VtigerSimulator) -> None:
    proper = crm.answer

    def answer(call: Call) -> Answer:
        given = proper(call)
        return Answer(b"Unknown operation requested", 200, "text/html") if b"UNKNOWN_OPERATION" in given.body else given

    crm.answer = answer
    with pytest.raises(SystemExit, match="no relations but those that are fields"):
        discover({**crm.config(), "relations": "all"})


def test_a_record_that_is_too_large_for_php(crm: VtigerSimulator, tmp_path: Path) -> None:
    """It answers then as to an operation that it does not have."""
    crm.switches = replace(crm.switches, largest_post=10_000)
    end = write(crm, tmp_path, "admin", "Contacts", lastname="Large", description="x" * 20_000)
    assert "or the record is larger than its PHP takes (`post_max_size`)" in end
    assert write(crm, tmp_path, "admin", "Contacts", lastname="Large", description="x" * 5_000) == ""


def test_a_ticket_whose_log_the_crm_writes_is_made_once(crm: VtigerSimulator, tmp_path: Path) -> None:
    lost = [Fault.LOST_ANSWER]
    crm.fault = lambda call: lost.pop() if lost and call.form.get("operation") == "create" else None
    ticket = {
        "ticket_title": "Printer",
        "description": "It does not print",
        "ticketstatus": "Open",
        "update_log": "Made by Ann",
    }
    assert write(crm, tmp_path, "admin", "HelpDesk", **ticket) == ""
    assert not lost
    assert one(crm, "HelpDesk", ticket_title="Printer")["update_log"].startswith("Ticket created.")


def test_a_field_called_content_is_no_file(crm: VtigerSimulator, tmp_path: Path) -> None:
    for content in ("<map>1</map>", "<map>2</map>"):
        assert write(crm, tmp_path, "admin", "cbMap", mapname="Map", maptype="Mapping", content=content) == ""
        assert one(crm, "cbMap", mapname="Map")["content"] == content


@pytest.mark.parametrize("by", ["ledger", ["accountname"]], ids=str)
def test_a_change_whose_answer_leaves_the_number_of_the_record_out(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Any
) -> None:
    """One of 2019 does so for modules whose key has another name than ``id``, as Groups and Workflow (measured)."""
    answer = crm.answer

    def without_number(call: Call) -> Answer:
        told = answer(call)
        is_one = "revise" in (call.form.get("operation"), call.query.get("operation"))
        return replace(told, body=re.sub(rb'"id": ?"(\d+x)\d+"', rb'"id":"\1"', told.body)) if is_one else told

    monkeypatch.setattr(crm, "answer", without_number)
    name = f"By {by}"
    for turn, phone in enumerate("123"):
        told = pipe("Accounts", [{"id": "1", "accountname": name, "phone": phone}])
        result = run({**settings(crm, tmp_path, identify_by=by), **crm.config_for("admin")}, told)
        assert (result.exit, ("1 update" if turn else "1 create") in result.line("Accounts")) == ("", True)
        assert one(crm, "Accounts", accountname=name)["phone"] == phone
