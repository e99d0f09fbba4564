"""alfaCRM: creating, changing and deleting, in the names and forms of its writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from crm_systems.alfacrm.system import AlfaCrm
from crm_systems.errors import CrmError
from crm_systems.kinds import Reader
from tests.crm_systems.alfacrm.shown import client, entity, stored, tenant, writes
from tests.crm_systems.alfacrm.written import PERSON, by_id, write

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_systems.model import Request

LESSON = {
    "date": "2027-07-05",
    "time_from": "2027-07-05T08:00:00Z",
    "time_to": "2027-07-05T08:45:00Z",
    "lesson_type_id": 1,
    "subject_id": 1,
    "customer_ids": [2],
    "topic": "Дроби",
}
PAY = {
    "customer_id": 2,
    "pay_type_id": 1,
    "pay_account_id": 1,
    "document_date": "2027-07-05",
    "income": "1500.10",
    "payer_name": "Мама",
}
REGULAR = {"related_class": "Group", "related_id": 2, "day": 3, "time_from_v": "11:00", "b_date_v": "2027-09-01"}
RECORDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "customer": (PERSON, {"note": "не звонить"}, {"phone": ["+7(900)111-22-33"], "dob": "2012-12-03", "is_study": 1}),
    "group": ({"name": "Группа Б", "b_date": "2027-09-01"}, {"limit": 12}, {"branch_ids": [1], "b_date": "2027-09-01"}),
    "cgi": (
        {"customer_id": 2, "group_id": 1, "b_date": "2027-09-01"},
        {"e_date": "2028-05-31"},
        {"customer_id": 2, "group_id": 1, "b_date": "2027-09-01"},
    ),
    "lesson": (LESSON, {"topic": "Проценты"}, {"date": "2027-07-05", "time_from": "11:00", "time_to": "11:45"}),
    "regular_lesson": (REGULAR, {"is_public": True}, {"day": 3, "b_date": "2027-09-01", "branch_id": 1}),
    "pay": (PAY, {"income": "99.99"}, {"document_date": "2027-07-05", "branch_id": 1}),
    "task": ({"title": "Позвонить", "due_date": "2027-01-31"}, {"is_done": True}, {"due_date": "2027-01-31"}),
    "customer_tariff": (
        {"customer_id": 2, "tariff_id": 1, "b_date": "2027-09-01"},
        {"note": "скидка"},
        {"customer_id": 2, "b_date": "2027-09-01"},
    ),
    "communication": (
        {"class": "Customer", "related_id": 2, "comment": "Звонили"},
        {"comment": "Звонили дважды"},
        {"class": "Customer", "related_id": 2},
    ),
    "lead_source": ({"code": "tg", "name": "Telegram"}, {"name": "Телеграм"}, {"code": "tg", "is_enabled": 1}),
}
DELETABLE = [name for name in RECORDS if name not in {"task", "communication"}]


@pytest.mark.parametrize("name", RECORDS)
def test_it_is_created_changed_and_deleted_in_the_systems_terms(name: str) -> None:
    first, change, expected = RECORDS[name]
    with tenant(10) as simulator, client(simulator, branches=None) as opened:
        known, system, before = entity(opened, name), opened.system, by_id(simulator, name)
        row = system.create(opened.call, known, typed(opened, known, first))
        made = by_id(simulator, name)[row["id"]]
        assert set(by_id(simulator, name)) - set(before) == {row["id"]}
        assert {field: made[field] for field in expected} == expected
        current = system.get(opened.call, known, str(row["id"]))
        assert current == row
        after = system.update(opened.call, known, row, typed(opened, known, change))
        changed = by_id(simulator, name)[row["id"]]
        moved = {field for field in changed if changed[field] != made[field]} - {"updated_at"}
        assert moved == set(change)
        assert system.get(opened.call, known, str(row["id"])) == after
        if name in DELETABLE:
            system.delete(opened.call, known, str(row["id"]))
            assert by_id(simulator, name).keys() == before.keys()
            assert system.get(opened.call, known, str(row["id"])) is None


def typed(opened: Any, known: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Values as a connector hands them over."""
    return Reader(known, opened.system.notation)(values)


def test_a_write_speaks_in_its_own_names_and_forms() -> None:
    with tenant(10) as simulator, client(simulator, branches=None) as opened:
        known = entity(opened, "lesson")
        opened.system.create(opened.call, known, typed(opened, known, LESSON))
        ((path, body),) = writes(simulator)
    assert path == "1/lesson/create"
    assert (body["lesson_date"], body["time_from"], body["time_to"]) == ("05.07.2027", "11:00", "11:45")
    assert "date" not in body


