"""alfaCRM: everything is read, typed, and once."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator
from crm_simulators.alfacrm.columns import DOT, ISO
from crm_simulators.alfacrm.switches import PRESETS
from crm_simulators.alfacrm.tables_people import CGI
from crm_systems.catalogue import catalogue
from tests.crm_systems.alfacrm.shown import SUB_LISTS, ids, read, settings, stored, tenant
from tests.running import discover, only, run

if TYPE_CHECKING:
    from crm_simulators.base import Answer, Call

ALL = sorted(catalogue("alfacrm"))
CHANGING = ("customer", "group", "lesson", "pay", "cgi", "log", "discount", "regular_lesson")

ODDITIES: dict[str, dict[str, Any]] = {
    "no totals": {"total": "missing"},
    "totals are texts": {"total": "text"},
    "the last page again and again": {"repeat_last_page": True},
    "the same without totals": {"repeat_last_page": True, "total": "missing"},
    "small pages whatever is asked": {"page_size": 7, "page_size_cap": 7},
    "small pages without totals": {"page_size": 7, "page_size_cap": 7, "total": "missing"},
    "discounts are paged": {"discount_paged": True},
    "each branch shows everything": {"branch_shows_everything": True},
    "ids are texts": {"ids_as_text": True},
    "rows stand in an object by id": {"items_by_id": True},
    "teachers of groups are null": {"group_teachers": "null"},
    "teachers of groups are objects": {"group_teachers": "objects"},
    "streaming is a list": {"streaming": "array"},
    "days of regular lessons are numbers": {"regular_dates": "number"},
    "times of regular lessons have seconds": {"regular_times": "seconds", "regular_teacher_id": True},
    "times of regular lessons have days": {"regular_times": "datetime", "sunday": 0},
    "stamps are days": {"stamps": "dot", "pay_stamps": "dot"},
    "no stamps": {"stamps": "absent", "pay_stamps": "absent"},
    "dates of groups are ISO": {"group_dates": "iso"},
    "memberships have more dates": {"cgi_display_dates": True},
    "the log holds JSON as text": {"log_fields": "json", "empty_object": '""'},
    "the log holds lists": {"log_fields": "list"},
    "the log holds nothing": {"log_fields": "nothing"},
    "empty custom fields are absent": {"empty_custom": "absent"},
    "details are absent": {"lesson_details": "by_id_or_customer"},
    "an app key is demanded": {"app_key": "every_call"},
    "a login revokes others": {"login_revokes": True, "stale_token_status": 403},
}


UNDOCUMENTED = sorted(name for name, entity in catalogue("alfacrm").items() if not entity.private.get("always_there"))


@pytest.fixture(scope="module")
def everything() -> Any:
    """A run that reads all entities, and what the tenant holds."""
    with tenant(300) as simulator:
        result = run(settings(simulator, sub_lists=SUB_LISTS))
        yield result, simulator


@pytest.mark.parametrize("name", [name for name in ALL if name != "communication"])
def test_every_record_of_every_entity_comes_once(everything: Any, name: str) -> None:
    result, simulator = everything
    assert ids(result.records[name]) == ids(stored(simulator, name))


def test_comments_come_for_every_parent_that_exists(everything: Any) -> None:
    result, simulator = everything
    entity = {"Customer": "customer", "Lead": "customer", "Group": "group", "Task": "task"}
    there = {kind: set(ids(stored(simulator, name))) for kind, name in entity.items()}
    wanted = [row for row in stored(simulator, "communication") if row["related_id"] in there[row["class"]]]
    assert ids(result.records["communication"]) == ids(wanted)


def test_a_tenant_that_has_only_what_is_documented_is_read() -> None:
    absent = frozenset(catalogue("alfacrm")[name].private.get("path", name.replace("_", "-")) for name in UNDOCUMENTED)
    with tenant(10, absent=absent) as simulator:
        result = run(settings(simulator))
    assert result.exit == ""
    assert result.records.keys() == {*ALL, "fields"} - {*UNDOCUMENTED}
    offered = {*UNDOCUMENTED} - {*SUB_LISTS}
    assert [name for name in offered if f"{name} is left out: the CRM does not offer it" not in result.log] == []


def test_a_documented_list_that_is_not_found_is_an_error() -> None:
    with tenant(10, absent=frozenset({"subject"})) as simulator:
        assert "subject: describe: the server does not find this list" in run(settings(simulator)).exit


def test_nothing_is_left_out_and_all_values_fit(everything: Any) -> None:
    result, _ = everything
    assert result.exit == ""
    assert "do not fit" not in result.log
    assert "left out" not in result.log


def test_a_client_is_typed(everything: Any) -> None:
    result, simulator = everything
    by_id = {row["id"]: row for row in stored(simulator, "customer")}
    for record in result.records["customer"]:
        row = by_id[record["id"]]
        assert record["is_study"] is bool(row["is_study"])
        assert str(record["balance"]) == row["balance"]
        assert isinstance(record["balance"], Decimal)
        assert (record["dob"], record["e_date"]) == (row["dob"], row["e_date"])
        assert (record["phone"], record["branch_ids"]) == (row["phone"], row["branch_ids"])
        assert record["custom_age"] == (row["custom_age"] or None)
    stamps = {record["updated_at"] for record in result.records["customer"] if 26 <= record["id"] < 276}
    assert stamps == {"2025-06-15T09:00:00+00:00"}


def test_lessons_start_on_the_minute_and_payments_are_exact(everything: Any) -> None:
    result, simulator = everything
    lessons = {row["id"]: row for row in stored(simulator, "lesson")}
    for record in result.records["lesson"]:
        begin = lessons[record["id"]]["time_from"]
        assert record["time_from"] == f"{record['date']}T{int(begin[:2]) - 3:02}:30:00+00:00"
        assert record["streaming"] is False
    assert {record["status"] for record in result.records["lesson"]} == {1, 2, 3}
    pays = {row["id"]: row for row in stored(simulator, "pay")}
    for record in result.records["pay"]:
        row = pays[record["id"]]
        assert (str(record["income"]), record["document_date"]) == (row["income"], row["document_date"])


def test_skills_keep_their_name(everything: Any) -> None:
    result, simulator = everything
    skills = {row["id"]: row["teacher-to-skill"] for row in stored(simulator, "teacher")}
    assert {row["id"]: row["teacher-to-skill"] for row in result.records["teacher"]} == skills


@pytest.mark.parametrize("oddity", ODDITIES)
def test_no_oddity_of_a_tenant_loses_or_doubles_a_record(oddity: str) -> None:
    with tenant(60, **ODDITIES[oddity]) as simulator:
        result = read(simulator, *CHANGING)
        assert result.exit == ""
        assert "do not fit" not in result.log
        for name in CHANGING:
            assert ids(result.records[name]) == ids(stored(simulator, name)), name


def test_an_old_tenant_is_read_as_well() -> None:
    with AlfaCrmSimulator(rows=60, switches=replace(PRESETS["old"], requests_per_second=None)) as simulator:
        result = read(simulator, "customer", "group", "log")
        assert result.exit == ""
        assert ids(result.records["customer"]) == ids(stored(simulator, "customer"))
        assert {type(row["fields_new"]) for row in result.records["log"]} == {dict}


@pytest.mark.parametrize("way", ["ids", "objects"])
def test_the_teachers_of_a_group_are_ids_whatever_their_form(way: str) -> None:
    with tenant(60, group_teachers=way, ids_as_text=True) as simulator:
        teachers = {row["id"]: row["teacher_ids"] for row in stored(simulator, "group")}
        assert {row["id"]: row["teacher_ids"] for row in read(simulator, "group").records["group"]} == teachers


@pytest.mark.parametrize("way", ["object", "json", "list"])
def test_a_change_is_an_object_whatever_its_form(way: str) -> None:
    with tenant(20, log_fields=way) as simulator:
        expected = {row["id"]: row["fields_old"] for row in stored(simulator, "log")}
        assert {row["id"]: row["fields_old"] for row in read(simulator, "log").records["log"]} == expected


@pytest.mark.parametrize("form", ["minutes", "seconds", "datetime"])
def test_times_of_regular_lessons_have_one_form(form: str) -> None:
    with tenant(20, regular_times=form) as simulator:
        found = read(simulator, "regular_lesson").records["regular_lesson"]
        assert {(row["time_from_v"], row["time_to_v"]) for row in found} == {("11:00", "12:30")}


def test_archived_records_can_be_left_out() -> None:
    with tenant(100) as simulator:
        result = read(simulator, "customer", "group", "teacher", include_archived=False)
        for name in ("customer", "group", "teacher"):
            current = [row for row in stored(simulator, name) if row["e_date"] > "2026"]
            assert ids(result.records[name]) == ids(current), name
            assert len(current) < len(stored(simulator, name))


def test_closed_branches_are_read_only_when_they_are_named() -> None:
    with tenant(120) as simulator:
        open_ones = read(simulator, "branch", "customer", branches=None)
        wanted = [row for row in stored(simulator, "customer") if {1, 2} & set(row["branch_ids"])]
        assert ids(open_ones.records["branch"]) == [1, 2, 3]
        assert ids(open_ones.records["customer"]) == ids(wanted)
        assert open_ones.log.count("Closed branches are left out: 3. `branches` may name them.") == 1
        one = read(simulator, "customer", branches=["2"])
        wanted = [row for row in stored(simulator, "customer") if 2 in row["branch_ids"]]
        assert ids(one.records["customer"]) == ids(wanted)
        assert "branches are left out" not in one.log


@pytest.mark.parametrize("name", ["customer", "lesson", "group"])
def test_a_branch_that_is_not_named_is_not_read_even_where_each_shows_everything(name: str) -> None:
    with tenant(60, branch_shows_everything=True) as simulator:
        found = read(simulator, name, branches=[2]).records[name]
        wanted = [row for row in stored(simulator, name) if 2 in (row.get("branch_ids") or [row.get("branch_id")])]
    assert ids(found) == ids(wanted)


def test_lists_of_ids_from_which_php_took_an_element_are_lists() -> None:
    with tenant(60, branch_shows_everything=True) as simulator:
        proper = simulator.answer

        def answer(call: Call) -> Answer:
            given = proper(call)
            return replace(given, body=re.sub(rb'(_ids":\s*)\[(\d+)\]', rb'\1{"1": "\2"}', given.body))

        simulator.answer = answer
        found = {row["id"]: row["branch_ids"] for row in read(simulator, "group", branches=[2]).records["group"]}
        wanted = {row["id"]: row["branch_ids"] for row in stored(simulator, "group") if 2 in row["branch_ids"]}
    assert ([2] in wanted.values(), found) == (True, wanted)


@pytest.mark.parametrize(
    "filters", [{"b_date", "e_date"}, {"date_from", "date_to"}], ids=["by begin and end", "by a range"]
)
@pytest.mark.parametrize("forms", [DOT, ISO], ids=["dots", "ISO"])
@pytest.mark.parametrize("wrong", ["nothing", "ignored"])
def test_past_and_future_members_come_whichever_filter_works(
    filters: set[str], forms: Any, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(CGI.filters):
        if name not in filters:
            monkeypatch.delitem(CGI.filters, name)
        elif name.startswith("date"):
            monkeypatch.setitem(CGI.filters, name, replace(CGI.filters[name], forms=forms))
    with tenant(60, wrong_date_filter=wrong) as simulator:
        assert ids(read(simulator, "cgi").records["cgi"]) == ids(stored(simulator, "cgi"))


def test_a_branch_that_does_not_exist_is_named() -> None:
    with tenant(5) as simulator:
        result = read(simulator, "customer", branches=[1, 17])
    assert "`branches` names 17" in result.exit
    assert "may name 1, 2, 3" in result.exit


def test_costly_sub_lists_are_offered_on_demand() -> None:
    with tenant(5) as simulator:
        names = {stream["tap_stream_id"] for stream in discover(settings(simulator))["streams"]}
        more = {stream["tap_stream_id"] for stream in discover(settings(simulator, sub_lists=SUB_LISTS))["streams"]}
        wrong = read(simulator, "customer", sub_lists=["lesson"])
        alone = read(simulator, "communication")
    assert more - names == set(SUB_LISTS)
    assert names == (set(ALL) - set(SUB_LISTS)) | {"fields", "deleted_records"}
    assert "`sub_lists`" in wrong.exit
    assert (
        "names communication, which the CRM does not show to this user, or only if `sub_lists` names it" in alone.exit
    )


def test_custom_fields_are_found_and_later_ones_named() -> None:
    with tenant(20) as simulator:
        catalog = discover(settings(simulator, entities=["customer"]))
        properties = catalog["streams"][0]["schema"]["properties"]
        assert properties["custom_external_id"]["type"] == ["string", "null"]
        simulator.insert("customer", {"name": "Новый", "branch_ids": [3], "is_study": 1, "custom_later": "x"})
        simulator.insert("customer", {"name": "Последний", "branch_ids": [3], "is_study": 1})
        result = read(simulator, "customer", branches=[1, 3], page_size=1)
    assert "custom_later" in result.log


@pytest.mark.parametrize("way", ["null", "absent"])
def test_that_a_custom_field_was_emptied_is_told(way: str) -> None:
    with tenant(20, empty_custom=way) as simulator:
        first = read(simulator, "customer")
        before = next(row for row in first.records["customer"] if row["custom_external_id"])
        simulator.clock.advance(7200)
        simulator.change("customer", before["id"], {"custom_external_id": None})
        second = read(simulator, "customer", state=first.state)
    (after,) = (row for row in second.records["customer"] if row["id"] == before["id"])
    assert after["custom_external_id"] is None


def test_a_field_that_the_catalog_has_is_read_although_no_sample_shows_it() -> None:
    with tenant(20) as simulator:
        there = {"branch_ids": [3], "is_study": 1}
        simulator.insert("customer", {**there, "name": "Новый", "custom_later": "x"})
        config = settings(simulator, entities=["customer"], branches=[1, 3])
        catalog = only(discover(config), "customer")
        simulator.insert("customer", {**there, "name": "Последний"})
        result = run({**config, "page_size": 1}, catalog=catalog)
    assert {row.get("custom_later") for row in result.records["customer"]} == {None, "x"}
    assert "discovery did not see" not in result.log
