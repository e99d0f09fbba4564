"""Writing into InTouch CRM: what is created and changed, and what is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from crm_systems.errors import NotOffered, OutcomeUnknown, Rejected
from crm_systems.intouch.answers import meaning
from crm_systems.intouch.records import as_json
from crm_systems.kinds import Notation
from crm_systems.model import Field, Kind, Reply, Request
from tests.crm_systems.intouch.shown import client, entity, installation, read, write, written

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.intouch import InTouchSimulator

SHAPES = ("array", "object", "flat")


def newest(simulator: InTouchSimulator, resource: str) -> dict[str, Any]:
    return max(simulator.records(resource), key=lambda row: row["id"])


def stored(simulator: InTouchSimulator, resource: str, key: int) -> dict[str, Any]:
    return next(row for row in simulator.records(resource) if row["id"] == key)


def bodies(simulator: InTouchSimulator, method: str) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in simulator.calls if call.method == method]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_party_with_contact_details_labels_and_categories(tmp_path: Path, shape: str) -> None:
    new = {
        "type": "INDIVIDUAL",
        "surname": "Příliš",
        "email": "prilis@example.com",
        "phone": "+420 777 123 456",
        "enteredFrom": "Vizitka",
        "categories": ["Kategorie 1", "c64"],
        "birthday": "1990-02-28",
        "canShopping": "yes",
        "attrPoints": "12",
    }
    with installation(contact_details=shape) as simulator:
        first = write(simulator, tmp_path, "parties", new)
        assert first.exit == ""
        row = newest(simulator, "parties")
        assert (row["enteredFrom"], row["categories"], row["birthday"]) == ("bcca", "c1,c64", "1990-02-28")
        assert (row["canShopping"], row["attrPoints"], row["enteredBy"]) == (True, 12, "gregor")
        assert sorted((each["type"], each["value"]) for each in row["contacts"]) == [
            ("EMAIL", "prilis@example.com"),
            ("PHONE", "+420 777 123 456"),
        ]
        assert "stored otherwise" not in first.log
        simulator.calls.clear()
        assert write(simulator, tmp_path, "parties", new).exit == ""
        assert written(simulator) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_changed_detail_leaves_the_others_alone(tmp_path: Path, shape: str) -> None:
    with installation(contact_details=shape) as simulator:
        before = stored(simulator, "parties", 1)
        assert [each["type"] for each in before["contacts"]] == ["EMAIL", "PHONE", "EMAIL", "WEB"]
        result = write(
            simulator,
            tmp_path,
            "parties",
            {"key": "1", "email": "changed@example.com", "city": "Brno"},
            identify_by="id",
        )
        assert result.exit == ""
        after = stored(simulator, "parties", 1)
        kept = [each for each in before["contacts"] if each["value"] != "user0@example.com"]
        left = [each for each in after["contacts"] if each["value"] != "changed@example.com"]
        assert sorted(each["value"] for each in left) == sorted(each["value"] for each in kept)
        assert len(after["contacts"]) == 4
        same = set(before) - {"contacts", "city", "modified", "modifiedBy"}
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
        assert [set(body) <= {"city", "contacts", "email"} for body in bodies(simulator, "PATCH")] == [True]


def test_exact_amounts_and_references_by_label(tmp_path: Path) -> None:
    with installation() as simulator:
        simulator.insert("opportunities", {"name": "The parent", "customer": 1})
        new = {"name": "Deal", "customer": "3", "amount": "99999999999.99", "parent": "The parent"}
        new |= {"closeDate": "2026-01-31"}
        result = write(simulator, tmp_path, "opportunities", new, identify_by=["name"])
        assert result.exit == ""
        row = newest(simulator, "opportunities")
        assert (row["customer"], row["amount"], row["closeDate"]) == (3, Decimal("99999999999.99"), "2026-01-31")
        assert stored(simulator, "opportunities", row["parent"])["name"] == "The parent"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_without_patch_the_whole_record_is_put(tmp_path: Path, status: int) -> None:
    with installation(patch=frozenset()) as simulator:
        proper = simulator.answer
        simulator.answer = lambda call: Answer(b"", status) if call.method == "PATCH" else proper(call)
        before = stored(simulator, "products", 2), stored(simulator, "products", 3)
        changes: list[dict[str, Any]] = [{"key": "2", "name": "Renamed"}, {"key": "3", "action": True, "price": 1.5}]
        assert write(simulator, tmp_path, "products", *changes, identify_by="id").exit == ""
        assert [method for method, _ in written(simulator)][-3:] == ["PATCH", "PUT", "PUT"]
        expectations: list[dict[str, Any]] = [{"name": "Renamed"}, {"action": True, "price": Decimal("1.50")}]
        for row, expected in zip(before, expectations, strict=True):
            after = stored(simulator, "products", row["id"])
            stamps: dict[str, Any] = {name: after[name] for name in ("modified", "modifiedBy")}
            assert after == {**row, **expected, **stamps}


def test_a_nested_attribute_is_changed_among_the_others(tmp_path: Path) -> None:
    with installation(custom_attributes="nested") as simulator:
        before = stored(simulator, "parties", 2)
        change = {"key": "2", "attributes": {"attrPoints": 99}}
        assert write(simulator, tmp_path, "parties", change, identify_by="id").exit == ""
        after = stored(simulator, "parties", 2)
        assert (after["attrPoints"], after["attrShirtSize"]) == (99, before["attrShirtSize"])


def test_a_code_list_of_numbers_is_written_by_name(tmp_path: Path) -> None:
    with installation() as simulator:
        new = {"name": "Call", "customer": 1, "contactType": "Schůzka", "planContact": "2026-01-02"}
        ties = {"comm.contactType": "_contactType"}
        assert write(simulator, tmp_path, "comm", new, code_lists=ties).exit == ""
        assert newest(simulator, "comm")["contactType"] == 3


@pytest.mark.parametrize("place", ["opportunity.stage", "stage", "parties", "parties."])
def test_a_code_list_of_no_field_stops_the_run(tmp_path: Path, place: str) -> None:
    with installation() as simulator:
        said = write(simulator, tmp_path, "comm", {"name": "Call"}, code_lists={place: "_contactType"}).exit
    assert f"`code_lists` names {place}, which is no field of an entity" in said


def test_a_code_list_that_is_not_there_stops_the_run_where_the_settings_name_it(tmp_path: Path) -> None:
    party = {"type": "ORGANIZATION", "company": "Nová"}
    with installation() as simulator:
        said = write(simulator, tmp_path, "parties", party, code_lists={"parties.city": "_cty"}).exit
        assert ("`code_lists` names _cty, a list that the CRM does not show" in said, written(simulator)) == (True, [])
        proper = simulator.answer
        simulator.answer = lambda call: Answer(b"", 404) if call.path == "/api/lists/_enf" else proper(call)
        assert write(simulator, tmp_path, "parties", party).exit == ""
        strange = write(simulator, tmp_path, "parties", party, code_lists={"parties.town": "_opStage"})
    assert (strange.exit, "`code_lists` names parties.town, a field that no record shows" in strange.log) == ("", True)


def test_a_refused_party_is_rejected_with_the_field_and_without_its_values(tmp_path: Path) -> None:
    with installation() as simulator:
        bad = {"type": "INDIVIDUAL", "surname": "Agent 007"}
        good = {"type": "GROUP", "company": "Good"}
        result = write(
            simulator, tmp_path, "parties", bad, good, max_rejects=1, rejects_path=str(tmp_path / "rejects.jsonl")
        )
        assert result.exit == ""
        assert newest(simulator, "parties")["company"] == "Good"
    assert "it objects to surname (SEVERE)" in result.log
    assert "This is not human name" not in result.log
    assert "This is not human name" in (tmp_path / "rejects.jsonl").read_text("utf-8")


def test_a_duplicate_is_refused_by_the_server_and_found_by_a_match(tmp_path: Path) -> None:
    with installation() as simulator:
        known = next(row for row in simulator.records("parties") if row["ico"])
        twice = {"type": "ORGANIZATION", "company": "Again", "ico": known["ico"]}
        refused = write(simulator, tmp_path, "parties", twice)
        assert "it objects to ico (SEVERE)" in refused.exit
        assert write(simulator, tmp_path, "parties", twice, identify_by=["ico"]).exit == ""
        assert stored(simulator, "parties", known["id"])["company"] == "Again"


@pytest.mark.parametrize("how", ["path", "body"])
def test_members_are_linked_once(tmp_path: Path, how: str) -> None:
    with installation(connect_member=how) as simulator:
        there = {(row["org"], row["member"]) for row in simulator.records("members")}
        kinds = {row["id"]: row["type"] for row in simulator.records("parties")}
        org = next(key for key, kind in kinds.items() if kind == "ORGANIZATION")
        person = next(key for key, kind in kinds.items() if kind == "INDIVIDUAL" and (org, key) not in there)
        link = {"org": org, "member": person, "role": "jednatel", "forInvoice": True}
        more = {"member_linking": how, "write_mode": "create_only", "identify_by": ["org", "member"]}
        for _ in range(2):
            assert write(simulator, tmp_path, "members", link, **more).exit == ""
        links = [row for row in simulator.records("members") if (row["org"], row["member"]) == (org, person)]
        assert [(row["role"], row["forInvoice"]) for row in links] == [("jednatel", True)]
        assert len(written(simulator)) == 1


def test_linking_can_be_switched_off(tmp_path: Path) -> None:
    with installation() as simulator:
        link = {"org": 1, "member": 2}
        result = write(simulator, tmp_path, "members", link, member_linking="off", write_mode="create_only")
        assert "lets this user neither create nor change members" in result.exit
        assert written(simulator) == []


def test_a_look_up_sees_what_others_have_entered_and_changed_meanwhile() -> None:
    with installation(rows=400) as simulator, client(simulator) as opened:
        system, call, parties = opened.system, opened.call, entity(opened, "parties")
        assert system.find(call, parties, {"company": "Newcomer"}) == []
        number = simulator.insert("parties", {"type": "GROUP", "company": "Newcomer"})
        simulator.change("parties", 5, {"company": "Newcomer"})
        simulator.calls.clear()
        assert sorted(row["id"] for row in system.find(call, parties, {"company": "Newcomer"})) == [5, number]
        assert len(simulator.calls) == 4
        simulator.delete("parties", number)
        assert [row["id"] for row in system.find(call, parties, {"company": "newcomer"})] == [5]


def test_an_invoice_is_found_although_it_has_no_address_of_its_own() -> None:
    with installation(single_invoices=False) as simulator, client(simulator) as opened:
        invoices = entity(opened, "invoices")
        row = opened.system.get(opened.call, invoices, "3")
        assert row is not None
        assert row["allNumber"] == stored(simulator, "invoices", 3)["allNumber"]
        assert opened.system.get(opened.call, invoices, "9999") is None
        assert opened.system.get(opened.call, invoices, "x") is None


def test_an_answer_that_tells_only_the_place_tells_the_id() -> None:
    with installation() as simulator, client(simulator) as opened:
        request = Request("POST", "parties: create", "/parties")
        reply = Reply(201, {"location": f"{simulator.url}/api/parties/61/"}, b"")
        assert opened.system.read(request, reply) == {"id": 61}


def test_an_answer_that_says_no_more_than_ok_is_no_record() -> None:
    with installation() as simulator, client(simulator) as opened:
        system, parties = opened.system, entity(opened, "parties")

        def short(request: Request) -> Any:
            told = opened.call(request)
            return told if request.method == "GET" else {"ok": True, "status": 200}

        changed = system.update(short, parties, {"id": 5}, {"city": "Brno"})
        assert (changed["id"], changed["city"]) == (5, "Brno")
        with pytest.raises(OutcomeUnknown):
            system.create(short, parties, {"type": "GROUP", "company": "Somewhere"})


REFUSED = {"ok": False, "status": 400, "problems": [{"level": "SEVERE", "field": "surname", "message": "No name"}]}


def test_a_refusal_with_status_200_is_one() -> None:
    request, reply = Request("PATCH", "parties: change", "/parties/1"), Reply(200, {}, json.dumps(REFUSED).encode())
    with (
        installation() as simulator,
        client(simulator) as opened,
        pytest.raises(Rejected, match=r"it objects to surname \(SEVERE\)"),
    ):
        opened.system.read(request, reply)


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_create_that_is_refused_with_a_status_of_success_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stored: bool
) -> None:
    with installation() as simulator:
        before, answer = len(simulator.records("parties")), simulator.answer

        def contradict(call: Call) -> Answer:
            if call.method != "POST":
                return answer(call)
            if is_stored:
                answer(call)
            return Answer(json.dumps(REFUSED).encode(), 201)

        monkeypatch.setattr(simulator, "answer", contradict)
        result = write(simulator, tmp_path, "parties", {"type": "INDIVIDUAL", "surname": "Příliš"})
        assert len(simulator.records("parties")) == before + is_stored
    assert len([call for call in written(simulator) if call[0] == "POST"]) == 1
    assert ("it objects to surname" in result.exit) is not is_stored
    assert result.line("parties").endswith("1 create" if is_stored else "1 reject")


def test_nothing_is_deleted() -> None:
    with installation() as simulator, client(simulator) as opened:
        with pytest.raises(NotOffered):
            opened.system.delete(opened.call, entity(opened, "parties"), "1")
        assert written(simulator) == []


def test_a_user_who_may_only_read_is_told_so(tmp_path: Path) -> None:
    with installation() as simulator:
        new = {"type": "GROUP", "company": "Not allowed"}
        result = write(simulator, tmp_path, "parties", new, username="robot", password="robot-heslo")
        assert "the user has no right to it" in result.exit
        assert read(simulator, "stores", username="robot", password="robot-heslo").exit == ""


@pytest.mark.parametrize(
    ("told", "sent"),
    [("5", 5), ("-5", -5), ("5\u00b2", "5\u00b2"), ("--5", "--5"), ("9" * 5000,) * 2],
    ids=["5", "-5", "square", "two signs", "endless"],
)
def test_what_only_looks_like_a_number_is_a_text(told: str, sent: int | str) -> None:
    """The server refuses the record then, and no other one waits."""
    assert as_json(Field("org", Kind.REFERENCE), told, Notation(), as_number=False) == sent


def test_an_address_that_ends_in_no_number_names_no_record() -> None:
    reply = Reply(201, {"location": "/api/parties/5\u00b2"}, b"{}")
    assert meaning(Request("POST", "parties: create"), reply) == {}


def test_a_record_that_breaks_its_page_is_not_taken_for_absent(tmp_path: Path) -> None:
    with installation() as simulator:
        broken = next(row for row in simulator.records("parties") if row.get("ico"))
        simulator.switches = replace(simulator.switches, broken=frozenset({broken["id"]}))
        new = {"type": "ORGANIZATION", "company": "Nová", "ico": broken["ico"]}
        result = write(simulator, tmp_path, "parties", new, identify_by=["ico"])
        assert "parties: read: the server failed" in result.exit
        assert written(simulator) == []
