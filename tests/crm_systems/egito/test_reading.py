"""Reading Egito: complete and typed in whatever shape a tenant answers, with tokens that end, and by changes."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from crm_systems.egito.system import Egito
from crm_systems.times import earliest
from tests.crm_systems.egito.shown import DATA, TYPES, client, entity, entry, read, settings, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call
    from crm_simulators.egito import EgitoSimulator
    from tests.running import Run

SHAPES: list[dict[str, Any]] = [
    {},
    {"ids": "string"},
    {"ids": "uuid", "rows": 43},
    *({"envelope": name, "total": "total"} for name in ("list", "items", "records", "data", "rows", "results")),
    {"envelope": "rows", "total": "size", "paging": "max_offset", "largest_page": 7},
    {"dates": "iso", "nulls": "absent"},
    {"dates": "text"},
    {"short_rows": True},
    {"token_in": "query", "refresh_tokens": "absent"},
    {"unknown_id": "404", "not_found": "html"},
    {"custom_fields": True, "dictionary_row": "id_name"},
]
PAGINGS: list[dict[str, Any]] = [
    {"paging": name, "past_the_end": end, "page_size": size, "largest_page": 9, "dictionary_paged": paged}
    for name in ("max_offset", "page_size", "start_limit")
    for end, size, paged in (("empty", 5, True), ("last", 9, False))
]


def texts(value: Any) -> Any:
    """A stored value as the tap gives it: ids as texts, times in UTC, nothing for what is empty."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner not in (None, "")} or None
    return None if value == "" else value


