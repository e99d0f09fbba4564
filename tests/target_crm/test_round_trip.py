"""What the tap emits can be written back by id, whatever the module and the server: nothing is sent."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import Switches
from tests.running import discover
from tests.running import run as run_tap
from tests.target_crm.writing import held, record, run, schema, settings, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from tests.target_crm.writing import Run

TOLD = {"picklists", "fields", "deleted_records"}
"""Streams that tell of the CRM."""
NOT_WRITABLE = {
    "vtiger-8.4": {"LineItem", "ProductTaxes", *TOLD},
    "vtiger-8.0": {"LineItem", "ProductTaxes", *TOLD},
    "corebos": {"AuditTrail", "CompanyDetails", "Currency", "Groups", "LoginHistory", "ModTracker", "Workflow"} | TOLD,
    "simplycrm": TOLD,
}
"""What has no lasting ids, or what describe says nobody may change."""


def emitted(config: dict[str, Any]) -> list[str]:
    """All that the tap says; read in small pages, so that some end amid the lines of a document."""
    config = {**config, "skip_unreadable": True, "page_size": 10}
    found = run_tap(config, catalog=discover(config))
    assert found.exit == ""
    return [line for line in found.output.split("\n") if line]


def amounts(messages: list[str]) -> Counter[str]:
    """How many records each stream has."""
    return Counter(each["stream"] for each in map(json.loads, messages) if each["type"] == "RECORD")


def unchanged(result: Run) -> Counter[str]:
    """How many records of each stream were found to need nothing, if nothing else happened to others of it."""
    found = re.findall(r"^(\w+) → \w+: (\d+) unchanged$", result.log, re.MULTILINE)
    return Counter({stream: int(amount) for stream, amount in found})


def spoil(crm: VtigerSimulator) -> None:
    """Adds what years of use leave behind: owners who are gone, texts in pick lists, numbers without end."""
    if crm.flavour == "corebos":
        crm.store.change(crm.store.records("AutoNumberPrefix")[0]["id"], {"semodule": "Opportunities |##| Potentials"})
        crm.store.change(crm.store.records("BusinessActions")[0]["id"], {"elementtype_action": "No longer there"})
    else:
        crm.store.change(crm.store.records("Leads")[3]["id"], {"assigned_user_id": "999", "leadsource": "gone"})
        crm.store.change(crm.store.records("Leads")[4]["id"], {"assigned_user_id": "19x77"})
        crm.store.change(crm.store.records("Products")[0]["id"], {"unit_price": "99999999999999999.12345678"})
    crm.store.change(crm.store.records("Contacts")[1]["id"], {"lastname": " 1.50 ", "birthday": "0000-00-00"})


@pytest.mark.parametrize("flavour", NOT_WRITABLE)
def test_every_record_of_every_module_is_unchanged(
    vtiger: Callable[..., VtigerSimulator], flavour: str, tmp_path: Path
) -> None:
    crm = vtiger(flavour, rows=60, invoices=12)
    spoil(crm)
    messages = emitted(crm.config())
    before = {name: crm.store.records(name) for name in crm.store.modules}
    left_out = dict.fromkeys(NOT_WRITABLE[flavour])
    result = run(settings(crm, tmp_path, identify_by="id", streams=left_out), messages)
    assert result.exit == ""
    assert writes(crm) == []
    assert {name: crm.store.records(name) for name in crm.store.modules} == before
    wanted = {stream: amount for stream, amount in amounts(messages).items() if stream not in left_out}
    assert unchanged(result) == wanted
    assert len(wanted) > 20


@pytest.mark.parametrize("user", ["euro", "limited"])
def test_it_is_so_for_a_user_who_may_not_list_the_users(
    vtiger: Callable[..., VtigerSimulator], user: str, tmp_path: Path
) -> None:
    crm = vtiger(rows=60, invoices=12)
    config = crm.config_for(user)
    messages = emitted(config)
    left_out = dict.fromkeys(NOT_WRITABLE[crm.flavour])
    result = run({**settings(crm, tmp_path, identify_by="id", streams=left_out), **config}, messages)
    assert result.exit == ""
    assert writes(crm) == []
    assert unchanged(result) == {name: amount for name, amount in amounts(messages).items() if name not in left_out}


def test_an_owner_who_is_gone_stays_while_something_else_changes(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger()
    lead = crm.store.records("Leads")[0]["id"]
    crm.store.change(lead, {"assigned_user_id": "19x77"})
    messages = [
        schema("Leads", ("id", "assigned_user_id", "city")),
        record("Leads", id=lead, assigned_user_id="19x77", city="Bern"),
    ]
    result = run(settings(crm, tmp_path, identify_by="id"), messages)
    assert result.exit == ""
    assert writes(crm) == [("revise", {"id": lead, "city": "Bern"})]
    owned = run(settings(crm, tmp_path, identify_by="id", owners={"19x77": "admin"}), messages)
    assert owned.exit == ""
    assert writes(crm)[1:] == [("revise", {"id": lead, "assigned_user_id": "19x1"})]


def test_what_a_document_shows_of_its_lines_is_not_written(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path
) -> None:
    crm = vtiger("vtiger-8.0")
    invoice = crm.store.records("Invoice")[1]["id"]
    messages = [
        schema("Invoice", ("id", "subject", "productid", "quantity", "tax1")),
        record("Invoice", id=invoice, subject="New", productid="14x1", quantity=9, tax1="3"),
    ]
    result = run(settings(crm, tmp_path, identify_by="id"), messages)
    assert result.exit == ""
    assert writes(crm) == [("revise", {"id": invoice, "conversion_rate": "1.000", "subject": "New"})]


def test_a_server_without_revise_changes_nothing_else(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    crm = vtiger("simplycrm", switches=Switches(revise=False))
    invoice, document = crm.store.records("Invoice")[1]["id"], crm.store.records("Documents")[0]["id"]
    crm.store.change(document, {"filetype": "text/plain"})
    before = {crm_id: held(crm, crm_id) for crm_id in (invoice, document)}
    messages = [
        schema("Invoice", ("id", "subject")),
        record("Invoice", id=invoice, subject="New"),
        schema("Documents", ("id", "fileversion")),
        record("Documents", id=document, fileversion="New"),
    ]
    assert run(settings(crm, tmp_path, identify_by="id"), messages).exit == ""
    for crm_id, written in ((invoice, "subject"), (document, "fileversion")):
        now = held(crm, crm_id)
        changed = {name for name, value in before[crm_id].items() if now[name] != value}
        assert changed - {"modifiedtime", "modifiedby"} == {written}
