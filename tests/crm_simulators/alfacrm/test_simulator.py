"""The simulated alfaCRM lets in, lists and filters as the documents and the clients say alfaCRM does, kind or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator, odd
from crm_simulators.alfacrm.seed_people import SHARED_STAMP
from crm_simulators.alfacrm.tables import ENTITIES
from tests.crm_simulators.alfacrm.caller import Api, tenant

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_login_gives_a_token_only(api: Api) -> None:
    assert list(api.call("auth/login", api.access)) == ["token"]


@pytest.mark.parametrize("body", [None, {}, {"email": "api@example.test", "api_key": "wrong"}])
def test_a_wrong_login_is_forbidden(api: Api, body: Any) -> None:
    response = api.raw("auth/login", body)
    assert response.status_code == 403
    assert response.json() == {"name": "Forbidden", "message": "Not Authorized", "code": 0, "status": 403}


@pytest.mark.parametrize(("life", "status"), [(3600, 401), (900, 403)])
def test_a_token_ends(life: int, status: Any) -> None:
    with tenant(token_seconds=life, stale_token_status=status) as api:
        api.simulator.clock.advance(life - 5)
        assert api.raw("1/customer/index").status_code == 200
        api.simulator.clock.advance(10)
        assert api.raw("1/customer/index").json()["status"] == status
        api.log_in()
        api.simulator.expire_sessions()
        assert api.raw("1/customer/index").status_code == status


def test_tokens_live_side_by_side_unless_switched() -> None:
    for revokes, status in ((False, 200), (True, 401)):
        with tenant(login_revokes=revokes) as api:
            api.raw("auth/login", api.access)
            assert api.raw("branch/index").status_code == status


def test_the_app_key_can_be_demanded() -> None:
    with tenant(app_key="every_call") as api:
        assert api.raw("branch").status_code == 200
        del api.session.headers["X-APP-KEY"]
        assert api.raw("branch").status_code == 403


def test_a_role_can_lack_an_entity() -> None:
    with tenant(denied=frozenset({"pay"}), error_type="yii\\web\\ForbiddenHttpException") as api:
        answer = api.raw("1/pay/index").json()
        assert (answer["message"], answer["type"]) == ("Access Denied", "yii\\web\\ForbiddenHttpException")
        assert api.raw("1/lesson/index").status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("1/customer/index", "GET", 405),
        ("auth/login", "GET", 405),
        ("1/nothing/index", "POST", 404),
        ("1/customer/view", "POST", 404),
        ("1/customer/index/", "POST", 404),
        ("1/customer_tariff/index", "POST", 404),
        ("99/customer/index", "POST", 404),
        ("lesson/index", "POST", 404),
        ("1/log/create", "POST", 404),
        ("1/teacher/create", "POST", 404),
        ("1/level/index", "POST", 404),
        ("0/branch/index", "POST", 200),
        ("1/sms-message", "POST", 200),
        ("3/customer", "POST", 200),
    ],
)
def test_addresses(api: Api, path: str, method: str, status: int) -> None:
    response = api.raw(path, method=method)
    assert response.status_code == status
    assert status == 200 or response.json()["status"] == status


@pytest.mark.parametrize("body", [b"{", b'{"page": NaN}', b'{"name": "\\ud800"}', b"\xff", b"[" * 100_000])
def test_a_broken_body_is_a_bad_request(api: Api, body: bytes) -> None:
    url = f"{api.simulator.url}/v2api/1/customer/index"
    response = api.session.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=10)
    assert response.json()["status"] == 400


def test_a_sixth_request_in_a_second_is_refused() -> None:
    with AlfaCrmSimulator() as simulator:
        api = Api(simulator)
        api.log_in()
        answers = [api.raw("branch") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429]
        assert "Retry-After" not in answers[-1].headers
        assert answers[-1].json()["status"] == 429
        simulator.clock.advance(1)
        assert api.raw("branch").status_code == 200
        assert simulator.peak_requests_per_second == 7


def test_the_peak_looks_at_any_second() -> None:
    with AlfaCrmSimulator(flavour="unthrottled") as simulator:
        assert simulator.peak_requests_per_second == 0
        api = Api(simulator)
        started = time.monotonic()
        for _ in range(9):
            api.raw("branch")
        assert time.monotonic() - started > 1 or simulator.peak_requests_per_second == 9


def test_pages(api: Api) -> None:
    first = api.call("customer/index", {"is_study": 2, "removed": 1})
    assert (first["total"], first["count"], first["page"], len(first["items"])) == (100, 50, 0, 50)
    past = api.call("customer/index", {"is_study": 2, "removed": 1, "page": 2})
    assert past == {"total": 100, "count": 0, "page": 2, "items": []}


@pytest.mark.parametrize(
    ("body", "query", "size"),
    [
        ({"pageSize": 70}, {}, 70),
        ({"pageSize": 1000}, {}, 200),
        ({}, {"per-page": 20}, 20),
        ({"count": 20, "limit": 20, "per_page": 20, "page_size": 20, "per-page": 20}, {}, 50),
        ({"pageSize": 0}, {}, 50),
        ({"pageSize": "7", "page": "1"}, {}, 7),
    ],
)
def test_page_sizes(body: Any, query: Any, size: int) -> None:
    with tenant(rows=300) as api:
        assert api.call("customer", {"is_study": 2, "removed": 1, **body}, **query)["count"] == size


def test_discounts_do_not_page() -> None:
    for paged in (False, True):
        with tenant(discount_paged=paged) as api:
            assert api.call("discount/index", {"page": 5})["count"] == (0 if paged else 60)


def test_paging_quirks() -> None:
    with tenant(total="missing", repeat_last_page=True) as api:
        answer = api.call("customer", {"is_study": 2, "removed": 1, "page": 9})
        assert sorted(answer) == ["count", "items", "page"]
        assert answer["items"][0]["id"] == 51
    with tenant(total="text") as api:
        assert api.call("branch")["total"] == "3"


def test_250_customers_share_a_stamp_across_a_page_border() -> None:
    with tenant(rows=300) as api:
        found = [api.call("1/customer", {"page": page, "pageSize": 200})["items"] for page in (0, 1)]
    stamps = [[row["updated_at"] for row in page] for page in found]
    assert stamps[0][-1] == stamps[1][0] == SHARED_STAMP
    assert sum(page.count(SHARED_STAMP) for page in stamps) == 250


def test_lists_hide_most(api: Api) -> None:
    records = api.simulator.records("customer")
    shown = {row["id"] for row in records if row["is_study"] and row["e_date"] == "2030-12-31"}
    assert set(api.ids("customer")) == shown
    leads = {row["id"] for row in records if not row["is_study"]}
    assert set(api.ids("customer", {"is_study": 0, "removed": 1})) == leads
    archived = {row["id"] for row in records if row["e_date"] != "2030-12-31"}
    assert set(api.ids("customer", {"is_study": 2, "removed": 2})) == archived
    assert {item["status"] for item in api.call("1/lesson")["items"]} == {3}
    assert {item["status"] for item in api.call("1/lesson", {"status": 1})["items"]} == {1}


def test_branches_hold_their_own(api: Api) -> None:
    everything = {"is_study": 2, "removed": 1}
    both = set(api.ids("1/customer", everything)) & set(api.ids("2/customer", everything))
    assert both == {row["id"] for row in api.simulator.records("customer") if row["branch_ids"] == [1, 2]} != set()
    assert api.ids("3/location") == [4]
    assert api.ids("1/subject") == api.ids("2/subject") == api.ids("subject")
    with tenant(branch_shows_everything=True) as other:
        assert len(other.ids("2/customer", everything)) == 100


@pytest.mark.parametrize(
    ("body", "selects"),
    [
        ({"legal_type": 2}, lambda row: row["legal_type"] == 2),
        ({"legal_type": "1", "gender": 1}, lambda row: row["legal_type"] == row["gender"] == 1),
        ({"name": "КЛИЕНТ 4"}, lambda row: row["name"].startswith("Клиент 4")),
        ({"id": [1, 2]}, lambda _row: False),
        ({"id": {"$in": [1]}}, lambda _row: True),
        ({"name": None, "note": ""}, lambda _row: True),
        ({"balance_contract_from": 1000, "balance_contract_to": "2000"}, lambda row: row["balance"] == "1500.00"),
        ({"dob_from": "01.01.2020", "dob_to": "31.12.2024"}, lambda row: row["dob"] == "2024-02-29"),
        ({"age_from": 100, "age_to": 3000}, lambda row: row["dob"] and row["dob"] < "1926"),
        ({"phone": "8 (999) 999 99 99"}, lambda row: "+7(999)999-99-99" in row["phone"]),
        ({"email": "example.test"}, lambda row: row["email"]),
        ({"teacher_ids": [1]}, lambda row: 1 in row["teacher_ids"]),
        ({"custom_external_id": "ext-1", "color": "green"}, lambda row: row["color"] == "green"),
        ({"study_status_id": "x"}, lambda _row: False),
    ],
)
def test_filters(api: Api, body: Any, selects: Callable[[dict[str, Any]], Any]) -> None:
    visible = set(api.ids("customer"))
    expected = [row["id"] for row in api.simulator.records("customer") if row["id"] in visible and selects(row)]
    assert api.ids("customer", body) == expected


def test_unknown_filters_return_everything(api: Api) -> None:
    assert api.ids("customer", {"nmae": "x", "updated_at_form": "01.01.2999"}) == api.ids("customer")


def test_changes_are_found_by_day() -> None:
    with tenant() as api:
        today = api.simulator.store.today()
        dotted = f"{today[8:]}.{today[5:7]}.{today[:4]}"
        assert api.ids("customer", {"updated_at_from": dotted}) == []
        api.simulator.change("customer", 1)
        assert api.ids("customer", {"updated_at_from": dotted}) == [1]
        assert api.ids("customer", {"updated_at_from": today}) == []
    with tenant(inclusive_bounds=False) as api:
        api.simulator.change("customer", 1)
        assert api.ids("customer", {"updated_at_from": dotted}) == []
    with tenant(ignore_stamp_filters=True, wrong_date_filter="ignored") as api:
        assert api.ids("customer", {"updated_at_from": dotted, "date_from": "01.01.2999"}) == api.ids("customer")


def test_members_need_a_parent(api: Api) -> None:
    response = api.raw("1/cgi/index", {"group_id": 1})
    assert response.status_code == 400
    assert response.json()["message"] == "Отсутствуют обязательные параметры: group_id"
    assert api.call("1/cgi", group_id=1)["items"]
    assert api.ids("1/cgi", customer_id=4) == api.ids("1/cgi/customer", customer_id=4)
    with tenant(cgi_without_parent="list") as other:
        assert other.ids("1/cgi")


def test_members_of_other_times_need_a_period(api: Api) -> None:
    rows = [row for row in api.simulator.records("cgi") if row["group_id"] == 1]
    current = [row["id"] for row in rows if row["b_date"] < "2026" and row["e_date"] == "2030-12-31"]
    assert api.ids("1/cgi", group_id=1) == current
    ever = {"date_from": "2000-01-01", "date_to": "2100-01-01"}
    assert api.ids("1/cgi", ever, group_id=1) == [row["id"] for row in rows] != current
    assert api.call("1/cgi", group_id=1)["items"][0]["e_date"] == "31.12.2030"


def test_customer_tariffs_need_the_query(api: Api) -> None:
    assert api.ids("1/customer-tariff", {"customer_id": 3}) == []
    assert api.ids("1/customer-tariff", customer_id=3) == [1]
    assert api.raw("1/customer-tariff/create", {"tariff_id": 1}).status_code == 400
    made = api.call("1/customer-tariff/create", {"tariff_id": 1, "b_date": "01.02.2027"}, customer_id=3)
    assert api.ids("2/customer-tariff", {"dead": False}, customer_id=3) == [1, made["model"]["id"]]


def test_communications_need_their_subject(api: Api) -> None:
    assert api.raw("1/communication/index").status_code == 400
    about = {"class": "Customer", "related_id": 5}
    made = api.call("1/communication/create", {"comment": "Позвонил"}, **about)
    assert made["model"]["id"] in api.ids("1/communication", **about)
    assert api.simulator.records("communication")[-1]["user_id"] == 1


def test_what_is_read_has_its_forms(api: Api) -> None:
    lesson = api.call("1/lesson", {"id": 4})["items"][0]
    assert lesson["time_from"] == f"{lesson['date']} 13:30:01"
    assert (lesson["lesson_type_name"], lesson["streaming"]) == ("Групповой", False)
    assert lesson["details"][0]["commission"] == "95.00"
    pay = api.call("2/pay", {"id": 1})["items"][0]
    assert pay["document_date"].count(".") == pay["created_at"].count(".") == 2
    customer = api.call("customer", {"id": 2})["items"][0]
    stored = api.simulator.records("customer")[1]
    assert customer["dob"] == "{2}.{1}.{0}".format(*stored["dob"].split("-"))
    assert (customer["e_date"], customer["balance"]) == ("2030-12-31", stored["balance"])
    assert "employee_id" not in customer
    assert api.call("group", {"id": 1})["items"][0]["b_date"] == "01.09.2024"
    assert isinstance(api.call("teacher", {"id": 1})["items"][0]["teacher-to-skill"], list)
    regular = api.call("1/regular-lesson", {"id": 2})["items"][0]
    assert (regular["b_date_v"], regular["b_date"], regular["time_from_v"]) == ("01.09.2024", "2024-09-01", "11:00")


def test_forms_can_be_switched() -> None:
    with tenant(stamps="dot", group_teachers="objects", group_dates="iso", streaming="array", sunday=0) as api:
        assert api.call("customer")["items"][0]["created_at"].count(".") == 2
        group = api.call("group")["items"][0]
        assert (list(group["teachers"][0]), group["b_date"]) == (["id", "name"], "2024-09-01")
        assert api.call("1/lesson")["items"][0]["streaming"] == []
        assert 0 in [row["day"] for row in api.simulator.shown("regular-lesson")]
    with tenant(stamps="absent", group_teachers="null", ids_as_text=True, lesson_details="by_id_or_customer") as api:
        assert "updated_at" not in api.call("customer")["items"][0]
        assert api.call("group")["items"][0]["teacher_ids"] is None
        assert isinstance(api.call("1/lesson")["items"][0]["teacher_ids"][0], str)
        assert "details" not in api.call("1/lesson")["items"][0]
        assert "details" in api.call("1/lesson", {"id": 4})["items"][0]


def test_every_entity_is_listed_and_every_list_is_odd_but_valid() -> None:
    with tenant(unproven_entities=True, tariffs_without_parent="empty") as api:
        for path, entity in ENTITIES.items():
            if "index" in entity.actions and not entity.parents:
                assert api.call(f"1/{path}/index", {"removed": 1, "is_study": 2})["items"], path
        assert {row["name"] for row in api.simulator.records("customer")} >= set(odd.NAMES)


def test_lists_by_switch() -> None:
    with tenant(custom_filters=True, rooms_without_location=False, branch_optional=True, sliding_tokens=True) as api:
        assert api.ids("customer", {"custom_external_id": "ext-1"}) == [1]
        assert (api.ids("1/room"), api.ids("room")) == ([1], [1, 2, 3, 4])
        api.simulator.clock.advance(3000)
        assert api.ids("lesson")
        api.simulator.clock.advance(3000)
        assert api.ids("regular-lesson", {"group_id": 2}) == [2]
    with tenant(regular_related_filter=False, pay_date_filter=False, communications_without_parent="list") as api:
        assert len(api.ids("1/regular-lesson", {"group_id": 2})) > 1
        assert api.ids("1/pay", {"date_from": "2999-01-01"}) == api.ids("1/pay")
        assert len(api.ids("1/communication")) == 50


def test_rows_by_switch() -> None:
    forms: dict[str, Any] = {"regular_dates": "number", "regular_times": "datetime", "regular_teacher_id": True}
    with tenant(**forms, cgi_display_dates=True, empty_custom="absent", pay_stamps="iso", empty_object="{}") as api:
        regular = api.call("1/regular-lesson", {"id": 2})["items"][0]
        assert (regular["b_date"], regular["time_from_v"]) == (1725148800, "2024-09-01 11:00:00")
        assert regular["teacher_id"] == regular["teacher_ids"][0]
        assert api.call("1/cgi", group_id=1)["items"][0]["b_date_v"] == "01.09.2024"
        customers = api.call("customer")["items"]
        assert None not in [row[name] for row in customers for name in row if name.startswith("custom_")]
        assert api.call("1/pay")["items"][0]["created_at"].startswith("2025-")
        assert api.call("1/log")["items"][0]["fields_rel"] == {}


def test_groups_can_come_with_customers(api: Api) -> None:
    member = api.simulator.records("cgi")[0]
    body = {"id": member["customer_id"], "is_study": 2, "removed": 1, "withGroups": True}
    groups = api.call("customer", body)["items"][0]["groups"]
    assert member["group_id"] in [group["id"] for group in groups]


def test_the_seed_is_the_same_every_time() -> None:
    one, two = AlfaCrmSimulator(rows=1000), AlfaCrmSimulator(rows=1000)
    assert one.records("customer") == two.records("customer")


def test_flavours() -> None:
    with AlfaCrmSimulator(flavour="old") as simulator:
        assert simulator.switches.token_seconds == 900
        assert simulator.config()["timezone"] == "Europe/Moscow"
    with pytest.raises(ValueError, match="current, old, unthrottled"):
        AlfaCrmSimulator(flavour="other")
