"""The simulated alfaCRM takes and refuses writes as the documents and the clients say alfaCRM does, kind or not."""

from __future__ import annotations

from typing import Any

import pytest

from crm_simulators.alfacrm.tables import ENTITIES
from tests.crm_simulators.alfacrm.caller import CUSTOMER, LESSON, Api, tenant


def test_a_create_echoes_the_posted_types(api: Api) -> None:
    answer = api.call("1/customer/create", {**CUSTOMER, "is_study": True, "gender": "1", "phone": "89001112233"})
    assert (answer["success"], answer["errors"]) == (True, [])
    model = answer["model"]
    assert (model["is_study"], model["gender"], model["phone"], model["note"]) == (True, "1", "89001112233", None)
    assert "balance" not in model
    row = api.call("1/customer", {"id": model["id"]})["items"][0]
    assert (row["is_study"], row["gender"], row["phone"]) == (1, 1, ["+7(900)111-22-33"])
    assert (row["balance"], row["e_date"], row["b_date"]) == ("0.00", "2030-12-31", row["created_at"])


def test_what_is_missing_is_refused(api: Api) -> None:
    answer = api.call("1/customer/create", {"name": "", "is_study": 0})
    assert not answer["success"]
    assert sorted(answer["errors"]) == ["branch_ids", "legal_type", "name"]
    assert answer["errors"]["branch_ids"] == ['Необходимо заполнить "Филиалы"']
    regular = api.call("1/regular-lesson/create", {"b_date_v": "2027-09-01"})["errors"]
    assert regular == {
        "branch_id": ['Необходимо заполнить "Филиал"'],
        "days": ['Необходимо заполнить "День недели"'],
        "b_date_v": ['Неверный формат значения "Начало периода"'],
    }


def test_refusals_have_shapes() -> None:
    with tenant(validation_status=422, error_shape="texts", failed_model=False) as api:
        response = api.raw("subject/create", {})
        assert response.status_code == 422
        assert response.json() == {"success": False, "errors": ['Необходимо заполнить "Название"']}
    with tenant(error_shape="list_of_maps") as api:
        assert list(api.call("subject/create", {})["errors"][0]) == ["name"]


@pytest.mark.parametrize(("way", "stored"), [("reject", None), ("cut", "я" * 50), ("ignore", "я" * 51)])
def test_long_names(way: Any, stored: str | None) -> None:
    with tenant(max_lengths=way) as api:
        answer = api.call("1/customer/create", {**CUSTOMER, "name": "я" * 51})
        assert answer["success"] is (stored is not None)
        assert stored in {None, api.simulator.records("customer")[-1]["name"]}


def test_what_is_written_changes_silently(api: Api) -> None:
    posted = {**CUSTOMER, "dob": "2012-12-03", "balance": "5.00", "typo": 1, "custom_age": 7, "custom_none": "x"}
    id_ = api.call("1/customer/create", posted)["model"]["id"]
    row = api.call("customer", {"id": id_})["items"][0]
    assert (row["dob"], row["balance"], row["custom_age"]) == (None, "0.00", "7")
    assert not {"typo", "custom_none"} & row.keys()
    with tenant(iso_birthday="accepted", balance_writable=True) as other:
        id_ = other.call("1/customer/create", posted)["model"]["id"]
        row = other.call("customer", {"id": id_})["items"][0]
        assert (row["dob"], row["balance"]) == ("03.12.2012", "5.00")


def test_an_update_merges_or_wipes() -> None:
    for way, note in (("merge", "было"), ("overwrite", None)):
        with tenant(update=way) as api:
            id_ = api.simulator.insert("customer", {**CUSTOMER, "note": "было"})
            api.simulator.clock.advance(60)
            assert api.call("1/customer/update", {**CUSTOMER, "barcode": "1"}, id=id_)["success"]
            row = api.simulator.records("customer")[-1]
            assert (row["note"], row["barcode"]) == (note, "1")
            assert row["updated_at"] > row["created_at"]
            assert api.call("1/customer/update", {"note": "x"}, id=id_)["success"] is (way == "merge")


def test_what_does_not_exist_cannot_be_changed(api: Api) -> None:
    assert api.raw("1/customer/update", {"id": 1, "note": "x"}).json()["message"].endswith("параметры: id")
    assert api.raw("1/customer/update", {}, id=10**9).status_code == 404
    assert api.raw("1/customer/delete", id="x").status_code == 404
    with tenant(unknown_id="errors", writes_stay_in_branch=True) as other:
        assert not other.call("1/customer/update", {}, id=10**9)["success"]
        assert not other.call("2/customer/delete", id=2)["success"]


def test_a_delete_removes_or_archives(api: Api) -> None:
    assert api.call("1/customer/delete", id=2) == {"success": True, "errors": []}
    assert api.ids("customer", {"id": 2, "removed": 1, "is_study": 2}) == []
    with tenant(delete="archive") as other:
        other.call("1/customer/delete", id=2)
        assert other.ids("customer", {"id": 2, "removed": 2}) == [2]


