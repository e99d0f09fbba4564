"""The InTouch simulator takes and refuses writes as the vendor documents it, and every open point can be switched."""

from __future__ import annotations

import pytest

from crm_simulators.intouch import InTouchSimulator, Switches
from tests.crm_simulators.intouch.caller import Http, Record, fields, person


def test_create_answers_the_stored_record_and_its_address(simulator: InTouchSimulator, http: Http) -> None:
    body = person(contacts=[{"type": "EMAIL", "value": "karel@capek.cz"}], attrPoints=7, birthday="1890-01-09")
    reply = http("POST", "parties", json=body)
    assert reply.status_code == 201
    record = reply.json()
    assert body.items() <= record.items()
    assert reply.headers["Location"] == f"{simulator.url}/api/parties/{record['id']}"
    assert (record["id"], record["enteredBy"], record["enteredByValue"]) == (61, "gregor", "Gregor Samsa")
    assert http.get("parties/61") == record
    assert simulator.records("parties")[-1]["surname"] == "Čapek"


def test_location_can_be_relative_or_missing() -> None:
    for how, expected in (("relative", "/api/stores/4"), ("absent", None)):
        with InTouchSimulator(rows=3, switches=Switches(location=how)) as simulator:  # type: ignore[arg-type]  # one of its words
            assert Http(simulator)("POST", "stores", json={"subject": "x"}).headers.get("Location") == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "INDIVIDUAL"}, "surname"),
        ({"surname": "Čapek"}, "type"),
        ({"type": "PERSON", "surname": "Čapek"}, "type"),
        ({"type": "ORGANIZATION", "company": "X", "surname": "Čapek"}, "surname"),
        (person(id=7), "id"),
        (person(surname="R2D2"), "surname"),
        (person(shoeSize=44), "shoeSize"),
        (person(birthday="9.1.1890"), "birthday"),
        (person(birthday="2025-02-30"), "birthday"),
        (person(firstname=5), "firstname"),
        (person(canShopping="yes"), "canShopping"),
        (person(firstname="x" * 65), "firstname"),
        (person(country="Czechia"), "country"),
        (person(categories="c1,c65"), "categories"),
        (person(enteredFrom="nope"), "enteredFrom"),
        (person(ownerUser="nobody"), "ownerUser"),
        (person(contacts=[{"type": "EMAIL", "value": "no address"}]), "contacts"),
        (person(contacts=[{"type": "EMAIL", "value": "USER0@example.com"}]), "email"),
        (person(attrPoints="many"), "attrPoints"),
    ],
)
def test_strict_validation(simulator: InTouchSimulator, http: Http, body: Record, field: str) -> None:
    error = http.expect(400, "POST", "parties", json=body)
    assert fields(error) == [field]
    assert {entry["level"] for entry in error["problems"]} == {"SEVERE"}
    assert len(simulator.records("parties")) == 60


def test_several_problems_come_at_once(http: Http) -> None:
    error = http.expect(400, "POST", "opportunities", json={"amount": "1", "customer": 999, "stage": "x"})
    assert set(fields(error)) == {"amount", "customer", "stage", "name"}


def test_the_documented_message_about_names(http: Http) -> None:
    error = http.expect(400, "POST", "parties", json=person(surname="R2D2"))
    assert error["problems"] == [{"level": "SEVERE", "field": "surname", "message": "This is not human name"}]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"type": NaN}', b"\xff"])