def test_a_lesson_that_moves_to_another_day_takes_its_day_along() -> None:
    with tenant(10) as simulator, client(simulator, branches=None) as opened:
        known = entity(opened, "lesson")
        row = opened.system.create(opened.call, known, typed(opened, known, LESSON))
        moved = {"time_from": "2027-07-06T09:00:00Z", "time_to": "2027-07-06T10:00:00Z"}
        opened.system.update(opened.call, known, row, typed(opened, known, moved))
        found = by_id(simulator, "lesson")[row["id"]]
    assert (found["date"], found["time_from"], found["time_to"]) == ("2027-07-06", "12:00", "13:00")


@pytest.mark.parametrize("name", ["customer", "group", "task"])
def test_a_second_run_writes_nothing_and_a_change_is_one_update(name: str, tmp_path: Path) -> None:
    first, change, _ = RECORDS[name]
    with tenant(10) as simulator:
        rows = [{"id": f"a-{n}", **first} for n in range(3)]
        assert write(simulator, tmp_path, name, *rows).exit == ""
        created = writes(simulator)
        assert [path for path, _ in created] == [f"1/{name}/create"] * 3
        assert write(simulator, tmp_path, name, *rows).exit == ""
        assert writes(simulator) == created
        rows[1] |= change
        assert write(simulator, tmp_path, name, *rows).exit == ""
        ((path, body),) = writes(simulator)[3:]
    assert path == f"1/{name}/update"
    assert set(body) == set(change)


@pytest.mark.parametrize("match", ["name", "custom_external_id"])
def test_a_client_is_recognised_by_a_filter_or_without_one(match: str, tmp_path: Path) -> None:
    with tenant(120) as simulator:
        simulator.insert(
            "customer", {**PERSON, "branch_ids": [2], "custom_external_id": "src-1", "e_date": "2025-01-01"}
        )
        before = stored(simulator, "customer")
        rows = [
            {"id": "1", "name": "Анна Тест", "is_study": False, "custom_external_id": "src-1", "note": "другое"},
            {"id": "2", "name": "Никого", "is_study": False, "custom_external_id": "src-2"},
            {"id": "3", "name": "Никого", "is_study": False, "custom_external_id": "src-2", "note": "ещё раз"},
        ]
        result = write(simulator, tmp_path, "customer", *rows, identify_by=[match])
        assert result.exit == ""
        after = stored(simulator, "customer")
        assert [path.split("/")[-1] for path, _ in writes(simulator)] == ["update", "create", "update"]
    assert len(after) == len(before) + 1
    assert next(row for row in after if row["name"] == "Анна Тест")["note"] == "другое"


@pytest.mark.parametrize("shape", ["map", "list_of_maps", "texts"])
@pytest.mark.parametrize("status", [200, 422])
def test_a_refusal_is_a_reject_whatever_its_form(shape: str, status: int, tmp_path: Path) -> None:
    with tenant(10, error_shape=shape, validation_status=status, failed_model=False) as simulator:
        before = stored(simulator, "customer")
        result = write(
            simulator,
            tmp_path,
            "customer",
            {"id": "1", **PERSON, "name": "Очень " * 20},
            {"id": "2", **PERSON},
            max_rejects=1,
            rejects_path=str(tmp_path / "rejects.jsonl"),
        )
        assert result.exit == ""
        assert len(stored(simulator, "customer")) == len(before) + 1
    assert "1 create" in result.line("customer")
    assert "1 reject" in result.line("customer")
    rejects = (tmp_path / "rejects.jsonl").read_text("utf-8")
    assert "максимум 50" in json.loads(rejects.splitlines()[-1])["rejected"]["reason"]
    assert "максимум" not in result.everything
    assert shape == "texts" or "complains about name" in result.everything


def test_a_deletion_over_which_the_connection_breaks_rejects_that_one(tmp_path: Path) -> None:
    with tenant(10) as simulator:
        first, second = (str(row["id"]) for row in stored(simulator, "pay")[:2])
        simulator.fault = lambda call: Fault.REFUSED if "/delete" in call.path and call.query["id"] == first else None
        gone = [{"id": each, "_sdc_deleted_at": "2027-01-01T00:00:00Z"} for each in (first, second)]
        rejects = {"max_rejects": 1, "rejects_path": str(tmp_path / "rejects.jsonl")}
        result = write(simulator, tmp_path, "pay", *gone, identify_by="id", deletes="apply", **rejects)
    assert f"the record {first} is rejected: pay: delete: the connection breaks again" in result.log
    assert result.line("pay") == "pay → pay: 1 delete, 1 reject"


