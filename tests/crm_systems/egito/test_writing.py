"""Writing into Egito: forms with dotted names, labels of dictionaries, and changes that blank nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Call, Fault
from crm_systems.errors import Denied, NotOffered, Rejected
from tests.crm_systems.egito.shown import DATA, client, entity, entry, tenant, write, written

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Answer
    from crm_simulators.egito import EgitoSimulator
    from crm_systems.model import Request

FORMATS = {"form": "nested", "json": "nested", "dotted_json": "dotted"}
"""Settings, and how the server must read names in JSON for them."""
NEW = {
    "name": "Żaneta",
    "surname": "Nowa & Stara",
    "companyName": "Spółka „Ą”",
    "sexId": "Kobieta",
    "sourceId": 'Reklama „radio"',
    "mainPhoneNumber": {"prefix": "48", "suffix": "600 100 200"},
    "mainEmail": "nowa@example.com",
}
LABELLED: dict[str, tuple[str, str]] = {"sexId": ("sex", "Kobieta"), "sourceId": ("lead.source", 'Reklama „radio"')}


def newest(simulator: EgitoSimulator, name: str) -> dict[str, Any]:
    return simulator.records(name)[-1]


def stored(simulator: EgitoSimulator, name: str, number: Any) -> dict[str, Any]:
    return next(row for row in simulator.records(name) if str(row["id"]) == str(number))


@pytest.mark.parametrize("ids", ["number", "uuid"])
@pytest.mark.parametrize("style", FORMATS)
def test_a_lead_with_labels_and_a_phone_is_created_once(tmp_path: Path, style: str, ids: str) -> None:
    with tenant(json_keys=FORMATS[style], ids=ids, errors_on_success=True) as simulator:
        first = write(simulator, tmp_path, "Lead", NEW, write_format=style)
        assert first.exit == ""
        row = newest(simulator, "Lead")
        labels = {name: entry(simulator, *of) for name, of in LABELLED.items()}
        assert {name: row[name] for name in NEW} == {**NEW, **labels}
        assert "stored otherwise" not in first.log
        assert write(simulator, tmp_path, "Lead", NEW, write_format=style).exit == ""
        assert write(simulator, tmp_path, "Lead", NEW, write_format=style, identify_by=["mainEmail"]).exit == ""
        assert written(simulator) == ["Lead/create"]


def test_the_form_is_the_documented_one(tmp_path: Path) -> None:
    with tenant() as simulator:
        write(simulator, tmp_path, "Lead", NEW)
        call = next(call for call in simulator.calls if call.path == f"{DATA}Lead/create")
    assert (call.method, call.query) == ("POST", {})
    assert call.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert call.form["mainPhoneNumber.suffix"] == "600 100 200"


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("2024-05-06 07:08", "2025-01-02 04:04"),
        ("2024-05-06 07:08:09", "2025-01-02 04:04:05"),
        ("2024-05-06T07:08:09", "2025-01-02T04:04:05"),
        ("2024-05-06T07:08:09Z", "2025-01-02T03:04:05Z"),
        ("2024-05-06T07:08:09.123+0200", "2025-01-02T04:04:05.678+0100"),
        ("2024-05-06T07:08:09.123+02:00", "2025-01-02T04:04:05.678+01:00"),
    ],
)
def test_a_time_is_written_in_the_form_in_which_records_show_it(tmp_path: Path, shown: str, sent: str) -> None:
    with tenant() as simulator:
        proper = simulator.answer

        def answer(call: Call) -> Answer:
            given = proper(call)
            return replace(given, body=given.body.replace(b'"surname":', f'"metAt":"{shown}","surname":'.encode()))

        simulator.answer = answer
        assert write(simulator, tmp_path, "Lead", {**NEW, "metAt": "2025-01-02T03:04:05.678+00:00"}).exit == ""
        call = next(call for call in simulator.calls if call.path == f"{DATA}Lead/create")
    assert call.form["metAt"] == sent


@pytest.mark.sweep
@pytest.mark.parametrize("shape", [{}, {"dates": "iso"}, {"dates": "text"}, {"nulls": "absent"}], ids=str)
@pytest.mark.parametrize("update", ["whole", "partial"])
def test_a_change_keeps_all_that_it_does_not_name(tmp_path: Path, update: str, shape: dict[str, Any]) -> None:
    with tenant(update=update, **shape) as simulator:
        leads = {row["id"]: row for row in simulator.records("Lead")}
        offers = {row["id"]: row for row in simulator.records("Opportunity")}
        changes: list[dict[str, Any]] = [
            {"key": "2", "mainPhoneNumber": {"suffix": "700"}, "description": None},
            {"key": "3", "statusId": "Odrzucony"},
        ]
        assert write(simulator, tmp_path, "Lead", *changes, identify_by="id").exit == ""
        closed = [{"key": str(key), "value": "1234567.89"} for key in offers]
        closed[0]["closeDate"] = "2027-06-01"
        assert write(simulator, tmp_path, "Opportunity", *closed, identify_by="id").exit == ""
        for number, expected in (
            (2, {"mainPhoneNumber": {**leads[2]["mainPhoneNumber"], "suffix": "700"}, "description": None}),
            (3, {"statusId": entry(simulator, "lead.status", "Odrzucony")}),
        ):
            row = stored(simulator, "Lead", number)
            assert row == {**leads[number], **expected, "modified": row["modified"]}
        for row in simulator.records("Opportunity"):
            expected = {"value": Decimal("1234567.89"), "modified": row["modified"]}
            date = {"closeDate": "2027-06-01"} if row["id"] == 1 else {}
            assert row == {**offers[row["id"]], **expected, **date}


@pytest.mark.parametrize("unknown", ["errors", "404", "empty"])
def test_a_record_that_is_gone_is_not_saved_as_an_empty_one(unknown: str) -> None:
    with tenant(unknown_id=unknown) as simulator, client(simulator) as opened:
        leads = entity(opened, "Lead")
        row = opened.system.get(opened.call, leads, "5")
        assert row is not None
        simulator.delete("Lead", 5)
        with pytest.raises(Rejected if unknown == "errors" else Denied):
            opened.system.update(opened.call, leads, row, {"surname": "Ghost"})
        assert written(simulator) == []


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("shape", ["message", "spring", "strings"])
def test_errors_are_a_rejection_whatever_the_status(tmp_path: Path, shape: str, status: int) -> None:
    with tenant(error_shape=shape, error_status=status, id_with_errors=True) as simulator:
        bad = {"key": "4", "sexId": "no-such-sex"}
        rejects = tmp_path / "rejects.jsonl"
        good = {"key": "5", "surname": "Good"}
        more = {"identify_by": "id", "max_rejects": 1, "rejects_path": str(rejects)}
        before = stored(simulator, "Lead", 4)
        result = write(simulator, tmp_path, "Lead", bad, good, **more)
        assert result.exit == ""
        assert stored(simulator, "Lead", 4) == before
        assert stored(simulator, "Lead", 5)["surname"] == "Good"
    assert ("it objects to sexId" in result.log) == (shape != "strings")
    assert "Nieprawid" not in result.log
    assert "Nieprawid" in rejects.read_text("utf-8")


@pytest.mark.parametrize("unknown", ["errors", "404", "empty"])
def test_an_id_that_does_not_exist_is_certain(unknown: str) -> None:
    with tenant(unknown_id=unknown) as simulator, client(simulator) as opened:
        leads = entity(opened, "Lead")
        assert opened.system.get(opened.call, leads, "4711") is None
        row = opened.system.get(opened.call, leads, "7")
        assert row is not None
        assert row["surname"] == stored(simulator, "Lead", 7)["surname"]


@pytest.mark.parametrize("answer", ["nothing", "errors"])
def test_a_record_of_the_list_that_get_does_not_give_is_not_taken_for_missing(answer: str) -> None:
    with tenant(rows=43) as simulator, client(simulator) as opened:

        def call(request: Request) -> Any:
            if not request.path.endswith("/get"):
                return opened.call(request)
            if answer == "errors":
                raise Rejected("refused")
            return {}

        leads = entity(opened, "Lead")
        assert opened.system.get(call, leads, "4711") is None
        if answer == "errors":
            with pytest.raises(Rejected):
                opened.system.get(call, leads, "7")
        else:
            row = opened.system.get(call, leads, "7")
            assert row is not None
            assert row["surname"] == stored(simulator, "Lead", 7)["surname"]


def test_a_reference_by_label_and_a_look_up(tmp_path: Path) -> None:
    with tenant() as simulator:
        simulator.insert("Account", {"name": "Łódź Sp. z o.o."})
        new = {"accountId": "Łódź Sp. z o.o.", "surname": "Kowalska", "mainEmail": "k@example.com", "sexId": "Kobieta"}
        assert write(simulator, tmp_path, "Contact", new, identify_by=["mainEmail"]).exit == ""
        row = newest(simulator, "Contact")
        assert stored(simulator, "Account", row["accountId"])["name"] == "Łódź Sp. z o.o."
        changed = {**new, "surname": "Nowak", "mainEmail": "K@EXAMPLE.COM"}
        assert write(simulator, tmp_path, "Contact", changed, identify_by=["mainEmail"]).exit == ""
        assert written(simulator) == ["Contact/create", "Contact/update"]


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.ERROR_AFTER, Fault.TRUNCATED])
def test_a_lost_answer_doubles_nothing(tmp_path: Path, fault: Fault) -> None:
    with tenant() as simulator:
        simulator.fault = lambda call: fault if call.path.endswith("/create") else None
        assert write(simulator, tmp_path, "Lead", NEW).exit == ""
        assert [row["surname"] for row in simulator.records("Lead")].count("Nowa & Stara") == 1


def test_a_record_that_cannot_be_read_back_counts_as_written(tmp_path: Path) -> None:
    with tenant() as simulator:

        def fault(call: Call) -> Fault | None:
            is_it = call.path == f"{DATA}Lead/get" and call.query["id"] == "41"
            return Fault.ERROR_BEFORE if is_it and written(simulator) else None

        simulator.fault = fault
        assert write(simulator, tmp_path, "Lead", NEW).exit == ""
        assert write(simulator, tmp_path, "Lead", NEW).exit == ""
        assert written(simulator) == ["Lead/create"]


def test_an_empty_tenant_takes_what_is_documented_and_inferred(tmp_path: Path) -> None:
    with tenant(rows=0) as simulator:
        assert write(simulator, tmp_path, "Lead", NEW).exit == ""
        assert newest(simulator, "Lead")["mainPhoneNumber"] == NEW["mainPhoneNumber"]
        row = {"name": "Firma", "nip": "5250000000", "address": {"city": "Łódź"}, "industryId": "IT"}
        assert write(simulator, tmp_path, "Account", row).exit == ""
        account = newest(simulator, "Account")
        assert (account["address"]["city"], account["industryId"]) == ("Łódź", entry(simulator, "industry", "IT"))


def test_nothing_is_deleted_and_no_dictionary_written(tmp_path: Path) -> None:
    with tenant(delete=True) as simulator:
        with client(simulator) as opened, pytest.raises(NotOffered):
            opened.system.delete(opened.call, entity(opened, "Lead"), "1")
        result = write(simulator, tmp_path, "SelectDictionary", {"name": "Nowy"})
        assert "lets this user neither create nor change SelectDictionary" in result.exit
        assert written(simulator) == []