def test_an_end_date_archives_and_restores(api: Api) -> None:
    api.call("1/customer/update", {"e_date": "2024-01-01"}, id=2)
    assert 2 not in api.ids("customer")
    api.call("1/customer/update", {"e_date": "31.12.2030"}, id=2)
    assert 2 in api.ids("customer")


def test_every_write_is_logged(api: Api) -> None:
    id_ = api.call("1/subject/create", {"name": "Химия"})["model"]["id"]
    api.call("1/subject/update", {"name": "Физика"}, id=id_)
    api.call("1/subject/delete", id=id_)
    notes = api.call("1/log", {"entity": "Subject", "entity_id": id_})["items"]
    assert [note["event"] for note in notes] == [3, 2, 1]
    assert (notes[1]["fields_old"], notes[1]["fields_new"]) == ({"name": "Химия"}, {"name": "Физика"})
    assert (notes[0]["fields_new"], notes[2]["fields_old"], notes[1]["fields_rel"]) == ([], [], [])
    assert {note["user_id"] for note in notes} == {1}


@pytest.mark.parametrize(("form", "shape"), [("json", str), ("list", list), ("nothing", list), ("object", dict)])
def test_log_fields_have_shapes(form: Any, shape: type) -> None:
    with tenant(log_fields=form) as api:
        api.simulator.insert("subject", {"name": "Химия"})
        fields = api.call("1/log")["items"][0]["fields_new"]
        assert type(fields) is shape
        assert bool(fields) is (form != "nothing")


def test_nobody_is_twice_in_a_group(api: Api) -> None:
    member = {"customer_id": 5, "group_id": 2, "b_date": "01.01.2027", "e_date": "01.01.2028"}
    assert api.call("1/cgi/create", member, group_id=2)["success"]
    again = api.call("1/cgi/create", member, group_id=2)
    assert again["errors"] == {"customer_id": ["Данный клиент уже состоит в этой группе"]}
    wrong = api.call("1/cgi/create", {**member, "b_date": "2027-01-01"}, customer_id=5)
    assert wrong["errors"] == {"b_date": ['Неверный формат значения "Начало действия"']}
    made = api.simulator.records("cgi")[-1]["id"]
    assert api.raw("1/cgi/delete", id=made, group_id=3).status_code == 404
    assert api.call("1/cgi/delete", id=made, group_id=2)["success"]


def test_lessons_are_written_by_other_names(api: Api) -> None:
    made = api.call("2/lesson/create", {**LESSON, "room_id": 3, "teacher_ids": [1]})["model"]
    assert (made["lesson_date"], made["time_from"]) == ("05.07.2027", "11:00")
    row = api.call("2/lesson", {"id": made["id"], "status": 1})["items"][0]
    assert (row["date"], row["time_from"], row["time_to"], row["duration"]) == (
        "2027-07-05", "2027-07-05 11:00:01", "2027-07-05 11:45:00", 45,
    )  # fmt: skip
    assert api.call("2/lesson/create", {**LESSON, "room_id": 3})["errors"] == {"room_id": ["Аудитория занята"]}
    assert "group_ids" in api.call("2/lesson/create", {**LESSON, "lesson_type_id": 3, "group_ids": [1]})["errors"]
    assert api.call("2/lesson/update", {"time_from": "12:00", "status": 3}, id=made["id"])["success"]
    assert api.call("2/lesson", {"id": made["id"]})["items"][0]["time_to"] == "2027-07-05 12:45:00"


def test_a_regular_lesson_stands_on_each_of_its_days(api: Api) -> None:
    body = {"branch_id": 1, "days": [1, 7], "time_from_v": "9:00", "b_date_v": "01.09.2027", "related_class": "Group"}
    assert api.call("1/regular-lesson/create", body)["success"]
    made = api.simulator.shown("regular-lesson")[-2:]
    assert sorted((row["day"], row["time_from_v"], row["b_date"]) for row in made) == [
        (1, "09:00", "2027-09-01"),
        (7, "09:00", "2027-09-01"),
    ]


def test_pays_move_balances_but_not_stamps(api: Api) -> None:
    pay = {"branch_id": 1, "pay_type_id": 1, "pay_account_id": 1, "document_date": "01.02.2029", "income": 99.999}
    assert list(api.call("1/pay/create", {**pay, "payer_name": "Я"})["errors"]) == ["customer_id"]
    api.simulator.change("customer", 2, {"balance": "575.00"})
    before = api.simulator.records("customer")[1]
    made = api.call("1/pay/create", {**pay, "payer_name": "Я", "customer_id": 2})["model"]
    assert made["income"] == 99.999
    newest = api.call("1/pay")["items"][0]
    assert (newest["id"], newest["income"], newest["pay_type_name"]) == (made["id"], "100.00", "Доход")
    after = api.simulator.records("customer")[1]
    assert after["balance"] == "675.00"
    assert before["updated_at"] == after["updated_at"]


