"""What a value that comes in means, and what it never means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_systems.kinds import FREE_TEXTS, Notation
from crm_systems.model import Field, Kind
from crm_systems.wire import encode, same, typed

NOTATION = Notation("Europe/Prague")


@pytest.mark.parametrize("value", [1_706_659_200, 1_706_659_200_000, Decimal("1706659200.0")], ids=str)
def test_seconds_and_milliseconds_of_our_time_are_an_instant(value: Any) -> None:
    assert typed(Field("f", Kind.DATETIME), value, NOTATION) == "2024-01-31T00:00:00+00:00"


@pytest.mark.parametrize("value", [20240131, 2024013109, 202401310930, 45322, 0, 1, -1, True], ids=str)
def test_a_warehouses_key_of_a_day_or_a_count_of_days_is_no_instant(value: Any) -> None:
    with pytest.raises(ValueError, match="is no datetime"):
        typed(Field("f", Kind.DATETIME), value, NOTATION)


@pytest.mark.parametrize("value", [20240131, 1_706_659_200, 45322], ids=str)
def test_a_bare_number_is_no_day(value: int) -> None:
    with pytest.raises(ValueError, match="is no date"):
        typed(Field("f", Kind.DATE), value, NOTATION)


@pytest.mark.parametrize("kind", sorted(FREE_TEXTS))
def test_plain_texts_leave_as_they_are(kind: Kind) -> None:
    assert encode(kind, " 1,5 |##| Á\n", Notation("Europe/Prague", " |##| ")) == " 1,5 |##| Á\n"


@pytest.mark.parametrize(
    ("text", "value", "becomes"),
    [("false", False, False), ("true", True, True), ("[true]", [True], "[true]"), ("5", "5", "5"), ("x", "x", "x")],
)
def test_what_flattening_made_a_text_of_is_what_it_was_where_any_value_may_be(
    text: str, value: Any, becomes: Any
) -> None:
    assert typed(Field("f", Kind.ANY), text, NOTATION) == becomes
    assert same(Kind.ANY, text, value)