def test_what_is_no_json_object_is_400(http: Http, body: bytes) -> None:
    reply = http("POST", "parties", data=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400


def test_a_body_of_another_type_is_415(http: Http) -> None:
    http.expect(415, "POST", "parties", data={"type": "INDIVIDUAL"})


def test_errors_may_come_without_a_body() -> None:
    with InTouchSimulator(rows=3, switches=Switches(error_bodies=False)) as simulator:
        assert Http(simulator)("GET", "parties/99").content == b""
        assert Http(simulator)("GET", "parties/99").status_code == 404


def test_put_resets_what_is_missing_and_patch_keeps_it(simulator: InTouchSimulator, http: Http) -> None:
    created = http.expect(201, "POST", "parties", json=person(city="Brno", attrPoints=3))
    simulator.clock.advance(5)
    patched = http.expect(200, "PATCH", f"parties/{created['id']}", json={"street": "Dlouhá"})
    assert (patched["city"], patched["street"], patched["attrPoints"]) == ("Brno", "Dlouhá", 3)
    assert patched["modified"] > created["modified"]
    emptied = http.expect(200, "PATCH", f"parties/{created['id']}", json={"street": None})
    assert emptied["street"] is None
    put = http.expect(200, "PUT", f"parties/{created['id']}", json=person(street="Krátká"))
    assert (put["city"], put["street"], put["attrPoints"]) == (None, "Krátká", None)
    assert (put["id"], put["entered"]) == (created["id"], created["entered"])


def test_put_can_merge() -> None:
    with InTouchSimulator(rows=3, switches=Switches(put_resets=False)) as simulator:
        put = Http(simulator).expect(200, "PUT", "stores/1", json={"street": "Nová"})
        assert (put["subject"], put["street"]) == ("Hlavní sklad", "Nová")


def test_read_only_fields_and_twins_are_passed_over(http: Http) -> None:
    record = http.get("parties/1")
    mine = {**record, "entered": "1999-01-01T00:00:00", "enteredBy": "x", "debit": 5, "countryValue": "Mars"}
    stored = http.expect(200, "PUT", "parties/1", json=mine)
    volatile = {"modified", "modifiedBy"}
    assert {n: v for n, v in stored.items() if n not in volatile} == {
        n: v for n, v in record.items() if n not in volatile
    }


@pytest.mark.parametrize("resource", ["parties", "opportunities", "buscases", "products", "stores", "invoices", "comm"])
def test_every_seeded_record_can_be_read_and_put_back(http: Http, resource: str) -> None:
    for item in http.get(resource, size=1000)["items"]:
        record = http.get(f"{resource}/{item['id']}")
        stored = http.expect(200, "PUT", f"{resource}/{item['id']}", json=record)
        assert {**stored, "modified": 0, "modifiedBy": 0} == {**record, "modified": 0, "modifiedBy": 0}


def test_an_id_in_the_body_must_be_that_of_the_address(http: Http) -> None:
    assert fields(http.expect(400, "PATCH", "parties/1", json={"id": 2})) == ["id"]


def test_a_posted_id_can_be_ignored() -> None:
    with InTouchSimulator(rows=3, switches=Switches(post_with_id="ignore")) as simulator:
        assert Http(simulator).expect(201, "POST", "parties", json=person(id=999))["id"] == 4


def test_duplicates_are_refused_on_every_way_in(simulator: InTouchSimulator, http: Http) -> None:
    firm = next(row for row in simulator.records("parties") if row["ico"])
    body = {"type": "ORGANIZATION", "company": "Another", "ico": firm["ico"]}
    assert fields(http.expect(400, "POST", "parties", json=body)) == ["ico"]
    other = http.expect(201, "POST", "parties", json={**body, "ico": "87654321"})
    assert fields(http.expect(400, "PATCH", f"parties/{other['id']}", json={"ico": firm["ico"]})) == ["ico"]
    simulator.delete("parties", firm["id"])
    assert http.expect(200, "PATCH", f"parties/{other['id']}", json={"ico": firm["ico"]})["ico"] == firm["ico"]


@pytest.mark.parametrize("rule", ["phone", "name"])
def test_the_rule_for_duplicates_can_be_another(rule: str) -> None:
    with InTouchSimulator(rows=0, switches=Switches(duplicate_rule=frozenset({rule}))) as simulator:
        http = Http(simulator)
        body = person(contacts=[{"type": "MOBILE", "value": "+420 111"}])
        http.expect(201, "POST", "parties", json=body)
        assert fields(http.expect(400, "POST", "parties", json=body)) == [rule]


def test_delete_is_405_404_or_works(http: Http) -> None:
    assert "GET" in http("DELETE", "parties/1").headers["Allow"]
    http.expect(405, "DELETE", "parties/1")
    for status in (404, 204):
        with InTouchSimulator(rows=3, switches=Switches(delete=status)) as simulator:
            Http(simulator).expect(status, "DELETE", "parties/1")
            assert len(simulator.records("parties")) == (2 if status == 204 else 3)


def test_patch_is_offered_by_resource(http: Http) -> None:
    http.expect(405, "PATCH", "stores/1", json={"subject": "x"})
    http.expect(405, "POST", "stores/1", json={"subject": "x"})
    http.expect(405, "DELETE", "parties")


def test_unknown_records_and_resources_are_404(http: Http) -> None:
    for path in ("parties/999", "parties/x", "parties/1/x", "parties/", "tasks", "events", "members/1", "lists/nope"):
        http.get(path, 404)


def test_an_order_takes_the_fields_of_its_type_only(http: Http) -> None:
    body = {"name": "x", "customer": 1, "caseType": 3, "startTime": "08:30", "budget": 5}
    assert http.expect(201, "POST", "buscases", json=body)["startTime"] == "08:30"
    error = http.expect(400, "POST", "buscases", json={**body, "deviceSerial": "1"})
    assert fields(error) == ["deviceSerial"]
    assert fields(http.expect(400, "POST", "buscases", json={**body, "caseType": 9}))[-1] == "caseType"


def test_an_order_may_keep_its_type_to_itself() -> None:
    switches = Switches(case_type_in_record=False, case_types_listed=False, unknown_case_type="reject")
    with InTouchSimulator(rows=12, switches=switches) as simulator:
        http = Http(simulator)
        record = http.get("buscases/1")
        assert "caseType" not in record
        http.expect(200, "PUT", "buscases/1", json=record)
        http.get("buscases", 400, caseType=9)
        http.get("lists/_caseType", 404)


def test_an_invoice_gets_its_numbers_from_the_server(http: Http) -> None:
    body = {"customer": 1, "totalPrice": 10, "items": [{"name": "Práce", "amount": 1, "unitPrice": 10}]}
    record = http.expect(201, "POST", "invoices", json=body)
    assert record["allNumber"] == record["variableSymbol"] + "CZ"
    assert record["items"][0]["name"] == "Práce"
    assert fields(http.expect(400, "POST", "invoices", json={**body, "items": [{"price": 1}]})) == ["items"]


def test_an_invoice_from_an_order_takes_all_or_the_issued_lines(simulator: InTouchSimulator, http: Http) -> None:
    order = next(row for row in simulator.records("buscases") if len(row.get("items", [])) == 3)
    path = f"invoices/createWithBusCase?busCase={order['id']}"
    issued = http.expect(201, "POST", f"{path}&method=1")
    assert [line["name"] for line in issued["items"]] == ["Položka 1", "Položka 3"]
    assert (issued["buscase"], issued["totalPrice"]) == (order["id"], 11550.0)
    assert http.expect(201, "POST", f"{path}&method=1")["items"] == []
    assert len(http.expect(201, "POST", path)["items"]) == 3
    http.expect(404, "POST", "invoices/createWithBusCase?busCase=999")
    http.expect(400, "POST", "invoices/createWithBusCase")
    http.expect(400, "POST", f"{path}&method=2")
    http.expect(405, "GET", path)


def test_a_communication_as_in_the_documentation(http: Http) -> None:
    body = {"customer": 1, "name": "Zavolat", "planContact": "2024-12-24", "contactedTime": "09:05:59"}
    record = http.expect(201, "POST", "comm", json=body)
    assert (record["planContact"], record["contactedTime"]) == ("2024-12-24", "09:05")


def test_members_are_a_page_with_a_composite_key(simulator: InTouchSimulator, http: Http) -> None:
    page = http.get("members", size=100)
    assert page["total"] == len(simulator.records("members")) == 15
    assert "id" not in page["items"][0]
    assert "T00:00:00" in next(item["enteredDate"] for item in page["items"] if item["enteredDate"])
    http.expect(405, "POST", "members", json={})
    with InTouchSimulator(rows=60, switches=Switches(members_paged=False, member_date_name="enterDate")) as unpaged:
        items = Http(unpaged).get("members", size=2, position=5)["items"]
        assert len(items) == 15
        assert "enterDate" in items[0]


def linkable(simulator: InTouchSimulator) -> tuple[int, int]:
    linked = {(row["org"], row["member"]) for row in simulator.records("members")}
    rows = simulator.records("parties")
    firms = [row["id"] for row in rows if row["type"] == "ORGANIZATION"]
    people = [row["id"] for row in rows if row["type"] == "INDIVIDUAL"]
    return next((org, member) for org in firms for member in people if (org, member) not in linked)


def test_a_person_is_connected_once(simulator: InTouchSimulator, http: Http) -> None:
    org, member = linkable(simulator)
    path = f"parties/{org}/connect-member/{member}"
    link = http.expect(201, "POST", path, json={"role": "jednatel", "enteredDate": "2020-04-28T00:00:00"})
    assert (link["org"], link["member"], link["role"]) == (org, member, "jednatel")
    assert link["enteredDate"] == "2020-04-28T00:00:00"
    http.expect(400, "POST", path)
    http.expect(404, "POST", f"parties/{org}/connect-member/999")
    http.expect(400, "POST", f"parties/{member}/connect-member/{org}")
    http.expect(405, "GET", path)


def test_connecting_can_take_a_body_and_update() -> None:
    switches = Switches(connect_member="body", connect_twice="update", member_dates="date")
    with InTouchSimulator(rows=20, switches=switches) as simulator:
        http = Http(simulator)
        org, member = linkable(simulator)
        body = {"org": org, "member": member, "enterDate": "2020-04-28"}
        http.expect(404, "POST", f"parties/{org}/connect-member/{member}")
        http.expect(400, "POST", "parties/connect-member", json={"org": org})
        assert http.expect(201, "POST", "parties/connect-member", json=body)["enteredDate"] == "2020-04-28"
        assert http.expect(200, "POST", "parties/connect-member", json={**body, "role": "x"})["role"] == "x"


def test_import_decides_between_create_and_update(simulator: InTouchSimulator, http: Http) -> None:
    created = http("POST", "parties/import", json=person(contacts=[{"type": "EMAIL", "value": "new@x.cz"}]))
    assert created.status_code == 201
    again = http("POST", "parties/import", json=person(2, contacts=[{"type": "EMAIL", "value": "NEW@x.cz"}]))
    assert (again.status_code, again.json()["id"]) == (200, created.json()["id"])
    assert (again.json()["comment"], again.json()["firstname"]) == ("nr 2", "Karel")
    firm = next(row for row in simulator.records("parties") if row["ico"])
    matched = http.expect(200, "POST", "parties/import", json={"ico": firm["ico"], "city": "Zlín"})
    assert (matched["id"], matched["company"], matched["city"]) == (firm["id"], firm["company"], "Zlín")
    assert http.expect(200, "POST", "parties/import", json={"id": 2, "city": "Aš"})["city"] == "Aš"
    http.expect(400, "POST", "parties/import", json={"city": "Aš"})
    http.expect(405, "GET", "parties/import")


def test_import_in_other_forms() -> None:
    switches = Switches(import_verb="PUT", import_merges=False, import_updated_status=204, import_body="empty")
    with InTouchSimulator(rows=5, switches=switches) as simulator:
        http = Http(simulator)
        assert http.expect(201, "PUT", "parties/import", json=person()) is None
        assert http.expect(204, "PUT", "parties/import", json=person(id=6, firstname=None)) is None
        assert simulator.records("parties")[-1]["firstname"] is None
        http.expect(405, "POST", "parties/import", json=person())
