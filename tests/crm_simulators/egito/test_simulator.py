"""The Egito simulator is read as the vendor's page says, and every open point can be switched."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests

from crm_simulators.egito import EgitoSimulator, Switches
from tests.crm_simulators.egito.caller import Http, Record, ask_token, entry, fields, lead


@pytest.mark.parametrize("path", ["Nope/list", "lead/list", "Lead/List", "Lead/delete", "Lead", "SelectDictionary/get"])
def test_unknown_types_and_operations_are_404(http: Http, path: str) -> None:
    http.get(path, 404)


def test_a_404_can_be_a_page_of_html() -> None:
    with EgitoSimulator(rows=0, switches=Switches(not_found="html")) as simulator:
        assert Http(simulator)("GET", "Nope/list").headers["Content-Type"].startswith("text/html")


def test_reads_take_get_and_post_and_writes_post_only(simulator: EgitoSimulator, http: Http) -> None:
    assert http.get("Lead/get", id=1) == http.post("Lead/get", {"id": 1})
    assert len(http.post("Lead/list", {})) == 60
    http.get("Lead/create", 405, **lead(simulator))
    http.expect(405, "PUT", "Lead/update", data={"id": 1})
    with EgitoSimulator(rows=0, switches=Switches(read_verbs=frozenset({"POST"}))) as posting:
        Http(posting).get("Lead/list", 405)


@pytest.mark.parametrize("kind", ["number", "string", "uuid"])
def test_ids_of_all_kinds(kind: Any) -> None:
    with EgitoSimulator(rows=4, switches=Switches(ids=kind)) as simulator:
        http = Http(simulator)
        number = http.post("Lead/create", lead(simulator))["id"]
        assert isinstance(number, int) is (kind == "number")
        assert http.get("Lead/get", id=number)["id"] == number
        accounts = {row["id"] for row in http.get("Account/list")}
        assert {row["accountId"] for row in http.get("Contact/list")} <= accounts
        if kind == "uuid":
            assert uuid.UUID(number).version == 4


@pytest.mark.parametrize("envelope", ["list", "items", "records", "data", "rows", "results"])
@pytest.mark.parametrize("total", ["none", "total", "totalCount", "count", "size"])
def test_envelopes(envelope: Any, total: Any) -> None:
    with EgitoSimulator(rows=3, switches=Switches(envelope=envelope, total=total)) as simulator:
        reply = Http(simulator).get("Lead/list")
        assert [row["id"] for row in reply[envelope]] == [1, 2, 3]
        assert {name: reply[name] for name in reply if name != envelope} == ({} if total == "none" else {total: 3})


def test_by_default_a_list_is_whole_whatever_page_is_asked_for(http: Http) -> None:
    for params in ({"max": 1, "offset": 2}, {"page": 1, "size": 1}, {"start": 3, "limit": 1}):
        assert len(http.get("Lead/list", **params)) == 60


@pytest.mark.parametrize(
    ("paging", "params"),
    [
        ("max_offset", {"max": 10, "offset": 20}),
        ("page_size", {"size": 10, "page": 2}),
        ("start_limit", {"start": 20, "limit": 10}),
    ],
)
def test_paging(paging: Any, params: Record) -> None:
    switches = Switches(paging=paging, page_size=7, largest_page=40)
    with EgitoSimulator(rows=60, switches=switches) as simulator:
        http = Http(simulator)
        assert [row["id"] for row in http.get("Lead/list", **params)] == list(range(21, 31))
        assert len(http.get("Lead/list")) == 7
        size, place = list(params) if paging != "start_limit" else ["limit", "start"]
        assert len(http.get("Lead/list", **{size: 1000})) == 40
        assert http.get("Lead/list", **{size: 10, place: 600}) == []
        assert len(http.get("SelectDictionary/list", type="industry", **{size: 1})) == 5
    switches = replace(switches, past_the_end="last", dictionary_paged=True, first_page=1)
    with EgitoSimulator(rows=55, switches=switches) as simulator:
        http = Http(simulator)
        assert [row["id"] for row in http.get("Lead/list", **{size: 10, place: 600})] == list(range(51, 56))
        assert len(http.get("SelectDictionary/list", type="industry", **{size: 1})) == 1
        if paging == "page_size":
            assert http.get("Lead/list", page=1) == http.get("Lead/list")


def test_filters_and_sorting_may_be_heeded_or_not(http: Http) -> None:
    wanted = http.get("Lead/get", id=2)
    rows = http.get("Lead/list", mainEmail=wanted["mainEmail"], nonsense="x", sort="surname")
    assert [row["id"] for row in rows] == [2]
    suffix = {"mainPhoneNumber.suffix": wanted["mainPhoneNumber"]["suffix"]}
    assert [row["id"] for row in http.get("Lead/list", **suffix)] == [2]
    assert http.get("Lead/list", sort="surname")[0]["id"] == 1
    with EgitoSimulator(rows=400, switches=Switches(filters=False, sorting=True)) as other:
        rows = Http(other).get("Lead/list", mainEmail="x", sort="modified", order="desc")
        stamps = [row["modified"] for row in rows]
        assert stamps == sorted(stamps, reverse=True)
        assert stamps[50] == stamps[99] == stamps[100] == stamps[299]
        assert Http(other).get("Lead/list", sort="mainEmail")[0]["mainEmail"] is None


def test_rows_can_be_short_and_nulls_left_out() -> None:
    with EgitoSimulator(rows=5, switches=Switches(short_rows=True, nulls="absent")) as simulator:
        http = Http(simulator)
        assert all(set(row) <= {"id", "name", "surname"} for row in http.get("Lead/list"))
        assert all(value is not None for value in http.get("Lead/get", id=4).values())


def test_forms_of_dates() -> None:
    moment = datetime(2025, 7, 1, 12, 30, 59, 123000, tzinfo=timezone.utc)
    midnight = int(datetime(2024, 12, 23, 23, tzinfo=timezone.utc).timestamp() * 1000)
    for form, stamp, day in (
        ("epoch_ms", 1751373059123, midnight),
        ("iso", "2025-07-01T14:30:59.123+02:00", "2024-12-24"),
        ("text", "2025-07-01 14:30", "2024-12-24"),
    ):
        with EgitoSimulator(rows=2, switches=Switches(dates=form)) as simulator:  # type: ignore[arg-type]  # one of its words
            http = Http(simulator)
            simulator.clock.advance((moment - simulator.clock.now()).total_seconds())
            body = {"name": "x", "accountId": 1, "closeDate": "2024-12-24", "value": "10500.10"}
            number = http.post("Opportunity/create", body)["id"]
            record = http.get("Opportunity/get", id=number)
            assert record["closeDate"] == day
            assert (
                abs(record["created"] - stamp) < 10_000
                if form == "epoch_ms"
                else record["created"][:16] == str(stamp)[:16]
            )
            http.post("Opportunity/update", {**body, "id": number, "closeDate": day})
            stored = simulator.records("Opportunity")[-1]
            assert (stored["closeDate"], stored["value"]) == ("2024-12-24", Decimal("10500.10"))
            assert date.fromisoformat(stored["closeDate"])


def test_amounts_keep_their_digits(http: Http) -> None:
    number = http.post("Opportunity/create", {"name": "x", "accountId": 1, "value": "10500.00"})["id"]
    assert '"value": 10500.00,' in http("GET", f"Opportunity/get?id={number}").text


def test_modified_may_have_another_name_or_none() -> None:
    for name in (None, "lastModified"):
        with EgitoSimulator(rows=1, switches=Switches(modified_field=name)) as simulator:
            record = Http(simulator).get("Lead/get", id=1)
            assert "modified" not in record
            assert ("lastModified" in record) is (name is not None)


def test_fields_that_may_be_otherwise() -> None:
    switches = Switches(sex_field="sex", prefix="dictionary", custom_fields=True, extra_types=("Contract",))
    with EgitoSimulator(rows=4, switches=switches) as simulator:
        http = Http(simulator)
        woman, prefix = entry(simulator, "sex", "Kobieta"), entry(simulator, "phone.prefix", "+48")
        assert fields(http.post("Lead/create", {"surname": "x", "sexId": woman})) == ["sex"]
        form = {"surname": "x", "sex": woman, "customFields.points": "3", "mainPhoneNumber.prefix": "48000"}
        assert fields(http.post("Lead/create", form)) == ["mainPhoneNumber.prefix"]
        number = http.post("Lead/create", {**form, "mainPhoneNumber.prefix": prefix})["id"]
        record = http.get("Lead/get", id=number)
        assert (record["sex"], record["customFields"], record["mainPhoneNumber"]["prefix"]) == (
            woman,
            {"color": None, "points": 3},
            prefix,
        )
        assert len(http.get("Contract/list")) == 2


def test_dictionaries_by_type(simulator: EgitoSimulator, http: Http) -> None:
    rows = http.get("SelectDictionary/list", type="lead.source")
    assert rows[0] == {"id": entry(simulator, "lead.source", "WWW"), "name": "WWW", "type": "lead.source"} | {
        "position": 1,
        "active": True,
    }
    assert rows[-1]["active"] is False
    for name in ("industry", "relationshipType", "sex", "lead.status", "opportunity.stage", "currency", "country"):
        assert http.get("SelectDictionary/list", type=name)
    assert fields(http.get("SelectDictionary/list")) == ["type"]
    assert fields(http.get("SelectDictionary/list", type="nope")) == ["type"]


def test_dictionaries_in_other_forms() -> None:
    switches = Switches(dictionary_row="id_label", unknown_dictionary="empty", envelope="items")
    with EgitoSimulator(rows=0, switches=switches) as simulator:
        http = Http(simulator)
        assert set(http.get("SelectDictionary/list", type="sex")["items"][0]) == {"id", "label"}
        assert http.get("SelectDictionary/list", type="nope") == {"items": []}


def test_ids_of_dictionaries_differ_by_tenant() -> None:
    here, there = EgitoSimulator(rows=0), EgitoSimulator(rows=0, tenant="inna")
    assert entry(here, "sex", "Kobieta") != entry(there, "sex", "Kobieta")


def test_too_many_requests_are_throttled() -> None:
    with EgitoSimulator(rows=0, switches=Switches(requests_per_second=1)) as simulator:
        replies = [ask_token(simulator) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 429]
        assert replies[-1].headers["Retry-After"] == "1"


def test_the_store_is_open_to_tests(simulator: EgitoSimulator, http: Http) -> None:
    number = simulator.insert("Account", {"name": "Tajna", "address.city": "Łódź"})
    assert http.get("Account/get", id=number)["address"]["city"] == "Łódź"
    before = http.get("Account/get", id=number)["modified"]
    simulator.clock.advance(1)
    simulator.change("Account", number, {"name": "Jawna"})
    after = http.get("Account/get", id=number)
    assert (after["name"], after["modified"] > before) == ("Jawna", True)
    simulator.delete("Account", number)
    assert number not in {row["id"] for row in http.get("Account/list")}
    added = simulator.insert("SelectDictionary", {"type": "color", "name": "czerwony"})
    assert http.get("SelectDictionary/list", type="color")[0]["id"] == added


def test_the_seed_is_the_same_every_time_and_in_the_past() -> None:
    first, second = EgitoSimulator(rows=50), EgitoSimulator(rows=50)
    for name in ("Lead", "Account", "Contact", "Opportunity", "SelectDictionary"):
        assert first.records(name) == second.records(name)
    assert all(row["modified"].year == 2025 for row in first.records("Lead"))


def test_the_password_survives_the_query(simulator: EgitoSimulator) -> None:
    config = simulator.config()
    names = ("client_id", "client_secret", "username", "password")
    query = "&".join(f"{name}={quote(config[name], safe='')}" for name in names)
    reply = requests.post(f"{simulator.url}/oauth/token?grant_type=password&{query}", timeout=10)
    assert reply.status_code == 200