def test_bonuses(api: Api) -> None:
    assert api.raw("1/bonus/balance-bonus").status_code == 400
    api.simulator.change("customer", 1, {"balance_bonus": 1044})
    assert api.call("1/bonus/balance-bonus", customer_id=1) == {"balance_bonus": 1044}
    api.call("1/bonus/bonus-add", {"amount": 10}, customer_id=1)
    api.call("1/bonus/bonus-spend", {"amount": 4}, customer_id=1)
    assert api.call("1/bonus/balance-bonus", customer_id=1) == {"balance_bonus": 1050}


def test_sub_actions(api: Api) -> None:
    lesson = next(row for row in api.simulator.records("lesson") if row["customer_ids"])
    span = {"date1": "01.01.2020", "date2": "2100-01-01"}
    events = api.call("1/calendar/customer", id=lesson["customer_ids"][0], **span)
    assert lesson["id"] in [event["id"] for event in events]
    assert api.raw("1/calendar/customer", id=1).status_code == 400
    rates = api.call("1/teacher/teacher-rate", {"teacher_id": 2, "page": 3})
    assert [row["teacher_id"] for row in rates["items"]] == [2]
    assert api.call("1/teacher/working-hour")["count"] == 4


def test_every_proven_create_works_with_what_it_demands(api: Api) -> None:
    samples = {"date": "01.02.2027", "clock": "10:00", "money": 1, "ints": [1], "text": "x"}
    for path, entity in ENTITIES.items():
        if "create" in entity.actions:
            body = {item.written_as: samples.get(item.kind, 1) for item in entity.columns if item.required}
            body |= {"duration": 30} if path == "lesson" else {"customer_id": 1} if path == "pay" else {}
            query = {"class": "Task", "related_id": 1, "customer_id": 1} if entity.parents else {}
            made = api.call(f"1/{path}/create", body, **query)
            assert made["success"], (path, made)
            assert api.simulator.records(path)[-1]["id"] == made["model"]["id"]


def test_references_can_be_checked(api: Api) -> None:
    posted = {**CUSTOMER, "lead_source_id": 99, "teacher_ids": [1, 99]}
    assert api.call("1/customer/create", posted)["success"]
    with tenant(unknown_references="reject") as other:
        assert sorted(other.call("1/customer/create", posted)["errors"]) == ["lead_source_id", "teacher_ids"]


def test_archives_by_reason_and_dates_by_switch() -> None:
    with tenant(reject_archives=True, e_date_writable=False) as api:
        api.call("1/customer/update", {"e_date": "2020-01-01", "customer_reject_id": 1}, id=2)
        assert api.simulator.records("customer")[1]["e_date"] == api.simulator.store.yesterday()
    for way, stored in (("ignored", None), ("accepted", "2027-01-01")):
        with tenant(iso_dates=way) as api:
            assert api.call("1/customer-tariff/create", {"tariff_id": 1, "b_date": "2027-01-01"}, customer_id=3)[
                "success"
            ]
            assert api.simulator.records("customer-tariff")[-1]["b_date"] == stored


def test_stamps_move_by_switch() -> None:
    for idle, balance in ((True, False), (False, True)):
        with tenant(idle_update_stamps=idle, balance_stamps=balance) as api:
            before, other = api.simulator.records("customer")[1:3]
            api.call("1/customer/update", {"name": before["name"]}, id=2)
            api.call("1/bonus/bonus-add", {"amount": 1}, customer_id=3)
            after, later = api.simulator.records("customer")[1:3]
            assert (after["updated_at"] > before["updated_at"]) is idle
            assert (later["updated_at"] > other["updated_at"]) is balance


def test_unproven_writes_exist_by_switch() -> None:
    with tenant(unproven_writes=True) as api:
        made = api.call("1/teacher/create", {"name": "Педагог", "branch_ids": [1], "avatar_url": "x"})["model"]
        assert api.call("teacher", {"id": made["id"]})["items"][0]["avatar_url"] is None


def test_the_store_can_be_changed_behind_the_api(api: Api) -> None:
    id_ = api.simulator.insert("customer", {**CUSTOMER, "custom_new": "поле"})
    assert api.call("customer", {"id": id_})["items"][0]["custom_new"] == "поле"
    api.simulator.clock.advance(60)
    api.simulator.change("customer", id_, {"name": "Новое"})
    api.simulator.delete("customer", id_)
    notes = api.call("1/log", {"entity": "Customer", "entity_id": id_})["items"]
    assert [(note["event"], note["user_id"]) for note in notes] == [(3, 2), (2, 2), (1, 2)]


def test_a_customer_may_take_the_branch_of_the_address() -> None:
    with tenant(customer_branch_required=False) as api:
        assert api.call("2/customer/create", {"name": "Тест", "legal_type": 1, "is_study": 1})["success"]
        assert api.simulator.records("customer")[-1]["branch_ids"] == [2]
        assert not api.call("2/group/create", {"name": "Тест"})["success"]
