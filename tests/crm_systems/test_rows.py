"""What a row is known by."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm_systems.errors import ProtocolError
from crm_systems.model import Entity
from crm_systems.rows import holds_rows, is_identifier, key_of, record_with, rows_in

MEMBERS = Entity("members", (), key=("org", "member"))


def test_a_key_of_several_fields_is_all_of_them() -> None:
    assert key_of(MEMBERS, {"org": 1, "member": 2}) == "1|2"
    assert key_of(MEMBERS, {"org": 1, "member": 3}) != key_of(MEMBERS, {"org": 1, "member": 2})


def test_a_number_or_a_text_names_a_record_and_nothing_else_does() -> None:
    assert all(map(is_identifier, (0, 7, Decimal("7.5"), "7", "12x7", "Žluť")))
    assert not any(map(is_identifier, (True, False, None, "", " ", "a\x00", "\ud800", [7], {})))


@pytest.mark.parametrize("row", [{"org": 1}, {"member": 2}, {"org": None, "member": 2}], ids=str)
def test_a_row_that_lacks_a_part_of_its_key_is_no_record(row: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match="without its key"):
        key_of(MEMBERS, row)


@pytest.mark.parametrize(
    "told", [[], {}, None, {"id": 8}, [{"id": 8}], [{"id": 7}, {"id": 7}], {"owner": {"id": 8}}], ids=str
)
def test_an_answer_to_a_question_for_a_record_is_that_record_or_an_error(told: object) -> None:
    with pytest.raises(ProtocolError, match="not the record that was asked for"):
        record_with(told, "7", ["name"], "one")


@pytest.mark.parametrize("told", [{"id": 7, "name": "x"}, [{"id": 7, "name": "x"}], {"data": {"id": "7", "name": "x"}}])
def test_the_record_that_was_asked_for_is_found_in_its_wrapping(told: object) -> None:
    assert record_with(told, "7", ["name"], "one")["name"] == "x"


@pytest.mark.parametrize("told", [None, 5, {}, {"total": 3}, [1], {"items": [None]}, {"items": [{}, 2]}], ids=str)
def test_what_holds_something_else_than_records_holds_no_rows(told: object) -> None:
    assert not holds_rows(told)
    assert holds_rows({"items": [], "total": 0})


@pytest.mark.parametrize("part", [None, {"id": 5}, [5]], ids=str)
def test_a_part_of_a_key_is_one_value(part: object) -> None:
    assert rows_in([{"org": 1, "member": ""}], "all", MEMBERS.key)
    with pytest.raises(ProtocolError, match="without its `member`"):
        rows_in([{"org": 1, "member": part}], "all", MEMBERS.key)


@pytest.mark.parametrize("told", [None, {}, "rows", 5, [None], [{"id": 1}, 2], [{"id": None}], [{}]], ids=str)
def test_what_is_no_list_of_records_with_their_keys_is_never_no_rows(told: object) -> None:
    assert rows_in([], "all", ["id"]) == []
    with pytest.raises(ProtocolError):
        rows_in(told, "all", ["id"])
