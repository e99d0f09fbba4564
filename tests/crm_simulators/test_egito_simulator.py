"""The Egito simulator answers as the vendor's page and Spring's sources say, and every open point can be switched."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from crm_simulators.base import Fault
from crm_simulators.egito import EgitoSimulator, Switches

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]


class Http:
    """A session that is logged in."""

    def __init__(self, simulator: EgitoSimulator, login: str = "login@firma", **more: str) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        reply = ask_token(simulator, username=login, password=simulator.users[login].password, **more)
        self.session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.simulator.url}/services/restapi/json/{path}", timeout=10, **more)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self.expect(status, "GET", path, params=params)

    def post(self, path: str, form: Record, status: int = 200) -> Any:
        return self.expect(status, "POST", path, data=form)

    def expect(self, status: int, method: str, path: str, **more: Any) -> Any:
        reply = self(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json()


def ask_token(
    simulator: EgitoSimulator, *, place: str = "params", method: str = "POST", **more: Any
) -> requests.Response:
    given = {"grant_type": "password", **simulator.config(), **more}
    kwargs: Record = {place: {name: given[name] for name in given if name not in {"system", "url"}}}
    return requests.request(method, simulator.url + "/oauth/token", timeout=10, **kwargs)


@pytest.fixture(name="simulator")
def a_simulator() -> Iterator[EgitoSimulator]:
    with EgitoSimulator(rows=60) as simulator:
        yield simulator


@pytest.fixture(name="http")
def a_session(simulator: EgitoSimulator) -> Http:
    return Http(simulator)


def lead(simulator: EgitoSimulator, **more: Any) -> Record:
    return {"surname": "Żak", "sexId": entry(simulator, "sex", "Kobieta"), **more}


def entry(simulator: EgitoSimulator, kind: str, name: str) -> Any:
    return next(
        row["id"] for row in simulator.records("SelectDictionary") if (row["type"], row["name"]) == (kind, name)
    )


def fields(reply: Record) -> list[str]:
    return [error["field"] for error in reply["errors"]]


def test_a_token_as_in_the_documentation(simulator: EgitoSimulator) -> None:
    reply = ask_token(simulator)
    assert reply.status_code == 200
    token = reply.json()
    assert list(token) == ["access_token", "token_type", "refresh_token", "expires_in", "scope"]
    assert uuid.UUID(token["access_token"]) != uuid.UUID(token["refresh_token"])
    assert (token["token_type"], token["scope"]) == ("bearer", "write read")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Pragma"] == "no-cache"


def test_a_live_token_is_given_out_again_with_less_time_left(simulator: EgitoSimulator) -> None:
    first = ask_token(simulator).json()
    simulator.clock.advance(283)
    second = ask_token(simulator, place="data").json()
    assert second["access_token"] == first["access_token"]
    assert 3310 <= second["expires_in"] <= 3317
    other = ask_token(simulator, client_id="api-klient-2", client_secret="sekret-2").json()
    assert other["access_token"] != first["access_token"]


def test_after_its_life_a_token_is_expired_and_then_unknown(simulator: EgitoSimulator, http: Http) -> None:
    token = ask_token(simulator).json()
    simulator.clock.advance(3601)
    reply = http("GET", "Lead/list")
    assert reply.status_code == 401
    assert reply.json() == {
        "error": "invalid_token",
        "error_description": f"Access token expired: {token['access_token']}",
    }
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert http.get("Lead/list", 401)["error_description"] == f"Invalid access token: {token['access_token']}"
    renewed = ask_token(simulator).json()
    assert renewed["access_token"] != token["access_token"]
    assert renewed["expires_in"] >= 3599


def test_a_renewed_password_grant_keeps_the_refresh_token(simulator: EgitoSimulator) -> None:
    first = ask_token(simulator).json()
    simulator.clock.advance(3601)
    second = ask_token(simulator).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("wrong", "status", "error", "description"),
    [
        ({"password": "x"}, 400, "invalid_grant", "Bad credentials"),
        ({"username": "login"}, 400, "invalid_grant", "Bad credentials"),
        ({"client_id": "x"}, 401, "invalid_client", "Bad client credentials"),
        ({"client_secret": "x"}, 401, "invalid_client", "Bad client credentials"),
        ({"client_id": ""}, 401, "unauthorized", "Full authentication is required to access this resource"),
        ({"grant_type": ""}, 400, "invalid_request", "Missing grant type"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type", "Unsupported grant type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", "Invalid refresh token: x"),
        ({"scope": "fly"}, 400, "invalid_scope", "Invalid scope: fly"),
    ],
)
def test_errors_of_the_token_endpoint(
    simulator: EgitoSimulator, wrong: Record, status: int, error: str, description: str
) -> None:
    reply = ask_token(simulator, **wrong)
    assert reply.status_code == status
    assert (reply.json()["error"], reply.json()["error_description"]) == (error, description)
    assert reply.headers.get("WWW-Authenticate", "").startswith("Bearer ") is (status == 401)


def test_get_of_a_token_is_405(simulator: EgitoSimulator) -> None:
    assert ask_token(simulator, method="GET").status_code == 405


@pytest.mark.parametrize(("place", "switch"), [("params", "query"), ("data", "form")])
def test_the_token_endpoint_may_look_in_one_place_only(place: str, switch: Any) -> None:
    with EgitoSimulator(rows=0, switches=Switches(token_in=switch)) as simulator:
        assert ask_token(simulator, place=place).status_code == 200
        other = {"params": "data", "data": "params"}[place]
        assert ask_token(simulator, place=other).status_code == 401


def test_a_refresh_token_brings_a_new_access_token(simulator: EgitoSimulator, http: Http) -> None:
    first = ask_token(simulator).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = ask_token(simulator, **again).json()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]
    assert http.get("Lead/list", 401)["error"] == "invalid_token"
    stolen = ask_token(simulator, **again, client_id="api-klient-2", client_secret="sekret-2")
    assert stolen.status_code == 400
    simulator.clock.advance(31 * 24 * 3600)
    expired = ask_token(simulator, **again)
    assert expired.status_code == 401
    assert expired.json()["error_description"] == f"Invalid refresh token (expired): {first['refresh_token']}"


def test_refresh_tokens_may_be_missing_or_useless(simulator: EgitoSimulator) -> None:
    with EgitoSimulator(rows=0, switches=Switches(refresh_tokens="absent", grant_type_in_error=True)) as absent:
        assert "refresh_token" not in ask_token(absent).json()
        reply = ask_token(absent, grant_type="refresh_token", refresh_token="x")
        assert reply.json()["error_description"] == "Unsupported grant type: refresh_token"
    with EgitoSimulator(rows=0, switches=Switches(refresh_tokens="refused")) as refused:
        token = ask_token(refused).json()["refresh_token"]
        assert ask_token(refused, grant_type="refresh_token", refresh_token=token).status_code == 401
    simulator.expire_refresh_tokens()


def test_calls_without_a_token_are_401_whatever_they_ask_for(simulator: EgitoSimulator) -> None:
    for path, header in (("Lead/list", {}), ("Nope/list", {}), ("Lead/list", {"Authorization": "Basic eDp5"})):
        reply = requests.get(f"{simulator.url}/services/restapi/json/{path}", headers=header, timeout=10)
        assert reply.status_code == 401
        assert reply.json() == {
            "error": "unauthorized",
            "error_description": "Full authentication is required to access this resource",
        }
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")


def test_sessions_can_be_ended_by_a_fault(simulator: EgitoSimulator, http: Http) -> None:
    simulator.fault = lambda call: Fault.EXPIRED_SESSION if "Lead" in call.path else None
    assert http.get("Lead/list", 401)["error_description"].startswith("Access token expired: ")


def test_scopes_and_permissions_are_403(simulator: EgitoSimulator) -> None:
    reader = Http(simulator, scope="read")
    error = reader.post("Lead/create", lead(simulator), 403)
    assert (error["error"], error["scope"]) == ("insufficient_scope", "write")
    assert len(reader.get("Lead/list")) == 60
    guest = Http(simulator, "gosc@firma")
    assert guest.post("Lead/create", lead(simulator), 403)["error"] == "access_denied"
    guest.get("Account/list", 403)
    guest.get("Lead/list")


def test_a_salesman_may_see_his_own_records_only(simulator: EgitoSimulator) -> None:
    own = Http(simulator, "handlowiec@firma")
    rows = own.get("Lead/list")
    assert len(rows) == 20
    assert {row["ownerId"] for row in rows} == {3}
    hidden = next(row["id"] for row in simulator.records("Lead") if row["ownerId"] == 1)
    assert fields(own.get("Lead/get", id=hidden)) == ["id"]


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


def test_create_as_in_the_documentation(simulator: EgitoSimulator, http: Http) -> None:
    form = {
        "name": "Jan",
        "companyName": "Firma \U0001f389",
        "sourceId": entry(simulator, "lead.source", "WWW"),
        "mainPhoneNumber.prefix": "1",
        "mainPhoneNumber.suffix": "600100200",
    }
    reply = http("POST", "Lead/create", data=lead(simulator, **form))
    assert (reply.status_code, reply.json()) == (200, {"id": 61})
    record = http.get("Lead/get", id=61)
    assert record["mainPhoneNumber"] == {"prefix": "1", "suffix": "600100200"}
    assert (record["companyName"], record["sourceId"], record["ownerId"]) == ("Firma \U0001f389", form["sourceId"], 1)
    assert record["created"] == record["modified"]
    stored = simulator.records("Lead")[-1]
    assert stored["mainPhoneNumber"] == record["mainPhoneNumber"]
    assert stored["created"].timestamp() * 1000 == pytest.approx(record["created"], abs=1)


def test_json_bodies_are_nested_or_dotted(simulator: EgitoSimulator, http: Http) -> None:
    nested = lead(simulator, mainPhoneNumber={"suffix": "1"})
    dotted = lead(simulator, **{"mainPhoneNumber.suffix": "1"})
    for keys, expected in (("nested", ["1", None]), ("dotted", [None, "1"]), ("both", ["1", "1"])):
        with EgitoSimulator(rows=0, switches=Switches(json_keys=keys)) as other:  # type: ignore[arg-type]
            session = Http(other)
            for body in (nested, dotted):
                session.expect(200, "POST", "Lead/create", json=body)
            assert [row["mainPhoneNumber"]["suffix"] for row in other.records("Lead")] == expected
    assert "errors" in http.expect(400, "POST", "Lead/create", data="{", headers={"Content-Type": "application/json"})
    assert "errors" in http.expect(400, "POST", "Lead/create", json=[1])


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("Lead/create", {"sexId": ""}, ["sexId"]),
        ("Lead/create", {"surname": ""}, ["surname"]),
        ("Lead/create", {"sourceId": "99999"}, ["sourceId"]),
        ("Lead/create", {"sourceId": "WWW"}, ["sourceId"]),
        ("Lead/create", {"ownerId": "77"}, ["ownerId"]),
        ("Account/create", {"website": "x"}, ["name"]),
        ("Contact/create", {}, ["accountId"]),
        ("Contact/create", {"accountId": "999"}, ["accountId"]),
        ("Opportunity/create", {"value": "1,5", "probability": "x", "closeDate": "2025-02-30"}, None),
        ("Lead/update", {}, ["id"]),
        ("Lead/update", {"id": "999"}, ["id"]),
    ],
)
def test_what_is_wrong_stands_in_errors(
    simulator: EgitoSimulator, http: Http, path: str, form: Record, expected: list[str] | None
) -> None:
    form = {**lead(simulator), **form} if not path.startswith("Account") else form
    reply = http.post(path, form)
    assert "id" not in reply
    assert set(fields(reply)) == set(expected or ["value", "probability", "closeDate", "name", "accountId"])
    assert len(simulator.records("Lead")) == 60


@pytest.mark.parametrize("status", [200, 400])
def test_shapes_of_errors(status: Any) -> None:
    for shape, expected in (
        ("message", {"field": "surname", "message": "Pole jest wymagane"}),
        ("strings", "surname: Pole jest wymagane"),
        (
            "spring",
            {"field": "surname", "defaultMessage": "Pole jest wymagane", "code": "NotNull", "rejectedValue": None},
        ),
    ):
        switches = Switches(error_status=status, error_shape=shape, id_with_errors=True)  # type: ignore[arg-type]
        with EgitoSimulator(rows=1, switches=switches) as simulator:
            form = {**lead(simulator, surname=""), "id": 1}
            assert Http(simulator).post("Lead/update", form, status) == {"id": 1, "errors": [expected]}


def test_success_may_bring_an_empty_errors() -> None:
    with EgitoSimulator(rows=0, switches=Switches(errors_on_success=True)) as simulator:
        assert Http(simulator).post("Lead/create", lead(simulator)) == {"id": 1, "errors": []}


def test_an_update_blanks_what_it_does_not_name(simulator: EgitoSimulator, http: Http) -> None:
    number = http.post("Lead/create", lead(simulator, description="keep me", mainEmail="a@b.pl"))["id"]
    before = http.get("Lead/get", id=number)
    simulator.clock.advance(1)
    assert http.post("Lead/update", lead(simulator, id=number, mainEmail="c@d.pl")) == {"id": number}
    after = http.get("Lead/get", id=number)
    assert (after["mainEmail"], after["description"], after["ownerId"]) == ("c@d.pl", None, None)
    assert after["created"] == before["created"]
    assert after["modified"] > before["modified"]


def test_an_update_can_be_partial() -> None:
    with EgitoSimulator(rows=3, switches=Switches(update="partial")) as simulator:
        http = Http(simulator)
        before = http.get("Lead/get", id=2)
        http.expect(200, "POST", "Lead/update", json={"id": 2, "description": "x", "mainPhoneNumber": None})
        after = http.get("Lead/get", id=2)
        assert after["surname"] == before["surname"]
        assert (after["description"], after["mainPhoneNumber"]) == ("x", {"prefix": None, "suffix": None})


def test_unknown_fields_are_dropped_or_refused(simulator: EgitoSimulator, http: Http) -> None:
    http.post("Lead/create", lead(simulator, shoeSize=44, created=5))
    assert "shoeSize" not in http.get("Lead/get", id=61)
    with EgitoSimulator(rows=0, switches=Switches(unknown_fields="reject")) as strict:
        assert fields(Http(strict).post("Lead/create", lead(strict, shoeSize=44))) == ["shoeSize"]


def test_unknown_ids_of_get() -> None:
    with EgitoSimulator(rows=1, switches=Switches(unknown_id="404")) as simulator:
        Http(simulator).get("Lead/get", 404, id=9)
    with EgitoSimulator(rows=1, switches=Switches(unknown_id="empty")) as simulator:
        assert Http(simulator).get("Lead/get", id=9) == {}
        assert fields(Http(simulator).post("Lead/update", {"id": 9})) == ["id"]


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
        with EgitoSimulator(rows=2, switches=Switches(dates=form)) as simulator:  # type: ignore[arg-type]
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


def test_delete_can_exist() -> None:
    with EgitoSimulator(rows=2, switches=Switches(delete=True)) as simulator:
        assert Http(simulator).post("Lead/delete", {"id": 1}) == {"id": 1}
        assert [row["id"] for row in simulator.records("Lead")] == [2]


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


def test_every_seeded_record_can_be_saved_again(simulator: EgitoSimulator, http: Http) -> None:
    for name in ("Lead", "Account", "Contact", "Opportunity"):
        for record in http.get(f"{name}/list"):
            assert http.expect(200, "POST", f"{name}/update", json=record) == {"id": record["id"]}
            saved = http.get(f"{name}/get", id=record["id"])
            assert {**saved, "modified": 0} == {**record, "modified": 0}
    assert len(simulator.records("Lead")) == 60


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
