"""alfaCRM: what was changed, what is deleted, what happens in the middle of a read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator
from crm_simulators.base import Fault
from crm_systems.alfacrm.pages import newest_first, part_of
from crm_systems.alfacrm.records import completed, may_be_since, normaliser
from crm_systems.catalogue import catalogue
from crm_systems.model import Request
from crm_systems.times import UTC
from tap_crm.tap import CrmTap
from tests.crm_systems.alfacrm.shown import ids, on_page, read, settings, stored, tenant
from tests.running import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call

TRACKED = ("customer", "group", "lesson", "pay")


@pytest.mark.sweep
@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"ignore_stamp_filters": True},
        {"inclusive_bounds": False},
        {"stamps": "dot"},
        {"wrong_date_filter": "ignored"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", TRACKED)
def test_a_second_run_brings_only_what_was_changed(name: str, switches: dict[str, Any]) -> None:
    with tenant(60, **switches) as simulator:
        first = read(simulator, name)
        assert read(simulator, name, state=first.state).records == {}
        changed = ids(stored(simulator, name))[3]
        simulator.change(name, changed, {"note": "изменено"})
        second = read(simulator, name, state=first.state)
        assert [(row["id"], row["note"]) for row in second.records[name]] == [(changed, "изменено")]


def test_without_stamps_everything_comes_each_time() -> None:
    with tenant(60, stamps="absent", ignore_stamp_filters=True) as simulator:
        first = read(simulator, "customer")
        assert ids(read(simulator, "customer", state=first.state).records["customer"]) == ids(first.records["customer"])


def test_the_server_is_asked_for_a_day_more() -> None:
    with tenant(20) as simulator:
        read(simulator, "customer", start_date="2025-06-10T21:30:00Z")
        asked = [call for call in simulator.calls if b"updated_at_from" in call.body]
        assert asked
        assert all(b'"updated_at_from": "10.06.2025"' in call.body for call in asked), "11 June in Moscow, less a day"


def test_a_change_in_the_hour_that_clocks_run_through_twice_comes() -> None:
    with tenant(20) as simulator:
        simulator.store.tables["customer"][4]["updated_at"] = "2025-10-26 02:40:00"
        found = read(simulator, "customer", timezone="Europe/Warsaw", start_date="2025-10-26T01:30:00Z")
    assert 4 in ids(found.records["customer"])


@pytest.mark.parametrize("page_size", [None, 20])
def test_250_records_of_one_second_all_come(page_size: int | None) -> None:
    with tenant(300) as simulator:
        found = read(simulator, "customer", page_size=page_size, start_date="2025-06-15T09:00:00Z").records["customer"]
        wanted = [row for row in stored(simulator, "customer") if row["updated_at"] >= "2025-06-15 12:00:00"]
        assert ids(found) == ids(wanted)
        assert len(wanted) > 250


def test_the_log_is_read_no_further_than_needed() -> None:
    with tenant(1000) as simulator:
        first = read(simulator, "log", page_size=20)
        before = len(simulator.calls)
        simulator.change("customer", 5, {"note": "изменено"})
        second = read(simulator, "log", page_size=20, state=first.state)
        assert [(row["entity"], row["entity_id"]) for row in second.records["log"]] == [("Customer", 5)]
        assert len(simulator.calls) - before < 25
    assert ids(first.records["log"]) == list(range(1, 1001))


def test_a_burst_of_changes_pushes_nothing_out_of_the_log() -> None:
    """More records come in front than a page holds, so that a whole page is seen again."""
    with tenant(100) as simulator:
        before = stored(simulator, "log")

        def burst() -> None:
            for number in range(25):
                simulator.change("customer", 2, {"note": str(number)})

        on_page(simulator, "log", 2, burst)
        found = ids(read(simulator, "log", page_size=20).records["log"])
    assert set(ids(before)) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", TRACKED)
def test_deletions_come_from_the_log(name: str) -> None:
    with tenant(60) as simulator:
        first = read(simulator, name)
        gone = ids(stored(simulator, name))[3]
        simulator.delete(name, gone)
        (record,) = read(simulator, name, state=first.state).records[name]
    assert int(record["id"]) == gone
    assert record["_sdc_deleted_at"]


@pytest.mark.parametrize("told", [{"entity_id": 5}, {"entity_id": None}, {"entity_id": "a"}, {}], ids=str)
def test_what_the_log_calls_deleted_and_is_still_there_or_has_no_name_is_none(told: dict[str, Any]) -> None:
    with tenant(60) as simulator:
        first = read(simulator, "customer")
        event = {"entity": "Customer", **told, "event": 3, "date_time": simulator.store.now()}
        simulator.insert("log", {**event, "fields_old": {}, "fields_new": {}, "fields_rel": {}, "branch_ids": [1]})
        second = read(simulator, "customer", state=first.state)
    assert (second.exit, second.records) == ("", {})


def test_who_may_not_read_the_log_is_told() -> None:
    with tenant(30, denied=frozenset({"log"})) as simulator:
        first = read(simulator, "customer")
        simulator.delete("customer", 7)
        second = read(simulator, "customer", state=first.state)
    assert second.exit == ""
    assert second.records == {}
    assert "may not read the log" in second.log


def _delete_and_insert(simulator: AlfaCrmSimulator) -> None:
    """The list stays as long as it was, and a row slips to a page that was read."""
    simulator.delete("customer", 2)
    simulator.insert("customer", {"name": "Новый", "branch_ids": [1], "is_study": 1})


def _archive(simulator: AlfaCrmSimulator) -> None:
    for row in stored(simulator, "customer")[:30]:
        simulator.change("customer", row["id"], {"e_date": "2025-01-01"})


def _delete(simulator: AlfaCrmSimulator) -> None:
    """Some of each list: one that loses all its rows while it is read is an error."""
    for row in stored(simulator, "customer")[1::9]:
        simulator.delete("customer", row["id"])


def _edit(simulator: AlfaCrmSimulator) -> None:
    for row in stored(simulator, "customer")[::3]:
        simulator.change("customer", row["id"], {"note": "изменено"})


@pytest.mark.sweep
@pytest.mark.parametrize("total", ["number", "missing"])
@pytest.mark.parametrize("archived", [True, False])
@pytest.mark.parametrize("act", [_delete_and_insert, _archive, _delete, _edit])
def test_rows_that_move_while_they_are_read_are_not_lost(
    act: Callable[[AlfaCrmSimulator], None], total: str, *, archived: bool
) -> None:
    with tenant(300, total=total) as simulator:
        before = set(ids(stored(simulator, "customer")))
        on_page(simulator, "customer", 2, lambda: act(simulator))
        result = read(simulator, "customer", page_size=20, include_archived=archived)
        found = ids(result.records["customer"])
        current = [row for row in stored(simulator, "customer") if archived or row["e_date"] > "2026"]
    assert result.exit == ""
    assert len(found) == len(set(found))
    assert before & set(ids(current)) <= set(found)


def test_a_payment_at_the_front_of_the_list_pushes_none_out() -> None:
    new = {"branch_id": 1, "customer_id": 1, "document_date": "2029-01-01", "income": "1.00", "pay_type_id": 1}
    with tenant(200) as simulator:
        on_page(simulator, "pay", 1, lambda: [simulator.insert("pay", new) for _ in range(20)])
        result = read(simulator, "pay", page_size=20)
        assert ids(result.records["pay"]) == ids(stored(simulator, "pay"))


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_expires_in_the_middle_is_renewed(status: int) -> None:
    with tenant(100, stale_token_status=status) as simulator:

        def now_and_then(call: Call) -> Fault | None:
            return Fault.EXPIRED_SESSION if call.number % 6 == 0 and "login" not in call.path else None

        simulator.fault = now_and_then
        result = read(simulator, "customer", "lesson", page_size=20)
        assert result.exit == ""
        assert ids(result.records["customer"]) == ids(stored(simulator, "customer"))
        assert ids(result.records["lesson"]) == ids(stored(simulator, "lesson"))
        assert sum("login" in call.path for call in simulator.calls) > 3


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_tried_once_and_said_plainly(status: int) -> None:
    with tenant(5, login_refused_status=status) as simulator:
        result = read(simulator, "customer", api_key="not-the-key")
        assert len(simulator.calls) == 1
    assert "`api_key`" in result.exit
    assert "not-the-key" not in result.everything


def test_an_entity_that_the_role_may_not_see_is_missed_by_name() -> None:
    with tenant(20, denied=frozenset({"pay"})) as simulator:
        result = read(simulator, "pay", "group")
        assert sum("login" in call.path for call in simulator.calls) == 1
    assert "pay: `entities` names pay, which the CRM does not offer to this user." in result.exit
    assert result.records.keys() == {"group", "fields"}


def test_a_role_without_the_interface_stops_with_a_sentence() -> None:
    with tenant(5, denied=frozenset({"*"})) as simulator:
        result = read(simulator, "customer")
    assert "ends each session at once (HTTP 403): check the rights of the user" in result.exit
    assert result.records == {}


def test_no_more_than_five_requests_a_second_arrive() -> None:
    """In real time: the server counts, and it refuses the sixth."""
    with AlfaCrmSimulator(rows=150) as simulator:
        config = settings(simulator, entities=["customer"], page_size=20, requests_per_second=None)
        result = run(config, tap=CrmTap)
        assert ids(result.records["customer"]) == ids(stored(simulator, "customer"))
        assert len(simulator.calls) > 12
        assert simulator.peak_requests_per_second <= 5
    assert "fewer requests" not in result.log


@pytest.mark.parametrize(
    ("stamps", "is_used"), [(("2026-01-02 10:00:00",) * 2, True), (("2026-01-02 10:00:00", None), False), ((), False)]
)
def test_lists_are_filtered_by_the_last_change_only_where_all_rows_tell_it(
    stamps: tuple[str | None, ...], is_used: bool
) -> None:
    rows = [{"id": number, "updated_at": stamp} for number, stamp in enumerate(stamps)]
    for name in TRACKED:
        assert ("since" in completed(catalogue("alfacrm")[name], rows).private) is is_used


def test_a_log_that_hands_out_less_than_it_has_is_read_again() -> None:
    whole: list[dict[str, Any]] = [{"id": each} for each in range(4, 0, -1)]
    cut = iter([whole[:2], [], []])

    def call(request: Request) -> Any:
        rows = next(cut, whole if request.json["page"] == 0 else [])
        return {"items": rows, "total": len(whole)}

    ask = Request("the log", "log/index", json={})
    pages = newest_first(call, ask, 4, lambda _row: None, None)
    assert [key for page in pages for key in page] == ["4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("total", "told"),
    [("12", 12), (12, 12), ("9" * 5000, None), (-1, None), (True, None)],
    ids=["text", "number", "endless", "less", "flag"],
)
def test_a_total_is_a_number_or_none(total: Any, told: int | None) -> None:
    assert part_of({"items": [], "total": total}, "customer").total == told


def test_the_last_day_of_the_calendar_is_a_stamp() -> None:
    assert may_be_since("9999-12-31", datetime(2025, 1, 2, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        *(("09:30", "09:30"), ("09:30:15", "09:30"), ("9:30:00", "9:30"), ("2026-01-31T09:30:00+03:00", "09:30")),
        *(("09:30 PM", "09:30 PM"), ("", ""), (None, None)),
    ],
    ids=str,
)
def test_a_time_of_day_is_told_to_the_minute_or_stays_what_it_is(told: str | None, read: str | None) -> None:
    assert normaliser(catalogue("alfacrm")["regular_lesson"])({"time_from_v": told})["time_from_v"] == read