def test_a_create_that_is_put_off_each_time_says_what_the_tenant_wants(tmp_path: Path) -> None:
    with tenant(10) as simulator:
        proper = simulator.answer

        def answer(call: Call) -> Answer:
            return Answer(b"", 429) if call.path.endswith("/create") else proper(call)

        simulator.answer = answer
        result = write(simulator, tmp_path, "customer", {"id": "k1", **PERSON})
    assert "the server wants fewer requests (HTTP 429): lower `requests_per_second`" in result.exit


@pytest.mark.parametrize("shape", ["map", "texts"])
@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("name", ["customer", "group", "lesson"])
def test_a_tenant_that_wipes_what_is_not_sent_loses_nothing(name: str, status: int, shape: str) -> None:
    first, change, _ = RECORDS[name]
    switches = {"update": "overwrite", "validation_status": status, "error_shape": shape, "failed_model": False}
    with tenant(10, **switches) as simulator, client(simulator, branches=None) as opened:
        known = entity(opened, name)
        row = opened.system.create(opened.call, known, typed(opened, known, first))
        made = by_id(simulator, name)[row["id"]]
        opened.system.update(opened.call, known, row, typed(opened, known, change))
        changed = by_id(simulator, name)[row["id"]]
    assert {field for field in changed if changed[field] != made[field]} - {"updated_at"} == set(change)


PERSON_HERE = {"id": 7, "name": "Анна", "branch_ids": [1], "legal_type": 1, "is_study": 1}


@pytest.mark.parametrize(
    ("name", "row", "wiped", "is_restored"),
    [
        ("customer", {**PERSON_HERE, "note": "x", "phone": ["+44 1"], "barcode": "b"}, ["phone", "barcode"], True),
        ("customer", {**PERSON_HERE, "lead_source_id": 3, "dob": "03.12.2012"}, ["lead_source_id", "dob"], True),
        ("customer", {**PERSON_HERE, "phone": ["+44 1"]}, ["phone", "name", "branch_ids"], True),
        ("customer", {**PERSON_HERE, "phone": ["+44 1"], "lead_status_id": 3}, ["lead_status_id"], False),
        ("lead_source", {"id": 7, "name": "Сайт", "code": "web", "is_enabled": 1, "weight": 2}, ["is_enabled"], True),
        ("subject", {"id": 7, "name": "Математика", "weight": 1}, ["name"], True),
        ("task", {"id": 7, "title": "Звонить", "branch_ids": [1], "due_date": "2027-01-31"}, ["branch_ids"], True),
    ],
)
def test_what_a_tenant_wipes_without_a_word_is_given_back_but_not_what_it_empties_for_a_reason(
    name: str, row: dict[str, Any], wiped: list[str], is_restored: bool
) -> None:
    before, bodies = dict(row), list[dict[str, Any]]()
    change = {"weight": 9} if "weight" in row or name == "subject" else {"text" if name == "task" else "note": "новое"}

    def call(request: Request) -> Any:
        if request.path.endswith("branch/index"):
            return {"total": 1, "items": [{"id": 1, "name": "Главный", "is_active": 1}]}
        if request.path.endswith("update"):
            bodies.append(request.json)
            row.update({**{field: [] if field in {"phone", "branch_ids"} else 0 for field in wiped}, **request.json})
            return {"success": True, "errors": [], "model": row}
        is_shown = "branch_ids" not in row or bool(row["branch_ids"])
        return {"total": int(is_shown), "items": [dict(row)] if is_shown else []}

    system = AlfaCrm({"url": "http://127.0.0.1"})
    known = system.describe(call, name)
    assert system.update(call, known, dict(row), change) == row
    expected = {**before, **change} if is_restored else {**before, **change, **dict.fromkeys(wiped, 0)}
    assert row == expected
    assert len(bodies) == 1 + is_restored


