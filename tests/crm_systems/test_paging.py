"""Lists read by position while they change: no row is lost, none comes twice."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_systems.errors import ProtocolError
from crm_systems.model import Kind
from crm_systems.paging import Part, Sliding
from crm_systems.sampling import kind_of, unit_of
from crm_systems.times import earliest, instant

PRAGUE = ZoneInfo("Europe/Prague")
FIRST_NEW = 1000


def read(fetch: Any, size: int) -> list[int]:
    pages = Sliding(fetch, lambda row: row["id"]).pages(size, size * 3)
    return [row["id"] for rows in pages for row in rows]


class Worn:
    """A list of which rows are deleted, and to which some are added, after each page."""

    def __init__(self, seed: int, *, told: bool) -> None:
        self.chance = Random(seed)
        self.rows = list(range(seed))
        self.new = iter(range(FIRST_NEW, 10 * FIRST_NEW))
        self.told = told

    def fetch(self, position: int, wanted: int) -> Part:
        rows = [{"id": each} for each in self.rows[position : position + wanted]]
        part = Part(rows, len(self.rows) if self.told else None)
        for _ in range(self.chance.randrange(4)):
            if self.rows and self.chance.random() < 2 / 3:
                self.rows.pop(self.chance.choice([0, self.chance.randrange(len(self.rows))]))
            else:
                self.rows.append(next(self.new))
        return part


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("size", range(1, 9))
def test_a_row_that_is_there_all_the_time_is_read_once(size: int, *, told: bool) -> None:
    failed = 0
    for seed in range(60):
        worn = Worn(seed, told=told)
        try:
            found = read(worn.fetch, size)
        except ProtocolError:
            failed += 1  # most of it was deleted meanwhile
            continue
        assert len(found) == len(set(found))
        assert {each for each in worn.rows if each < FIRST_NEW} - set(found) == set()
    assert failed <= 20


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(2, 9), st.randoms(use_true_random=False))
def test_rows_that_move_to_the_front_hide_no_others(count: int, size: int, chance: Random) -> None:
    rows = list(range(count))

    def fetch(position: int, wanted: int) -> Part:
        part = Part([{"id": each} for each in rows[position : position + wanted]], len(rows))
        if rows and position < 20 * size:
            rows.insert(0, rows.pop(chance.randrange(min(len(rows), position + wanted))))
        return part

    found = read(fetch, size)
    assert sorted(found) == list(range(count))


@settings(deadline=None)
@given(
    st.integers(2, 60),
    st.integers(2, 9),
    st.integers(1, 30),
    st.booleans(),
    st.booleans(),
    st.sampled_from([Part([]), Part([], 0), Part([], 7)]),
)
def test_a_list_that_is_empty_for_once_or_from_some_page_on_is_read_whole_or_fails(
    count: int,
    size: int,
    number: int,
    told: bool,
    forever: bool,
    lie: Part,
) -> None:
    asked: list[int] = []

    def fetch(position: int, wanted: int) -> Part:
        asked.append(position)
        if len(asked) == number + 1 or (forever and len(asked) > number):
            return lie
        rows = [{"id": each} for each in range(count)]
        return Part(rows[position : position + wanted], count if told else None)

    try:
        found = read(fetch, size)
    except ProtocolError:
        return
    assert found == list(range(count))


@pytest.mark.parametrize(("left", "is_list"), [(9, False), (10, True)])
def test_a_list_may_lose_half_of_its_rows_while_it_is_read(left: int, is_list: bool) -> None:
    sizes = iter([20])

    def fetch(position: int, wanted: int) -> Part:
        count = next(sizes, left)
        return Part([{"id": each} for each in range(count)[position : position + wanted]], count)

    if is_list:
        assert read(fetch, 3) == list(range(left))
        return
    with pytest.raises(ProtocolError, match="fewer records than it announced"):
        read(fetch, 3)


def test_a_row_hidden_by_equal_ones_that_changed_places_is_read_after_all() -> None:
    orders = iter([[0, 1, 2, 3, 4, 5], [0, 1, 4, 3, 2, 5]])
    last = [0, 1, 2, 3, 4, 5]

    def fetch(position: int, wanted: int) -> Part:
        return Part([{"id": each} for each in next(orders, last)[position : position + wanted]], 6)

    assert read(fetch, 4) == [0, 1, 2, 3, 5, 4]


@pytest.mark.parametrize("total", [None, 30])
def test_a_server_that_knows_no_positions_is_asked_an_end(total: int | None) -> None:
    asked: list[int] = []

    def fetch(position: int, _wanted: int) -> Part:
        asked.append(position)
        return Part([{"id": each} for each in range(30)], total)

    assert read(fetch, 10) == list(range(30))
    assert len(asked) <= 12


@given(st.datetimes(datetime(2025, 10, 25), datetime(2025, 10, 27)), st.integers(0, 7200))  # noqa: DTZ001 - of a wall clock
def test_what_a_wall_clock_shows_later_is_not_before_the_bound(naive: datetime, seconds: int) -> None:
    since = naive.replace(tzinfo=timezone.utc)
    change = since + timedelta(seconds=seconds)
    shown = change.astimezone(PRAGUE).replace(tzinfo=None).isoformat(timespec="seconds")
    read_back = instant(shown, PRAGUE)
    assert read_back is not None
    assert read_back >= earliest(since, PRAGUE)
    assert since - earliest(since, PRAGUE).astimezone(timezone.utc) <= timedelta(hours=2, seconds=1)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("a", [], Kind.STRING),
        ("a", [True, False], Kind.BOOLEAN),
        ("a", [1, Decimal("1.5")], Kind.NUMBER),
        ("a", [1, True], Kind.STRING),
        ("a", [1, "1"], Kind.STRING),
        ("a", [{"b": 1}], Kind.OBJECT),
        ("a", [[]], Kind.LIST),
        ("note", ["2025-01-31"], Kind.STRING),
        ("note", ["2025-01-31", "2025-02-01", "2025-02-02"], Kind.DATE),
        ("signedDate", ["2025-01-31"], Kind.DATE),
        ("signedDate", ["2025-01-31", "soon"], Kind.STRING),
        ("created", ["2025-01-31T10:00:00", "2025-01-31 10:00"], Kind.DATETIME),
        ("created", [1738317600000], Kind.DATETIME),
        ("created", [1738317600], Kind.DATETIME),
        ("phone", [600100200, 1738317600000], Kind.NUMBER),
        ("callTime", [61], Kind.NUMBER),
        ("a", ["x" * 300], Kind.TEXT),
    ],
)
def test_kinds_told_from_values(name: str, values: list[Any], kind: Kind) -> None:
    assert kind_of(name, values) is kind


def test_the_unit_of_a_time_is_told_by_its_largest_value() -> None:
    assert unit_of("modified", [-3_600_000, 0, 1738317600000]) == 1000
    assert unit_of("modified", [0, 1738317600]) == 1
    assert unit_of("modified", [0, 5]) == 0
    assert unit_of("number", [1738317600000]) == 0


def test_a_list_that_announces_more_than_it_gives_is_a_failure() -> None:
    def fetch(position: int, _size: int) -> Part:
        return Part([{"id": 1}][position:], 2)

    with pytest.raises(ProtocolError, match="fewer records than it announced"):
        list(Sliding(fetch, lambda row: row["id"]).pages(10, 10))


def test_one_look_alone_never_finds_a_list_empty() -> None:
    looks = iter([Part([])])

    def fetch(position: int, wanted: int) -> Part:
        return next(looks, Part([{"id": each} for each in range(6)][position : position + wanted]))

    assert read(fetch, 3) == list(range(6))
