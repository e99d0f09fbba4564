"""Vtiger's modules: fields that only some rows show, keys of rows without an id, records that break a look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from tests.running import discover, only, run
from tests.tap_crm.test_trouble import answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]


def schema_of(simulator: VtigerSimulator, module: str) -> dict[str, Any]:
    """The entry of one module in the catalog."""
    found: dict[str, Any] = discover({**simulator.config(), "entities": [module]})["streams"][0]
    return found


@pytest.mark.parametrize("module", ["Documents", "ModComments", "Contacts"])
@pytest.mark.parametrize("has_files", [False, True])
def test_the_id_of_a_file_is_always_in_the_schema(vtiger: Start, module: str, *, has_files: bool) -> None:
    simulator = vtiger(rows=60)
    if has_files:
        simulator.store.attachments = {row["id"]: "15x26422" for row in simulator.store.records(module)}
    assert "imageattachmentids" in schema_of(simulator, module)["schema"]["properties"]


def test_a_file_that_comes_after_discovery_is_read(vtiger: Start) -> None:
    simulator = vtiger(rows=60)
    config = {**simulator.config(), "entities": ["Documents"]}
    catalog = only(discover(config), "Documents")
    documents = simulator.store.records("Documents")
    middle = documents[len(documents) // 2]["id"]
    simulator.store.attachments[middle] = "15x26422"
    result = run(config, catalog=catalog)
    assert {row["id"]: row.get("imageattachmentids") for row in result.records["Documents"]}[middle] == "15x26422"


def test_the_newest_records_are_looked_at_as_well(vtiger: Start) -> None:
    simulator = vtiger(rows=120)
    newest = simulator.store.records("Vendors")[-1]["id"]
    simulator.store.attachments[newest] = "15x7"
    assert "imageattachmentids" in schema_of(simulator, "Vendors")["schema"]["properties"]


def test_a_field_that_discovery_did_not_see_is_said_with_what_to_do(vtiger: Start) -> None:
    simulator = vtiger(rows=600)
    rows = simulator.store.records("Leads")
    middle = rows[len(rows) // 2]["id"]
    simulator.store.attachments[middle] = "15x7"
    result = run({**simulator.config(), "entities": ["Leads"]})
    assert "fields that discovery did not see are left out: imageattachmentids. Discover again" in result.log


def test_an_entity_that_is_named_twice_is_described_once(vtiger: Start) -> None:
    records = run({**vtiger(rows=5).config(), "entities": ["Leads", "Leads"]}).records
    for stream in ("fields", "picklists"):
        assert len({json.dumps(each) for each in records[stream]}) == len(records[stream]) > 0


@pytest.mark.parametrize("is_discovered", [True, False])
def test_passwords_and_keys_that_rows_hold_are_left_out_without_a_word(vtiger: Start, *, is_discovered: bool) -> None:
    simulator = vtiger(rows=20, flavour="vtiger-8.0")
    config = {**simulator.config(), "entities": ["Users"]}
    result = run(config, catalog=discover(config) if is_discovered else None)
    assert result.records["Users"]
    assert "secret" not in result.output
    assert "left out" not in result.log


def told(*taxes: str, percent: str = "1.000") -> Answer:
    """The rows of ``ProductTaxes`` as a server would give them that does not break over it."""
    row = {"productid": "14x9", "taxpercentage": percent, "regions": "[]"}
    return Answer(json.dumps({"success": True, "result": [{**row, "taxid": tax} for tax in taxes]}).encode())


def is_of_taxes(call: Call) -> bool:
    """Whether it asks for rows of ``ProductTaxes``."""
    return "* from ProductTaxes" in call.query.get("query", "")


def test_rows_without_an_id_are_known_by_what_they_relate(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    answering(simulator, told("34x1", "34x2", "34x3"), when=is_of_taxes)
    result = run({**simulator.config(), "entities": ["ProductTaxes"]})
    assert result.exit == ""
    assert result.schemas["ProductTaxes"]["key_properties"] == ["productid", "taxid"]
    assert [row["taxid"] for row in result.records["ProductTaxes"]] == ["34x1", "34x2", "34x3"]


def test_what_two_rows_without_an_id_share_is_no_key(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    first, second = (json.loads(told("34x1", percent=each).body)["result"] for each in ("1.000", "2.000"))
    page = Answer(json.dumps({"success": True, "result": [*first, *second]}).encode())
    answering(simulator, page, when=is_of_taxes)
    assert schema_of(simulator, "ProductTaxes").get("key_properties", []) == []


@pytest.mark.parametrize("tells_errors", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_a_module_that_the_server_cannot_hand_out_is_empty_only_if_it_counts_none(
    vtiger: Start, count: int, *, tells_errors: bool
) -> None:
    """The real ones break over rows without ids; 8 says that there are none, 7 that its database failed (measured)."""
    simulator = vtiger("vtiger-8.4", rows=20)
    for tax in range(count):
        simulator.store.add("ProductTaxes", {"productid": "14x9", "taxid": f"34x{tax}", "taxpercentage": "1.000"})
    if tells_errors:
        error = {"code": "DATABASE_QUERY_ERROR", "message": "Database error while performing requested operation"}
        answering(simulator, Answer(json.dumps({"success": False, "error": error}).encode()), when=is_of_taxes)
    result = run({**simulator.config(), "entities": ["ProductTaxes"]})
    assert result.records["ProductTaxes"] == []
    assert ("ProductTaxes: the CRM has 3 records and hands out none: leave" in result.exit) == bool(count)
    assert bool(result.exit) == bool(count)


def test_a_server_that_gives_the_same_page_again_and_again(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    row = {"productid": "14x9", "taxid": "34x1", "taxpercentage": "1.000", "regions": "[]"}
    for size in (3, 100):
        rows = [{**row, "taxid": f"34x{number}"} for number in range(1, size + 1)]
        page = Answer(json.dumps({"success": True, "result": rows}).encode())
        answering(simulator, page, when=lambda call: "from ProductTaxes" in call.query.get("query", ""))
        simulator.calls.clear()
        result = run({**simulator.config(), "entities": ["ProductTaxes"]})
        assert len(simulator.calls) < 20
        assert len(result.records["ProductTaxes"]) == size
        assert ("gives the same records again and again" in result.exit) == (size == 100)


def breaking(simulator: VtigerSimulator, *identifiers: str) -> None:
    """Has the server answer HTTP 500 to each page of whole rows that holds one of these records."""
    proper = simulator.answer

    def answer(call: Call) -> Answer:
        given = proper(call)
        is_broken = call.query.get("query", "").startswith("select *") and any(
            f'"id":"{each}"' in given.body.decode().replace(" ", "") for each in identifiers
        )
        return Answer(b"", 500, "text/html; charset=UTF-8") if is_broken else given

    simulator.answer = answer


@pytest.mark.parametrize("ends", [(0,), (-1,), (0, -1)], ids=["oldest", "newest", "both"])
def test_a_record_that_breaks_the_look_hides_nothing(vtiger: Start, ends: tuple[int, ...]) -> None:
    simulator = vtiger(rows=120)
    config = {**simulator.config(), "entities": ["Contacts"]}
    lists = run(config).records["picklists"]
    ids = [row["id"] for row in simulator.store.records("Contacts")]
    broken = [ids[end] for end in ends]
    breaking(simulator, *broken)
    result = run({**config, "skip_unreadable": True})
    assert result.exit == ""
    assert sorted(row["id"] for row in result.records["Contacts"]) == sorted(set(ids) - set(broken))
    assert result.records["picklists"] == lists
    assert "Contacts: look at a few records: the server failed (HTTP 500)" in result.log


def test_a_failing_module_with_a_catalog_fails_alone(vtiger: Start) -> None:
    simulator = vtiger(rows=60)
    config = simulator.config()
    catalog = only(discover(config), "Accounts", "Contacts", "Leads")
    simulator.fault = lambda call: Fault.HTML if "Contacts" in str(call.query) else None
    result = run(config, catalog=catalog)
    assert "Contacts: find the newest record: the server answered a web page" in result.exit
    assert result.records["Accounts"]
    assert result.records["Leads"]


def test_many_failing_modules_in_a_row_are_the_server(vtiger: Start) -> None:
    simulator = vtiger(rows=5)
    simulator.fault = lambda call: Fault.ERROR_BEFORE if call.query.get("operation") == "describe" else None
    result = run(simulator.config())
    assert "describe: the server failed (HTTP 500)" in result.exit
    assert len(simulator.calls) < 100


def test_a_refusal_that_passes_is_no_absence(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    proper, denials = simulator.answer, iter([True])
    denied = Answer(b'{"success":false,"error":{"code":"ACCESS_DENIED","message":"no"}}')

    def answer(call: Call) -> Answer:
        is_look = call.query.get("operation") == "describe" and call.query["elementType"] == "Contacts"
        return denied if is_look and next(denials, False) else proper(call)

    simulator.answer = answer
    result = run({**simulator.config(), "entities": ["Contacts"]})
    assert result.exit == ""
    assert result.records["Contacts"]


def test_sync_that_does_not_work_is_said_with_where_the_mend_is(vtiger: Start) -> None:
    simulator = vtiger(rows=20, sync=False)
    config = {**simulator.config(), "entities": ["Leads"], "deletion_records": "marked"}
    catalog = only(discover(config), "Leads")
    state = run(config, catalog=catalog).state
    said = run(config, catalog=catalog, state=state).log
    assert "`sync` does not work (HTTP 500): as on a fresh Vtiger 7 or 8, which https://crm-singer.github.io/" in said