@pytest.mark.parametrize(
    ("name", "match", "row", "expected"),
    [
        (
            "pay",
            "payer_name",
            {**PAY, "pay_type_id": "Доход", "pay_account_id": "Терминал", "income": 1500.1},
            {"pay_type_id": 1, "pay_account_id": 2, "customer_id": 2, "income": "1500.10"},
        ),
        (
            "lesson",
            "topic",
            {**LESSON, "subject_id": "Robotics & <code>", "lesson_type_id": "Групповой", "group_ids": ["1"]},
            {"subject_id": 3, "lesson_type_id": 2, "group_ids": [1], "customer_ids": [2], "branch_id": 1},
        ),
        (
            "task",
            "title",
            {"title": "Позвонить", "customer_ids": [2], "assigned_ids": ["Менеджер"]},
            {"customer_ids": [2], "assigned_ids": [2]},
        ),
    ],
)
def test_references_may_be_ids_or_labels(
    name: str, match: str, row: dict[str, Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    with tenant(10) as simulator:
        for _again in range(2):
            assert write(simulator, tmp_path, name, {"id": "1", **row}, identify_by=[match]).exit == ""
        assert [path for path, _ in writes(simulator)] == [f"1/{name}/create"]
        (made,) = (each for each in stored(simulator, name) if each[match] == row[match])
    assert {field: made[field] for field in expected} == expected


@pytest.mark.parametrize("by", ["id", "name"])
def test_ids_in_a_list_are_sent_as_numbers(by: str, tmp_path: Path) -> None:
    with tenant(10) as simulator:
        row = {"id": "1", **PERSON, "branch_ids": [str(stored(simulator, "branch")[1][by])]}
        result = write(simulator, tmp_path, "customer", row, identify_by=["name"])
        assert result.exit == ""
        assert "branch_ids" not in result.line("customer")
        ((path, body),) = writes(simulator)
    assert path == "2/customer/create"
    assert [type(each) for each in body["branch_ids"]] == [int]


def test_a_look_up_sees_what_is_archived_although_a_read_leaves_it_out() -> None:
    with tenant(60) as simulator, client(simulator, include_archived=False) as opened:
        archived = {row["id"]: row for row in stored(simulator, "group") if row["e_date"] < "2026"}
        known, member = entity(opened, "group"), entity(opened, "cgi")
        for identifier, row in archived.items():
            assert opened.system.get(opened.call, known, str(identifier)) is not None
            assert opened.system.find(opened.call, known, {"name": row["name"]})
        inside = next(row["id"] for row in stored(simulator, "cgi") if row["group_id"] in archived)
        assert opened.system.get(opened.call, member, str(inside)) is not None


def test_a_create_whose_answer_is_lost_is_done_once(tmp_path: Path) -> None:
    with tenant(10) as simulator:
        lost: list[int] = []

        def lose(call: Call) -> Fault | None:
            if not call.path.endswith("customer/create") or lost:
                return None
            lost.append(call.number)
            return Fault.LOST_ANSWER

        simulator.fault = lose
        assert write(simulator, tmp_path, "customer", {"id": "1", **PERSON}).exit == ""
        assert lost
        assert sum(row["name"] == PERSON["name"] for row in stored(simulator, "customer")) == 1


def test_where_no_time_of_a_change_is_told_a_strangers_record_is_not_taken_for_what_a_lost_create_made(
    tmp_path: Path,
) -> None:
    ours, names = {"customer_id": 1, "group_id": 1, "b_date": "2027-09-01"}, ["customer_id", "group_id", "b_date"]
    with tenant(10) as simulator:
        before, todo = by_id(simulator, "cgi"), [lambda: simulator.insert("cgi", {**ours, "customer_id": 2})]

        def overtake(call: Call) -> Fault | None:
            if not call.path.endswith("cgi/create") or not todo:
                return None
            todo.pop()()
            return Fault.REFUSED

        simulator.fault = overtake
        assert write(simulator, tmp_path, "cgi", {"id": "1", **ours}, identify_by=names).exit == ""
        new = [row for key, row in by_id(simulator, "cgi").items() if key not in before]
        assert [row["customer_id"] for row in new] == [2, 1]


def test_a_create_stands_though_it_cannot_be_read_again(tmp_path: Path) -> None:
    with tenant(10) as simulator:

        def fail(call: Call) -> Fault | None:
            return Fault.ERROR_BEFORE if b'"id":' in call.body and call.path.endswith("customer/index") else None

        simulator.fault = fail
        assert write(simulator, tmp_path, "customer", {"id": "1", **PERSON}).exit == ""
        assert sum(row["name"] == PERSON["name"] for row in stored(simulator, "customer")) == 1


def test_a_look_up_that_is_denied_is_not_none() -> None:
    with tenant(10) as simulator, client(simulator) as opened:
        known = entity(opened, "customer")
        simulator.switches = type(simulator.switches)(denied=frozenset({"customer"}), requests_per_second=None)
        with pytest.raises(CrmError, match="denies"):
            opened.system.get(opened.call, known, "1")
        with pytest.raises(CrmError, match="denies"):
            opened.system.find(opened.call, known, {"name": "Никого"})


@pytest.mark.parametrize("identifier", ["", "x", "1x", "٣", "-1"])
def test_what_is_no_id_is_certainly_none(identifier: str) -> None:
    with tenant(10) as simulator, client(simulator) as opened:
        assert opened.system.get(opened.call, entity(opened, "customer"), identifier) is None


def test_a_tariff_is_found_although_lists_ignore_its_id() -> None:
    with tenant(10) as simulator, client(simulator) as opened:
        row = opened.system.get(opened.call, entity(opened, "tariff"), "3")
    assert row is not None
    assert row["name"] == "Неделя"