def given(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the tap with times as such."""
    times = {name: datetime.fromisoformat(record[name]) for name in ("created", "modified")}
    return {name: texts(value) for name, value in {**record, **times}.items()}


def stored(simulator: EgitoSimulator, name: str, *, to_the_minute: bool = False) -> dict[str, dict[str, Any]]:
    """What a tenant holds, by id."""
    found = {}
    for row in simulator.records(name):
        shown = {each: str(value) if each.lower().endswith("id") and value else value for each, value in row.items()}
        if to_the_minute:
            shown |= {each: row[each].replace(second=0, microsecond=0) for each in ("created", "modified")}
        # An address holds ids of its own.
        found[shown["id"]] = {each: texts(value) for each, value in shown.items() if each != "address"}
    return found


@pytest.mark.parametrize("shape", [*SHAPES, *PAGINGS], ids=str)
def test_everything_is_read_once_and_typed_in_any_shape(shape: dict[str, Any]) -> None:
    with tenant(**shape) as simulator:
        result = read(simulator)
        assert result.exit == ""
        assert "do not fit" not in result.log
        for name in TYPES:
            records = {record["id"]: given(record) for record in result.records[name]}
            assert len(records) == len(result.records[name])
            expected = stored(simulator, name, to_the_minute=shape.get("dates") == "text")
            assert {key: {each: records[key].get(each) for each in row} for key, row in expected.items()} == expected
        rows = {(row["type"], row["id"]) for row in result.records["SelectDictionary"]}
        wanted = set(settings(simulator)["dictionaries"])
        everything = simulator.records("SelectDictionary")
        assert rows == {(row["type"], str(row["id"])) for row in everything if row["type"] in wanted}


def test_fields_are_typed_by_dictionaries_and_by_what_they_hold() -> None:
    with tenant() as simulator:
        result = read(simulator)
        source = entry(simulator, "lead.source", "WWW")
    lead, opportunity, contact = (
        result.schemas[name]["schema"]["properties"] for name in ("Lead", "Opportunity", "Contact")
    )
    assert f"{source} (WWW)" in lead["sourceId"]["description"]
    assert lead["sourceId"]["type"] == ["string", "null"]
    assert lead["mainPhoneNumber"]["type"] == ["object", "null"]
    assert opportunity["closeDate"]["format"] == "date"
    assert opportunity["created"]["format"] == opportunity["modified"]["format"] == "date-time"
    assert opportunity["value"]["type"] == ["number", "null"]
    assert "refers to Account" in contact["accountId"]["description"]
    picked = {(row["entity"], row["field"], row["value"], row["label"]) for row in result.records["picklists"]}
    assert ("Lead", "sourceId", str(source), "WWW") in picked
    assert Decimal("99999999999.99") in [row["value"] for row in result.records["Opportunity"]]


def test_more_types_and_dictionaries_by_setting() -> None:
    with tenant(extra_types=("Contract",)) as simulator:
        result = read(simulator, types=["Contract"], dictionaries=["country"])
        assert len(result.records["Contract"]) == len(simulator.records("Contract"))
        assert {row["name"] for row in result.records["SelectDictionary"]} == {"Polska", "Czechy", "Słowacja", "Niemcy"}
        missing = read(simulator, types=["Nothing"])
    assert "`types` names Nothing, which the CRM does not offer to this user" in missing.exit
    assert missing.records["Lead"]


def test_a_dictionary_that_does_not_exist_is_named() -> None:
    with tenant() as simulator:
        result = read(simulator, dictionaries=["industry", "no.such"])
    assert "SelectDictionary: read no.such: the CRM refuses this" in result.exit
    assert len(result.records["Lead"]) == 40


@pytest.mark.parametrize("shape", [{}, {"dates": "iso"}, {"dates": "text"}, {"paging": "max_offset"}], ids=str)
def test_a_second_run_gives_only_what_was_changed(shape: dict[str, Any]) -> None:
    with tenant(rows=100 if "dates" in shape else 700, **shape) as simulator:
        simulator.insert("Lead", {"surname": "Just before"})
        first = read(simulator, *TYPES)
        assert {*read(simulator, *TYPES, state=first.state).records} == {"picklists", "fields"}
        numbers = [row["id"] for row in simulator.records("Lead")]
        simulator.change("Lead", numbers[5], {"surname": "Changed"})
        added = simulator.insert("Lead", {"surname": "New"})
        second = read(simulator, *TYPES, state=first.state)
        assert [row["id"] for row in second.records["Lead"]] == [str(numbers[5]), str(added)]
        assert {*second.records} == {"Lead", "picklists", "fields"}
        assert {*read(simulator, *TYPES, state=second.state).records} == {"picklists", "fields"}


@pytest.mark.parametrize("dates", ["epoch_ms", "text"])
@pytest.mark.parametrize("paging", ["none", "max_offset", "page_size"])
def test_rows_that_share_one_moment_are_all_read(paging: str, dates: str) -> None:
    with tenant(rows=420, paging=paging, page_size=30, largest_page=100, dates=dates) as simulator:
        moments = [row["modified"] for row in simulator.records("Lead")]
        shared = max(set(moments), key=moments.count)
        assert moments.count(shared) == 250
        result = read(simulator, "Lead", start_date=shared.isoformat(), lookback_seconds=0)
        expected = [str(row["id"]) for row in simulator.records("Lead") if row["modified"] >= shared]
    assert [row["id"] for row in result.records["Lead"]] == expected


def test_a_change_in_the_hour_that_clocks_run_through_twice_comes() -> None:
    with tenant(dates="text") as simulator:
        changed = simulator.records("Lead")[3]["id"]
        simulator._store.tables["Lead"][str(changed)]["modified"] = datetime(2025, 10, 26, 1, 40, tzinfo=timezone.utc)
        result = read(simulator, "Lead", start_date="2025-10-26T01:30:00Z")
    assert str(changed) in {row["id"] for row in result.records["Lead"]}


def test_without_a_time_of_change_all_is_read_each_time() -> None:
    with tenant(modified_field=None) as simulator:
        first = read(simulator, "Lead")
        assert len(read(simulator, "Lead", state=first.state).records["Lead"]) == 40


def test_the_time_of_change_may_have_any_name() -> None:
    with tenant(modified_field="zmieniono") as simulator:
        first = read(simulator, "Lead", modified_field="zmieniono")
        assert first.schemas["Lead"]["bookmark_properties"] == ["zmieniono"]
        again = read(simulator, "Lead", modified_field="zmieniono", state=first.state)
    assert "Lead" not in again.records


@pytest.mark.parametrize(
    ("told", "is_since"),
    [
        ("2025-06-01T12:30:45+02:00", True),
        ("2025-06-01T12:30:44+02:00", False),
        ("2025-06-01 12:30", True),
        ("2025-06-01 12:29", False),
        ("2025-06-01", True),
        ("2025-05-31", False),
        (None, True),
        ("unreadable", True),
    ],
)
def test_what_a_time_does_not_tell_is_taken_for_the_latest(told: str | None, *, is_since: bool) -> None:
    with tenant() as simulator, client(simulator) as opened:
        system = opened.system
        assert isinstance(system, Egito)
        since = datetime.fromisoformat("2025-06-01T12:30:45+02:00")
        assert system._is_since(told, earliest(since, system.notation.zone)) is is_since


def while_reading(simulator: EgitoSimulator, act: Callable[[int], None]) -> None:
    """Does something each time a page of leads has been asked for."""

    def between(call: Call) -> Fault | None:
        if call.path == f"{DATA}Lead/list" and "1" not in call.query.values():
            act(len(simulator.calls))
        return None

    simulator.fault = between


@pytest.mark.parametrize("paging", ["max_offset", "page_size", "start_limit"])
def test_rows_deleted_and_entered_while_others_are_read_hide_none(paging: str) -> None:
    with tenant(rows=300, paging=paging) as simulator:
        there = [row["id"] for row in simulator.records("Lead")]
        victims = iter(there[::11])

        def act(_number: int) -> None:
            victim = next(victims, None)
            if victim is not None:
                simulator.delete("Lead", victim)
                simulator.insert("Lead", {"surname": "New"})

        while_reading(simulator, act)
        result = read(simulator, "Lead", page_size=20)
        numbers = [row["id"] for row in result.records["Lead"]]
        left = {str(row["id"]) for row in simulator.records("Lead") if row["id"] in there}
    assert len(left) < 290
    assert len(numbers) == len(set(numbers))
    assert left - set(numbers) == set()


def test_a_part_of_a_list_is_not_taken_for_the_whole() -> None:
    with tenant(rows=90, paging="max_offset", envelope="items", total="total") as simulator:
        result = read(simulator, "Lead", paging="none")
    assert "only a part of a list" in result.exit
    assert "`paging`" in result.exit


def test_paging_by_parameters_of_any_name() -> None:
    with tenant(rows=90, paging="page_size", first_page=1) as simulator:
        assert len(read(simulator, "Lead", paging="size/page", page_size=7).records["Lead"]) == 90


def breaking(simulator: EgitoSimulator, broken: set[str], status: int) -> Callable[[Call], Answer]:
    """The simulator's answers, but that it breaks over some leads."""
    proper = simulator.answer
    return lambda call: (
        Answer(b"", status) if call.path == f"{DATA}Lead/get" and call.query["id"] in broken else proper(call)
    )


@pytest.mark.parametrize("status", [400, 500])
def test_records_over_which_the_server_breaks_are_named_and_the_rest_is_read(status: int) -> None:
    with tenant(rows=30, short_rows=True) as simulator:
        vars(simulator)["answer"] = breaking(simulator, {"7", "17"}, status)
        result = read(simulator, "Lead")
        there = {str(row["id"]) for row in simulator.records("Lead")}
        assert {row["id"] for row in result.records["Lead"]} == there - {"7", "17"}
        assert all(f"Lead {each} is missing" in result.exit for each in (7, 17))
        assert read(simulator, "Lead", skip_unreadable=True).exit == ""


def test_a_server_that_breaks_over_each_record_is_not_asked_for_all() -> None:
    with tenant(rows=60, short_rows=True, paging="max_offset", page_size=20) as simulator:
        broken = {str(row["id"]) for row in simulator.records("Lead")[20:]}
        vars(simulator)["answer"] = breaking(simulator, broken, 500)
        result = read(simulator, "Lead", page_size=20, skip_unreadable=True)
        asked = [call.query["id"] for call in simulator.calls if call.path == f"{DATA}Lead/get"]
    assert "Lead: get: the server failed (HTTP 500)" in result.exit
    assert len(broken.intersection(asked)) < 15


def test_get_and_list_by_post() -> None:
    with tenant(read_verbs=frozenset({"POST"}), paging="max_offset") as simulator:
        assert len(read(simulator, "Lead", read_method="POST").records["Lead"]) == 40
        assert "`read_method`" in read(simulator, "Lead").exit


def expires(every: int) -> Callable[[Call], Fault | None]:
    return lambda call: Fault.EXPIRED_SESSION if call.number % every == 0 else None


@pytest.mark.parametrize("refresh", ["work", "absent", "refused"])
def test_tokens_that_end_in_mid_run_are_renewed(refresh: str) -> None:
    with tenant(rows=120, paging="max_offset", refresh_tokens=refresh) as simulator:
        simulator.fault = expires(5)
        result = read(simulator, *TYPES, page_size=10)
        assert result.exit == ""
        assert {name: len(result.records[name]) for name in TYPES} == {
            "Lead": 120,
            "Account": 60,
            "Contact": 60,
            "Opportunity": 60,
        }


@pytest.mark.parametrize("passed", [3550, 3599.3])
@pytest.mark.parametrize("refresh", ["work", "absent", "refused"])
def test_a_token_that_soon_ends_is_refreshed_where_that_works(refresh: str, passed: float) -> None:
    with tenant(refresh_tokens=refresh) as simulator:
        with client(simulator) as opened:
            old = opened.log_in().values["token"]
        simulator.clock.advance(passed)
        with client(simulator) as opened:
            assert (opened.log_in().values["token"] != old) is (refresh == "work")
            assert entity(opened, "Lead").readable


@pytest.mark.parametrize("place", ["query", "form"])
def test_the_log_in_leaves_no_secret_behind(place: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with tenant(token_in=place) as simulator:
        with client(simulator, token_parameters=place) as opened:
            assert entity(opened, "Lead").readable
        config = simulator.config()
        token = next(call for call in simulator.calls if call.path == "/oauth/token")
    assert bool(token.query) == (place == "query")
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "/oauth/token" in caplog.text
    for secret in (config["password"], config["client_secret"], "client_secret=", "password="):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("password", "check `username`, which is login@tenant, and `password`"),
        ("username", "check `username`, which is login@tenant, and `password`"),
        ("client_secret", "check `client_id` and `client_secret`"),
        ("client_id", "check `client_id` and `client_secret`"),
    ],
)
def test_wrong_credentials_are_said_in_one_sentence(wrong: str, hint: str) -> None:
    with tenant() as simulator:
        result: Run = read(simulator, **{wrong: "not-the-right-one"})
        assert len(simulator.calls) == 1
    assert hint in result.exit
    assert "not-the-right-one" not in result.everything


def test_what_a_user_may_not_see_is_named_and_the_rest_is_read() -> None:
    with tenant() as simulator:
        result = read(simulator, username="gosc@firma", password="gosc-haslo")
        assert result.exit == ""
        assert "Account is left out" in result.log
        assert len(result.records["Contact"]) == len(simulator.records("Contact"))
        own = read(simulator, "Lead", username="handlowiec@firma", password="handlowiec-haslo")
        mine = [str(row["id"]) for row in simulator.records("Lead") if row["ownerId"] == 3]
    assert [row["id"] for row in own.records["Lead"]] == mine
