"""The InTouch simulator answers as the vendor documents it, and every open point can be switched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from crm_simulators.base import Fault
from crm_simulators.intouch import InTouchSimulator, Switches

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]


class Http:
    """A session that is logged in."""

    def __init__(self, simulator: InTouchSimulator, login: str = "gregor") -> None:
        self.simulator = simulator
        self.session = requests.Session()
        password = simulator.users[login].password
        self.session.auth = (login.encode(), password.encode())  # type: ignore[assignment]

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        base = self.simulator.config()["url"] + "/api/"
        return self.session.request(method, base + path, timeout=10, **more)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self.expect(status, "GET", path, params=params)

    def expect(self, status: int, method: str, path: str, **more: Any) -> Any:
        reply = self(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None


@pytest.fixture(name="simulator")
def a_simulator() -> Iterator[InTouchSimulator]:
    with InTouchSimulator(rows=60) as simulator:
        yield simulator


@pytest.fixture(name="http")
def a_session(simulator: InTouchSimulator) -> Http:
    return Http(simulator)


def person(number: int = 1, **more: Any) -> Record:
    return {"type": "INDIVIDUAL", "surname": "Čapek", "firstname": "Karel", "comment": f"nr {number}", **more}


def fields(error: Record) -> list[str | None]:
    assert error["ok"] is False
    return [entry.get("field") for entry in error["problems"]]


@pytest.mark.parametrize("auth", [None, ("gregor", "wrong"), ("nobody", "x"), ("", "")])
def test_wrong_credentials_are_refused_with_the_standard_error(
    simulator: InTouchSimulator, auth: tuple[str, str] | None
) -> None:
    reply = requests.get(simulator.url + "/api/parties", auth=auth, timeout=10)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    assert (reply.json()["ok"], reply.json()["status"]) == (False, 401)


def test_a_mangled_authorization_header_is_401(simulator: InTouchSimulator) -> None:
    for header in ("Basic", "Basic ???", "Basic /w==", "Bearer Z3JlZ29y"):
        reply = requests.get(simulator.url + "/api/parties", headers={"Authorization": header}, timeout=10)
        assert reply.status_code == 401


def test_the_end_of_sessions_means_nothing_to_basic_authentication(simulator: InTouchSimulator, http: Http) -> None:
    simulator.fault = lambda _call: Fault.EXPIRED_SESSION
    assert http.get("parties")["total"] == 60


def test_a_user_without_rights_is_refused(simulator: InTouchSimulator) -> None:
    Http(simulator, "robot").expect(403, "POST", "parties", json=person())
    Http(simulator, "eva").expect(403, "PUT", "lists/x", json={"name": "X", "locked": False})


def test_roles_limit_what_is_seen_and_counted(simulator: InTouchSimulator) -> None:
    eva = Http(simulator, "eva")
    page = eva.get("parties", size=10, position=5)
    assert page["total"] == 30
    assert {item["ownerGroup"] for item in page["items"]} == {"obchod"}
    hidden = next(row["id"] for row in simulator.records("parties") if row["ownerGroup"] == "servis")
    eva.get(f"parties/{hidden}", 404)


def test_the_installation_may_sit_below_a_path() -> None:
    with InTouchSimulator(rows=5, switches=Switches(context_path="/intouch")) as simulator:
        assert simulator.config()["url"].endswith("/intouch")
        assert Http(simulator).get("parties")["total"] == 5
        assert requests.get(simulator.url + "/api/parties", timeout=10).status_code == 404


def test_the_envelope_names_an_order_only_when_there_is_one(http: Http) -> None:
    page = http.get("parties")
    assert {name: page[name] for name in page if name != "items"} == {"total": 60, "position": 0, "size": 20}
    assert len(page["items"]) == 20
    page = http.get("parties", orderBy="modified", desc="true", position=55)
    assert (page["orderBy"], page["desc"], page["size"], len(page["items"])) == ("modified", True, 20, 5)
    assert http.get("parties", orderBy="id")["desc"] is False


def test_pages_put_together_are_the_whole_in_order(simulator: InTouchSimulator, http: Http) -> None:
    for desc in (False, True):
        walked: list[Record] = []
        while True:
            page = http.get("parties", orderBy="modified", desc=str(desc).lower(), size=7, position=len(walked))
            if not page["items"]:
                break
            walked += page["items"]
        assert sorted(item["id"] for item in walked) == [row["id"] for row in simulator.records("parties")]
        stamps = [item["modified"] for item in walked]
        assert stamps == sorted(stamps, reverse=desc)


def test_an_oversize_page_is_clamped_and_the_used_size_echoed() -> None:
    with InTouchSimulator(rows=1005) as simulator:
        page = Http(simulator).get("parties", size=5000)
        assert (page["size"], len(page["items"]), page["total"]) == (1000, 1000, 1005)
    with InTouchSimulator(rows=3, switches=Switches(oversize="reject")) as simulator:
        assert fields(Http(simulator).get("parties", 400, size=1001)) == ["size"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("orderBy", "nonsense"), ("orderBy", "contacts"), ("size", "0"), ("size", "x"), ("position", "-1"), ("desc", "1")],
)
def test_bad_parameters_are_400(http: Http, name: str, value: str) -> None:
    assert fields(http.get("parties", 400, **{name: value})) == [name]


def test_an_unknown_order_can_be_ignored() -> None:
    with InTouchSimulator(rows=3, switches=Switches(unknown_order="ignore")) as simulator:
        assert "orderBy" not in Http(simulator).get("parties", orderBy="nonsense")


@pytest.mark.parametrize("nulls_first", [True, False])
def test_nulls_stand_at_one_end(nulls_first: bool) -> None:
    with InTouchSimulator(rows=40, switches=Switches(nulls_first=nulls_first)) as simulator:
        values = [item["birthday"] for item in Http(simulator).get("parties", size=100, orderBy="birthday")["items"]]
        assert (values[0] is None) is nulls_first
        assert (values[-1] is None) is not nulls_first


def test_no_filter_is_heeded(http: Http) -> None:
    assert http.get("parties", modifiedSince="2030-01-01", id=1, surname="x")["total"] == 60


def test_a_changed_record_jumps_to_the_front_and_pushes_the_others_back(
    simulator: InTouchSimulator, http: Http
) -> None:
    first = http.get("parties", orderBy="modified", desc="true", size=10)["items"]
    last = http.get("parties", orderBy="modified", desc="true", position=59)["items"][0]
    simulator.change("parties", last["id"], {"comment": "changed"}, by="eva")
    second = http.get("parties", orderBy="modified", desc="true", size=10, position=10)["items"]
    assert second[0]["id"] == first[-1]["id"]
    newest = http.get("parties", orderBy="modified", desc="true", size=1)["items"][0]
    assert (newest["id"], newest["comment"], newest["modifiedBy"]) == (last["id"], "changed", "eva")


def test_250_records_share_a_second_across_page_borders() -> None:
    with InTouchSimulator(rows=1500) as simulator:
        stamps: list[str] = []
        for position in (0, 1000):
            page = Http(simulator).get("parties", orderBy="modified", desc="true", size=1000, position=position)
            stamps += [item["modified"] for item in page["items"]]
        shared = [stamp for stamp, count in Counter(stamps).items() if count == 250]
        assert len(shared) == 2
        assert stamps[99] == stamps[100] == stamps[200]
        assert stamps[999] == stamps[1000]


def test_times_are_local_and_have_no_zone(simulator: InTouchSimulator, http: Http) -> None:
    winter = simulator.clock.now().replace(month=1, day=15, hour=12, minute=0, second=0, microsecond=0)
    simulator.clock.advance((winter + timedelta(days=366) - simulator.clock.now()).total_seconds())
    created = http.expect(201, "POST", "parties", json=person())
    assert created["entered"] == created["modified"]
    assert created["entered"][10:16] == "T13:00"
    assert len(created["entered"]) == 19


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
        with InTouchSimulator(rows=3, switches=Switches(location=how)) as simulator:  # type: ignore[arg-type]
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


def test_money_keeps_its_two_places(http: Http) -> None:
    body = {"name": "x", "customer": 1, "amount": 10500, "expense": 0.125}
    reply = http("POST", "opportunities", json=body)
    assert '"amount": 10500.00,' in reply.text
    assert '"expense": 0.13,' in reply.text
    assert '"profit": 10499.87,' in reply.text


@pytest.mark.parametrize("shape", ["array", "object", "flat", "absent"])
def test_shapes_of_contact_details(shape: Any) -> None:
    shapes: dict[str, Record] = {
        "array": {"contacts": [{"type": "EMAIL", "value": "a@b.cz"}, {"type": "WEB", "value": "b.cz"}]},
        "object": {"contacts": {"EMAIL": ["a@b.cz"], "WEB": ["b.cz"]}},
        "flat": {"email": "a@b.cz", "web": "b.cz"},
        "absent": {},
    }
    given = shapes[shape]
    with InTouchSimulator(rows=10, switches=Switches(contact_details=shape)) as simulator:
        http = Http(simulator)
        record = http.expect(201, "POST", "parties", json=person(**given))
        assert given.items() <= record.items()
        assert http.expect(200, "PUT", f"parties/{record['id']}", json=record)["comment"] == "nr 1"
        if shape == "flat":
            patched = http.expect(200, "PATCH", f"parties/{record['id']}", json={"email": "c@b.cz"})
            assert (patched["email"], patched["web"]) == ("c@b.cz", "b.cz")
        if shape == "absent":
            http.expect(400, "POST", "parties", json=person(contacts=[]))
            assert "contacts" not in record


def test_shapes_of_custom_fields() -> None:
    with InTouchSimulator(rows=3, switches=Switches(custom_attributes="nested")) as simulator:
        record = Http(simulator).expect(201, "POST", "parties", json=person(attributes={"attrPoints": 4}))
        assert record["attributes"] == {"attrShirtSize": None, "attrPoints": 4, "attrSigned": None}
    with InTouchSimulator(rows=3, switches=Switches(custom_attributes="absent")) as simulator:
        assert fields(Http(simulator).expect(400, "POST", "parties", json=person(attrPoints=4))) == ["attrPoints"]


def test_nulls_can_be_left_out() -> None:
    with InTouchSimulator(rows=20, switches=Switches(nulls="absent")) as simulator:
        items = Http(simulator).get("parties")["items"]
        assert all(value is not None for item in items for value in item.values())


@pytest.mark.parametrize("how", ["entered", "null", "absent"])
def test_modified_of_records_never_changed(how: Any) -> None:
    with InTouchSimulator(rows=400, switches=Switches(never_modified=how)) as simulator:
        http = Http(simulator)
        oldest = http.get("parties", orderBy="modified", size=5)["items"][0]
        expected = {"entered": oldest["entered"], "null": None, "absent": "missing"}[how]
        assert oldest.get("modified", "missing") == expected
        changed = http.expect(200, "PATCH", f"parties/{oldest['id']}", json={"comment": "x"})
        assert changed["modified"] > changed["entered"]
        assert http.get("parties", orderBy="modified", desc="true", size=1)["items"][0]["id"] == oldest["id"]


def test_orders_of_all_types_have_only_the_common_fields(http: Http) -> None:
    every = http.get("buscases", size=100)
    assert every["total"] == 15
    assert all("items" not in item and "deliveryDate" not in item for item in every["items"])
    services = http.get("buscases", size=100, caseType=2)
    assert services["total"] == 5
    assert {item["caseType"] for item in services["items"]} == {2}
    assert all("deviceSerial" in item and "items" in item for item in services["items"])
    assert "warrantyUntil" in http.get(f"buscases/{services['items'][0]['id']}")
    assert http.get("buscases", caseType=77)["total"] == 0


def test_orders_of_one_type_are_sorted_among_themselves(simulator: InTouchSimulator, http: Http) -> None:
    oldest = http.get("buscases", caseType=1, orderBy="modified", size=1)["items"][0]
    simulator.change("buscases", oldest["id"])
    newest = http.get("buscases", caseType=1, orderBy="modified", desc="true", size=1)["items"][0]
    assert newest["id"] == oldest["id"]
    assert http.get("buscases", caseType=1, orderBy="deliveryDate")["total"] == 5
    http.get("buscases", 400, orderBy="deliveryDate")


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


def test_code_lists_are_a_plain_array(http: Http) -> None:
    every = http.get("lists")
    assert {"id": "_enf", "name": "Kontakt: Původ"} in every
    origin = http.get("lists/_enf")
    assert origin["locked"] is False
    assert {"name": "Vizitka", "sequence": 0, "value": "bcca"} in origin["items"]


def test_an_administrator_makes_and_renames_lists(http: Http) -> None:
    http.expect(201, "PUT", "lists/tvary", json={"name": "Tvary", "locked": False})
    renamed = http.expect(200, "PUT", "lists/tvary", json={"name": "Tvary 2", "locked": True})
    assert renamed == {"id": "tvary", "name": "Tvary 2", "locked": True, "items": []}
    http.expect(400, "PUT", f"lists/{'x' * 33}", json={"name": "Tvary"})
    http.expect(400, "PUT", "lists/tvary", json={"locked": False})
    http.expect(405, "POST", "lists", json={})


@pytest.mark.parametrize(
    ("flavour", "missing"),
    [("7.1", []), ("6.5", ["comm"]), ("6.2", ["members", "buscases", "products", "stores", "invoices", "comm"])],
)
def test_older_versions_lack_resources(flavour: str, missing: list[str]) -> None:
    every = ["parties", "members", "opportunities", "buscases", "products", "stores", "invoices", "comm", "lists"]
    with InTouchSimulator(rows=3, flavour=flavour) as simulator:
        http = Http(simulator)
        assert [name for name in every if http("GET", name).status_code == 404] == missing


def test_a_missing_resource_can_be_a_page_of_html() -> None:
    with InTouchSimulator(rows=3, flavour="6.2", switches=Switches(missing_resource="html")) as simulator:
        reply = Http(simulator)("GET", "comm")
        assert (reply.status_code, reply.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")


def test_too_many_requests_are_throttled() -> None:
    with InTouchSimulator(rows=3, switches=Switches(requests_per_second=1)) as simulator:
        http = Http(simulator)
        replies = [http("GET", "lists") for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 429]
        assert replies[-1].headers["Retry-After"] == "1"


def test_the_peak_is_the_busiest_second(simulator: InTouchSimulator, http: Http) -> None:
    assert simulator.peak_requests_per_second == 0
    http.get("lists")
    first = simulator.calls.pop()
    simulator.calls += [replace(first, at=at) for at in (0.0, 0.5, 0.9, 1.4, 1.45, 1.5, 9.0)]
    assert simulator.peak_requests_per_second == 4


def test_the_store_is_open_to_tests(simulator: InTouchSimulator, http: Http) -> None:
    number = simulator.insert("opportunities", {"name": "Tajná", "customer": 1, "amount": Decimal("1.50")})
    assert http.get(f"opportunities/{number}")["amount"] == 1.5
    simulator.delete("opportunities", number)
    http.get(f"opportunities/{number}", 404)
    assert number not in {item["id"] for item in http.get("opportunities", size=100)["items"]}
    assert simulator.insert("opportunities", {"name": "Další"}) == int(str(number)) + 1
    assert simulator.insert("members", {"org": 1, "member": 2}) == (1, 2)
    simulator.change("members", (1, 2), {"role": "x"})
    assert simulator.records("members")[0]["role"] == "x"
    assert {entry["id"] for entry in simulator.records("lists")} >= {"_enf", "barvy"}


def test_the_seed_is_the_same_every_time_and_in_the_past() -> None:
    first, second = InTouchSimulator(rows=50), InTouchSimulator(rows=50)
    for name in ("parties", "members", "opportunities", "buscases", "products", "stores", "invoices", "comm"):
        assert first.records(name) == second.records(name)
        assert all(row.get("modified", "2025") < "2026" for row in first.records(name))
