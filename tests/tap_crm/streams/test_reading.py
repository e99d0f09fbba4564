"""Everything that the CRM holds comes out, once, field by field."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from crm_simulators.vtiger import Switches, VtigerSimulator
from tests.running import run
from tests.tap_crm.shown import comparable, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.running import Run

    Start = Callable[..., VtigerSimulator]

FLAVOURS = VtigerSimulator.flavours


def assert_complete(simulator: VtigerSimulator, result: Run, module: str, user: str = "admin") -> None:
    """All records of the module, each once, each equal."""
    records = result.records[module]
    wanted = expected(simulator, module, user)
    assert len(records) == len({record["id"] for record in records}), f"{module}: a record came twice"
    assert {record["id"]: comparable(simulator, module, record) for record in records} == wanted


def modules_of(simulator: VtigerSimulator, user: str = "admin") -> list[str]:
    """The modules that a user can read, and that have ids."""
    denied = {"ProductTaxes"} | ({"Users"} if user in {"euro", "limited"} else set())
    if simulator.flavour == "simplycrm":
        denied |= {name for name, module in simulator.store.modules.items() if not module.is_entity}
    return [name for name, module in simulator.store.modules.items() if name not in denied and not module.hidden]


@pytest.mark.sweep
@pytest.mark.parametrize(("user", "parallel"), [("admin", 1), ("admin", 4), ("euro", 4), ("limited", 1)])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_record_of_every_module(vtiger: Start, flavour: str, user: str, parallel: int) -> None:
    simulator = vtiger(flavour, rows=200)
    mend_owners(simulator)
    result = run({**simulator.config_for(user), "parallel_requests": parallel, "nul": "keep"})
    assert result.exit == ""
    assert set(modules_of(simulator, user)) <= set(result.schemas)
    for module in modules_of(simulator, user):
        assert_complete(simulator, result, module, user)


def mend_owners(simulator: VtigerSimulator) -> None:
    """Gives the records whose owner is gone to the administrator, without a trace."""
    for module in simulator.store.modules:
        for record in simulator.store.raw(module):
            if record.values.get("assigned_user_id") == "999":
                simulator.store.put(record, {"assigned_user_id": "19x1"})


def test_first_pages_that_are_empty_for_a_user(vtiger: Start) -> None:
    simulator = vtiger(rows=1500)
    wanted = expected(simulator, "Events", "euro")
    result = run({**simulator.config_for("euro"), "nul": "keep", "entities": ["Events"]})
    passing = [call for call in simulator.calls if "select id from Events where" in call.query.get("query", "")]
    assert len(passing) > 10, "many pages in a row must have been empty"
    assert_complete(simulator, result, "Events", "euro")
    assert 0 < len(wanted) < len(simulator.store.records("Events"))


def test_hidden_documents_whose_lines_fill_the_pages(vtiger: Start) -> None:
    """A page of 100 joined lines holds few documents; that they are hidden says nothing of the next ids."""
    simulator = vtiger("simplycrm", rows=0, switches=Switches(sees_all=False))
    store = simulator.store
    for number in range(30):
        owner = "19x6" if number % 10 == 9 else "19x1"
        document = store.insert("Invoice", {"subject": f"Invoice {number}", "assigned_user_id": owner})
        for line in range(25):
            store.insert("LineItem", {"parent_id": document, "sequence_no": str(line), "quantity": "1.000"})
    result = run({**simulator.config_for("euro"), "nul": "keep", "entities": ["Invoice"]})
    assert_complete(simulator, result, "Invoice", "euro")
    assert len(result.records["Invoice"]) == 3


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_user_who_sees_little_of_simply_crm(vtiger: Start, parallel: int) -> None:
    simulator = vtiger("simplycrm", rows=600, switches=Switches(sees_all=False))
    result = run({**simulator.config_for("euro"), "parallel_requests": parallel})
    assert result.exit == ""
    for module in modules_of(simulator, "euro"):
        assert_complete(simulator, result, module, "euro")


@pytest.mark.parametrize("parallel", [1, 4])
def test_pages_that_lines_of_documents_make_short(vtiger: Start, parallel: int) -> None:
    simulator = vtiger(rows=1000, invoices=125)
    result = run(
        {**simulator.config(), "nul": "keep", "entities": ["Invoice", "LineItem"], "parallel_requests": parallel}
    )
    for module in ("Invoice", "LineItem"):
        assert_complete(simulator, result, module)


def test_how_many_came_is_told_of_a_read_that_takes_minutes(vtiger: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = vtiger(rows=1000)
    monkeypatch.setattr("singer_sdk.metrics.time", count(step=100).__next__)
    result = run({**simulator.config(), "entities": ["Contacts"]})
    assert len(result.records["Contacts"]) == 990
    assert "Contacts: 990 records" in result.log


def test_twenty_thousand_leads(vtiger: Start) -> None:
    simulator = vtiger(rows=0, leads=20_000)
    result = run({**simulator.config(), "nul": "keep", "entities": ["Leads"], "parallel_requests": 4})
    assert_complete(simulator, result, "Leads")
    assert len(result.records["Leads"]) > 19_000
    logins = [call for call in simulator.calls if call.form.get("operation") == "login"]
    assert len(logins) <= 5, "logins are kept, not made anew for each walk"


@pytest.mark.parametrize("page_size", [1, 7, 100, 250])
def test_page_sizes(vtiger: Start, page_size: int) -> None:
    simulator = vtiger(rows=100)
    result = run(
        {**simulator.config(), "nul": "keep", "entities": ["Leads"], "page_size": page_size, "parallel_requests": 3}
    )
    assert_complete(simulator, result, "Leads")


@pytest.mark.parametrize("flavour", ["vtiger-8.0", "corebos"])
def test_texts_that_break_careless_code(vtiger: Start, flavour: str) -> None:
    simulator = vtiger(flavour)
    big = "word & <b> \u00e9\u4e2d " * 200_000
    texts = {"half \ud83d of a pair": "half \ufffd of a pair", "\U0001f600 \x01\x0b\u2028": None, big: None}
    added = {simulator.store.insert("Leads", {"lastname": "x", "description": text}): text for text in texts}
    result = run({**simulator.config(), "nul": "keep", "entities": ["Leads"]})
    found = {record["id"]: record["description"] for record in result.records["Leads"]}
    assert {key: found[key] for key in added} == {key: texts[text] or text for key, text in added.items()}


def test_control_characters_in_invalid_json(vtiger: Start) -> None:
    simulator = vtiger("vtiger-8.4", rows=100)
    odd = simulator.store.id(simulator.store.raw("Leads")[0])
    result = run({**simulator.config(), "nul": "keep", "entities": ["Leads"]})
    record = next(record for record in result.records["Leads"] if record["id"] == odd)
    assert (record["lastname"], record["description"]) == ("ctl\x01\x00x", "a\x0bb\u2028c")


def test_times_of_a_server_that_does_not_live_in_utc(vtiger: Start) -> None:
    simulator = vtiger()
    added = simulator.store.insert("Leads", {"lastname": "x"}, at="2025-07-01 12:00:00")
    result = run({**simulator.config(), "nul": "keep", "entities": ["Leads"], "timezone": "Europe/Prague"})
    record = next(record for record in result.records["Leads"] if record["id"] == added)
    assert record["createdtime"] == "2025-07-01T10:00:00+00:00"


def gone(simulator: VtigerSimulator) -> set[str]:
    """The ids of the live contacts whose owner is gone."""
    return {row["id"] for row in simulator.store.records("Contacts") if row["assigned_user_id"] == "999"}


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("narrow", [False, True])
def test_records_that_spoil_their_pages(vtiger: Start, parallel: int, narrow: bool) -> None:
    simulator = vtiger("corebos", rows=250, switches=Switches(gone_owner_spoils_narrow_pages=narrow))
    bad = gone(simulator)
    assert bad
    result = run({**simulator.config(), "nul": "keep", "entities": ["Contacts"], "parallel_requests": parallel})
    wanted = {row["id"] for row in simulator.store.records("Contacts")} - bad
    assert {record["id"] for record in result.records["Contacts"]} == wanted
    assert len(result.records["Contacts"]) == len(wanted)
    for identifier in bad:
        assert f"Contacts {identifier} is missing: the server cannot hand out this record" in result.exit
    assert "replication_key_value" not in result.bookmark("Contacts"), "the missing ones are to be read again"


def test_skipping_records_that_spoil_their_pages(vtiger: Start) -> None:
    simulator = vtiger("corebos", rows=60)
    result = run({**simulator.config(), "nul": "keep", "entities": ["Contacts"], "skip_unreadable": True})
    assert result.exit == ""
    assert all(f"Contacts {identifier} is missing" in result.log for identifier in gone(simulator))
    assert "replication_key_value" in result.bookmark("Contacts")


def test_every_record_spoiled(vtiger: Start) -> None:
    simulator = vtiger("corebos", rows=0)
    bad = [simulator.store.insert("Contacts", {"lastname": "x", "assigned_user_id": "999"}) for _ in range(5)]
    result = run({**simulator.config(), "nul": "keep", "entities": ["Contacts"]})
    assert result.records["Contacts"] == []
    assert all(identifier in result.exit for identifier in bad)


def test_modules_without_ids_and_lists(vtiger: Start) -> None:
    simulator = vtiger(rows=100)
    result = run(simulator.config())
    assert result.schemas["ProductTaxes"]["key_properties"] == ["productid", "taxid"]
    described = simulator.store.modules["Leads"].describe["fields"]
    wanted = [
        (field["name"], choice["value"], choice["label"])
        for field in described
        for choice in field["type"].get("picklistValues", [])
    ]
    found = [record for record in result.records["picklists"] if record["entity"] == "Leads"]
    assert sorted((record["field"], record["value"], record["label"]) for record in found) == sorted(wanted)


def test_a_module_that_nobody_may_query(vtiger: Start) -> None:
    simulator = vtiger("simplycrm")
    result = run(simulator.config())
    assert result.exit == ""
    for module in ("Groups", "Currency", "DocumentFolders"):
        assert module not in result.schemas
        assert result.log.count(f"{module} is left out: the CRM does not offer it to this user.") == 1
