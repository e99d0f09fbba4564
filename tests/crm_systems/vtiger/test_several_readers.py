"""Walks that are divided among threads or machines: every row exactly once, and few requests more."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_systems.client.readers import Readers
from crm_systems.model import BEYOND, Shard, shards
from crm_systems.vtiger import vtql, walks
from tap_crm.state.place import without
from tests.crm_systems.vtiger.table import Server, numbers, read, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_systems.model import Page, Ranges


@settings(max_examples=60)
@given(numbers(), sizes, st.integers(), st.integers(1, 40))
def test_every_row_once_however_it_is_divided(ids: list[int], size: int, seed: int, weight: int) -> None:
    """Walks are divided before, in the midst of and after any of their requests, and go on in any order."""
    chance = random.Random(seed)
    bad = frozenset(chance.sample(ids, min(chance.randrange(5), len(ids))))
    under_way: list[tuple[walks.Keyset, Iterator[Page]]] = []

    def begin(walk: walks.Keyset) -> None:
        under_way.append((walk, walk(server.call)))

    def perhaps_divide(_server: Server, _query: str) -> None:
        for walk, _pages in under_way:
            if walk.pages_left and len(under_way) < 8 and chance.random() < 1 / 4:
                begin(walk.divide())

    server = Server(ids, bad=bad, weight=weight, before=perhaps_divide)
    begin(walks.Keyset(vtql.Table("Things", "12", page_size=size), 0, max(ids, default=0)))
    rows: list[int] = []
    unreadable: list[str] = []
    left: Ranges = ((0, BEYOND),)
    while under_way:
        chosen = chance.choice(under_way)
        page = next(chosen[1], None)
        if page is None:
            under_way.remove(chosen)
        else:
            rows += [vtql.number_of(row["id"]) for row in page.rows]
            unreadable += page.unreadable
            assert page.covers
            assert all(number <= page.covers[1] for number in rows[len(rows) - len(page.rows) :])
            low, high = page.covers
            assert {number for number in ids if low < number <= high} <= bad.union(rows)
            left = without(left, *page.covers)
    assert left == ((max(ids, default=0), BEYOND),)
    assert sorted(rows) == [number for number in ids if number not in bad]
    assert sorted(unreadable) == sorted(f"12x{number}" for number in bad)


def test_a_walk_that_has_passed_its_border_covers_nothing_behind_it() -> None:
    """Who divides it may have looked at it just before its last page came."""
    server = Server([*range(1, 6), 50, 60])
    walk = walks.Keyset(vtql.Table("Things", "12", page_size=5), 0, 60)
    pages = walk(server.call)
    first, rest = next(pages), walk.divide()
    covered = [first, next(pages)]
    halves = [*walk.divide()(server.call), *pages]
    assert max(page.covers[1] for page in (*covered, *halves) if page.covers) < 50
    assert [row["id"] for page in rest(server.call) for row in page.rows] == ["12x50", "12x60"]


@given(numbers(), sizes, st.integers(1, 40), st.integers(1, 5), st.integers(1, 60))
def test_shards_share_the_rows_out(ids: list[int], size: int, weight: int, of: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "BLOCK", block)
        parts = [
            read(Server(ids, weight=weight), vtql.Table("Things", "12", page_size=size, shard=Shard(number, of)))[0]
            for number in range(1, of + 1)
        ]
        assert sorted(number for part in parts for number in part) == ids
        assert all(number // block % of == place for place, part in enumerate(parts) for number in part)


def read_by(workers: int, server: Server, page_size: int = 10) -> list[int]:
    """The numbers of all rows, ascending."""
    readers = Readers(workers, server.call, time.monotonic, lambda: False)
    table = vtql.Table("Things", "12", page_size=page_size)
    reading = readers.read(lambda: [walks.Keyset(table, 0, server.ids[-1])])
    reading.begin()
    found = sorted(vtql.number_of(row["id"]) for page in reading for row in page.rows)
    readers.close()
    return found


@pytest.mark.parametrize("workers", [2, 4, 8, 16])
def test_the_cost_of_a_read_by_several(workers: int) -> None:
    server = Server([number * number for number in range(1, 2001)])
    assert read_by(workers, server) == server.ids
    assert len(server.queries) <= 200 * 1.02 + 7, "nearly 2 % and 5; threads decide which walk is divided"


@pytest.mark.parametrize("workers", [4, 16])
def test_whole_pages_are_divided_where_ids_are_even(workers: int) -> None:
    server = Server(list(range(7, 14_000, 7)))
    assert read_by(workers, server) == server.ids
    assert len(server.queries) == 200


def test_parts_of_even_ids_need_no_page_more_each() -> None:
    """Told from the last ids, before the first page: whole pages would end just short of each border."""
    server = Server(list(range(5, 14_000, 7)))
    parts = [walks.Keyset(vtql.Table("Things", "12", page_size=10), 0, server.ids[-1], reach=70)]
    for _each in range(3):
        parts += [each.divide() for each in parts]
    assert sorted(row["id"] for part in parts for page in part(server.call) for row in page.rows) == sorted(
        f"12x{number}" for number in server.ids
    )
    assert len(server.queries) <= 200 + 1


def test_who_reads_a_page_keeps_it_and_half_of_the_others() -> None:
    walk = walks.Keyset(vtql.Table("Things", "12", page_size=5), 0, 20)
    server = Server(list(range(1, 21)))
    pages = walk(server.call)
    first = next(pages)
    assert walk.pages_left == 3
    rest = [page.rows for page in walk.divide()(server.call)]
    assert rest == [rows(16, 21), []]
    assert [first.rows, *(page.rows for page in pages)] == [rows(1, 6), rows(6, 11), rows(11, 16), []]
    assert len(server.queries) == 4


def rows(first: int, end: int) -> list[dict[str, str]]:
    """Some neighbouring rows."""
    return [{"id": f"12x{number}"} for number in range(first, end)]
