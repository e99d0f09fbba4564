"""Egito's undocumented shapes: lists that are cut without a word, dictionaries without ids, records in wrappings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from crm_systems.egito.records import normaliser
from crm_systems.egito.system import Egito
from crm_systems.egito.whole import is_round, missing_from
from crm_systems.errors import SessionExpired
from crm_systems.model import Entity, Field, Kind, Reply, Request
from crm_systems.times import UTC
from tests.crm_systems.egito.shown import ALL_DICTIONARIES, DATA, client, entity, read, tenant, write, written

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.egito import EgitoSimulator


def ids(simulator: EgitoSimulator, name: str) -> set[str]:
    return {str(row["id"]) for row in simulator.records(name)}


@pytest.mark.parametrize("kind", ["number", "uuid"])
@pytest.mark.parametrize("cap", [10, 20, 25, 50, 100, 64])
def test_a_list_cut_at_a_round_number_is_not_taken_for_whole(cap: int, kind: str) -> None:
    with tenant(rows=2 * cap + 21, paging="unknown", page_size=cap, ids=kind) as simulator:
        result = read(simulator, "Lead")
        assert f"Lead: the list ends at {cap} records" in result.exit
        assert "`paging`" in result.exit
        whole = read(simulator, "Lead", paging="ile/skad")
        assert whole.exit == ""
        assert {row["id"] for row in whole.records["Lead"]} == ids(simulator, "Lead")


@pytest.mark.parametrize("hidden", [{999}, {1}, set(range(1, 900)), {1050}, {1025}])
def test_records_that_a_cut_list_hides_are_looked_for_on_both_sides_and_between(hidden: set[int]) -> None:
    shown = {*map(str, range(1000, 1050))} - {*map(str, hidden)}
    assert int(missing_from(shown, lambda each: each in shown or int(each) in hidden).found) in hidden
    assert missing_from(shown, shown.__contains__) == ("", True)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.parametrize("paging", ["none", "max_offset"])
def test_a_tenant_that_breaks_over_names_it_does_not_know_is_read(paging: str, status: int) -> None:
    with tenant(rows=73, paging=paging) as simulator:
        proper, known = simulator.answer, {"max", "offset"} if paging == "max_offset" else set()
        simulator.answer = lambda call: (
            Answer(b"", status) if call.path == f"{DATA}Lead/list" and {*call.query} - known else proper(call)
        )
        result = read(simulator, "Lead")
        assert (result.exit, {row["id"] for row in result.records["Lead"]}) == ("", ids(simulator, "Lead"))


def test_a_tenant_that_breaks_over_ids_that_are_nobodys_is_read() -> None:
    with tenant(rows=50) as simulator, client(simulator) as opened:
        proper = simulator.answer
        there = ids(simulator, "Lead")
        simulator.answer = lambda call: (
            Answer(b"", 500) if call.path == f"{DATA}Lead/get" and call.query["id"] not in there else proper(call)
        )
        result = read(simulator, "Lead", "Account")
        assert (result.exit, {row["id"] for row in result.records["Lead"]}) == ("", there)
        assert opened.system.get(opened.call, entity(opened, "Lead"), "99") is None


def test_a_record_over_which_the_server_breaks_does_not_make_a_cut_list_whole() -> None:
    with tenant(rows=120, paging="unknown", page_size=50) as simulator:
        proper, hidden = simulator.answer, {str(row["id"]) for row in simulator.records("Lead")[50:]}
        simulator.answer = lambda call: (
            Answer(b"", 500) if call.path == f"{DATA}Lead/get" and call.query["id"] in hidden else proper(call)
        )
        assert "Lead: get: the server failed (HTTP 500)" in read(simulator, "Lead").exit


def test_a_look_up_in_a_cut_list_creates_nothing(tmp_path: Path) -> None:
    with tenant(rows=120, paging="unknown", page_size=50) as simulator:
        last = simulator.records("Lead")[-1]
        simulator.change("Lead", last["id"], {"mainEmail": "last@example.com"})
        new = {"surname": "Last", "sexId": "Kobieta", "mainEmail": "last@example.com"}
        result = write(simulator, tmp_path, "Lead", new, identify_by=["mainEmail"])
        assert "`paging`" in result.exit
        assert written(simulator) == []


@pytest.mark.parametrize("rows", [50, 100])
def test_a_list_that_truly_has_a_round_number_of_rows_is_read(rows: int) -> None:
    with tenant(rows=rows) as simulator:
        result = read(simulator)
        assert result.exit == ""
        assert len(result.records["Lead"]) == rows
    with tenant(rows=rows, first_id=1000) as simulator:
        assert read(simulator, "Lead").exit == ""
    with tenant(rows=rows, ids="uuid") as simulator:
        assert "`paging`" in read(simulator, "Lead").exit
        assert read(simulator, paging="none").exit == ""
        # Half as many: the list of leads shows that a list may be longer.
        assert read(simulator, "Account").exit == ""


def test_a_record_entered_meanwhile_does_not_look_like_a_cut() -> None:
    with tenant(rows=50) as simulator:
        answer = simulator.answer

        def busy(call: Call) -> Answer:
            if call.path == f"{DATA}Lead/get" and len(simulator.records("Lead")) == 50:
                simulator.insert("Lead", {"surname": "New"})
            return answer(call)

        vars(simulator)["answer"] = busy
        assert read(simulator, "Lead", details="list").exit == ""


@pytest.mark.parametrize("happening", ["edit", "delete"])
@pytest.mark.parametrize("question", [2, 4, 6])
def test_rows_that_change_while_the_paging_is_found_out_do_not_make_a_page_the_whole(
    question: int, happening: str
) -> None:
    with tenant(rows=30, paging="max_offset", page_size=7, largest_page=7) as simulator:
        answer, asked = simulator.answer, Counter[str]()

        def busy(call: Call) -> Answer:
            asked[call.path] += 1
            if call.path == f"{DATA}Lead/list" and asked[call.path] == question:
                second, third = (row["id"] for row in simulator.records("Lead")[1:3])
                if happening == "edit":
                    simulator.change("Lead", second, {"companyName": "New"})
                    simulator.change("Lead", third, {"companyName": "New"})
                else:
                    simulator.delete("Lead", second)
            return answer(call)

        vars(simulator)["answer"] = busy
        result = read(simulator, "Lead", details="list")
        assert result.exit == ""
        assert {row["id"] for row in result.records["Lead"]} >= ids(simulator, "Lead")


@pytest.mark.parametrize("end", ["empty", "last"])
@pytest.mark.parametrize("envelope", ["bare", "items"])
def test_pages_of_a_size_that_cannot_be_told_are_read(end: str, envelope: str) -> None:
    shape: dict[str, Any] = {"paging": "pageNo", "past_the_end": end, "envelope": envelope, "page_size": 20}
    for first in (0, 1):
        with tenant(rows=87, first_page=first, **shape) as simulator:
            result = read(simulator, "Lead")
            assert result.exit == ""
            assert {row["id"] for row in result.records["Lead"]} == ids(simulator, "Lead")


@pytest.mark.parametrize(("total", "form"), [("total", "number"), ("totalCount", "text"), ("totalElements", "page")])
def test_a_total_settles_it(total: str, form: str) -> None:
    told = {"envelope": "items", "total": total, "total_as": form}
    with tenant(rows=50, ids="uuid", **told) as simulator:
        assert read(simulator, "Lead").exit == ""
    with tenant(rows=73, paging="unknown", page_size=37, **told) as simulator:
        assert "only a part of a list" in read(simulator, "Lead").exit


def test_the_same_answer_once_more_is_not_decoded_again_and_a_refusal_stays_one() -> None:
    with tenant() as simulator:
        system, ask = client(simulator).system, Request("GET", "Lead: read", f"{DATA}Lead/list")
    assert isinstance(system, Egito)
    body = b'[{"id": 1}]'
    rows = system.read(ask, Reply(200, {}, body))
    assert system.read(ask, Reply(200, {}, bytes([*body]))) is rows
    with pytest.raises(SessionExpired):
        system.read(ask, Reply(401, {}, body))
    assert system.read(ask, Reply(200, {}, b'[{"id": 2}]')) == [{"id": 2}]
    assert system.read(ask, Reply(200, {}, body)) == rows


def test_round_numbers() -> None:
    assert [n for n in range(1, 130) if is_round(n)] == [
        *(10, 15, 16, 20, 25, 30, 32, 40, 50, 60, 64, 70, 75, 80, 90, 100, 128)
    ]
    assert all(map(is_round, (150, 200, 250, 256, 500, 750, 1000, 2000, 2500, 4096, 10000)))


@pytest.mark.parametrize("row", ["value_label", "code_name", "id_label"])
def test_a_dictionary_is_keyed_by_what_identifies_it(row: str) -> None:
    with tenant(dictionary_row=row) as simulator:
        result = read(simulator)
        assert result.exit == ""
        found = {(each["type"], each["id"]) for each in result.records["SelectDictionary"]}
        rows = simulator.records("SelectDictionary")
        assert found == {(each["type"], str(each["id"])) for each in rows if each["type"] in ALL_DICTIONARIES}
        labels = {each["label"] for each in result.records["picklists"] if each["field"] == "sourceId"}
    assert "WWW" in labels


def test_rows_without_a_key_are_said_and_not_sent_and_the_rest_is_read() -> None:
    with tenant(dictionary_row="text") as simulator:
        result = read(simulator)
    assert "SelectDictionary" not in result.records
    assert "come without their key (type, id)" in result.exit
    assert len(result.records["Lead"]) == 40


@pytest.mark.parametrize("shape", ["data", "type", "list", "anonymous"])
def test_a_record_in_a_wrapping_is_unwrapped(shape: str, tmp_path: Path) -> None:
    with tenant(get_shape=shape) as simulator, client(simulator, details="get") as opened:
        leads = entity(opened, "Lead")
        row = opened.system.get(opened.call, leads, "7")
        assert row is not None
        assert (str(row["id"]), row["surname"]) == ("7", simulator.records("Lead")[6]["surname"])
        new = {"surname": "Nowa", "sexId": "Kobieta", "mainEmail": "nowa@example.com"}
        assert write(simulator, tmp_path, "Lead", new).exit == ""
        assert write(simulator, tmp_path, "Lead", {**new, "surname": "Nowsza"}).exit == ""
        assert simulator.records("Lead")[-1]["surname"] == "Nowsza"
        assert written(simulator) == ["Lead/create", "Lead/update"]


@pytest.mark.parametrize("answer", ["none", "null", "zero", "nested"])
def test_what_a_write_without_an_id_did_is_looked_for(answer: str, tmp_path: Path) -> None:
    new = [{"surname": f"N{n}", "sexId": "Kobieta", "mainEmail": f"n{n}@example.com"} for n in range(2)]
    with tenant(saved=answer) as simulator:
        for _run in range(2):
            assert write(simulator, tmp_path, "Lead", *new).exit == ""
        times = Counter(row["mainEmail"] for row in simulator.records("Lead"))
        assert (times["n0@example.com"], times["n1@example.com"]) == (1, 1)
        assert written(simulator) == ["Lead/create"] * 2
        assert write(simulator, tmp_path, "Lead", {**new[0], "surname": "Nowsza"}, new[1]).exit == ""
        assert written(simulator) == [*["Lead/create"] * 2, "Lead/update"]
        assert [row["surname"] for row in simulator.records("Lead")[-2:]] == ["Nowsza", "N1"]


def emptied(simulator: EgitoSimulator, *numbers: int) -> None:
    """Answers some of the questions for the list of leads, counted from 1, with an empty list."""
    answer, asked = simulator.answer, Counter[str]()

    def emptying(call: Call) -> Answer:
        given = answer(call)
        asked[call.path] += 1
        is_hit = call.path == f"{DATA}Lead/list" and asked[call.path] in numbers
        return type(given)(b"[]", 200, given.content_type) if is_hit else given

    vars(simulator)["answer"] = emptying


@pytest.mark.parametrize("paging", ["none", "max_offset", "page_size"])
def test_a_list_that_is_empty_once_loses_nothing(paging: str) -> None:
    for number in range(1, 16):
        with tenant(rows=43, paging=paging, page_size=9, largest_page=9) as simulator:
            emptied(simulator, number)
            result = read(simulator, "Lead")
            found = {row["id"] for row in result.records["Lead"]}
            assert result.exit or found == ids(simulator, "Lead"), number


@pytest.mark.parametrize("paging", ["none", "max_offset", "page_size"])
def test_a_list_that_is_empty_from_some_point_on_is_a_failure(paging: str) -> None:
    for number in range(4, 12):
        with tenant(rows=43, paging=paging, page_size=9, largest_page=9) as simulator:
            emptied(simulator, *range(number, 1000))
            result = read(simulator, "Lead")
            found = {row["id"] for row in result.records["Lead"]}
            assert result.exit or found == ids(simulator, "Lead"), number


def test_only_a_number_counts_the_time_since_1970() -> None:
    lead = Entity("Lead", (Field("modified", Kind.DATETIME),), private={"units": {"modified": 1}})
    read_by = normaliser(lead, UTC)
    assert read_by({"modified": 5})["modified"] == "1970-01-01T00:00:05+00:00"
    assert read_by({"modified": True})["modified"] is True
