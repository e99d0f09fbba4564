"""The Egito simulator takes and refuses writes as the vendor's page says, and every open point can be switched."""

from __future__ import annotations

from typing import Any

import pytest

from crm_simulators.egito import EgitoSimulator, Switches
from tests.crm_simulators.egito.caller import Http, Record, entry, fields, lead


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
        with EgitoSimulator(rows=0, switches=Switches(json_keys=keys)) as other:  # type: ignore[arg-type]  # one of its words
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
        switches = Switches(error_status=status, error_shape=shape, id_with_errors=True)  # type: ignore[arg-type]  # one of its words
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


def test_delete_can_exist() -> None:
    with EgitoSimulator(rows=2, switches=Switches(delete=True)) as simulator:
        assert Http(simulator).post("Lead/delete", {"id": 1}) == {"id": 1}
        assert [row["id"] for row in simulator.records("Lead")] == [2]


def test_every_seeded_record_can_be_saved_again(simulator: EgitoSimulator, http: Http) -> None:
    for name in ("Lead", "Account", "Contact", "Opportunity"):
        for record in http.get(f"{name}/list"):
            assert http.expect(200, "POST", f"{name}/update", json=record) == {"id": record["id"]}
            saved = http.get(f"{name}/get", id=record["id"])
            assert {**saved, "modified": 0} == {**record, "modified": 0}
    assert len(simulator.records("Lead")) == 60
