"""The InTouch simulator is read as the vendor documents it, and every open point can be switched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from crm_simulators.base import Fault
from crm_simulators.intouch import InTouchSimulator, Switches
from tests.crm_simulators.intouch.caller import Http, Record, fields, person


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


def test_anybody_is_told_version_and_time_zone() -> None:
    with InTouchSimulator(rows=3, flavour="6.5") as simulator:
        simulator.clock.zone = ZoneInfo("Asia/Tokyo")
        http = Http(simulator)
        http.session.auth = None
        told = http.expect(200, "GET", "about")
        assert (told["version"], told["timeZone"], told["mode"]) == ([6, 5, 0, 0], "Asia/Tokyo", 100)
        http.expect(405, "POST", "about", json={})
    with InTouchSimulator(rows=3, switches=Switches(about="absent")) as simulator:
        Http(simulator).expect(404, "GET", "about")


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
