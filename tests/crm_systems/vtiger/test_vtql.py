"""Reading by ascending id: over whatever ids, page sizes, hidden rows and bad records, every row exactly once."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm_simulators.vtiger.vtql import is_extended
from crm_systems.client.readers import Readers
from crm_systems.errors import ProtocolError, Rejected, Unavailable
from crm_systems.model import BEYOND, Shard, shards
from crm_systems.vtiger import vtql, walks
from tap_crm.state.place import without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_systems.model import Page, Ranges, Request


@dataclass
class Server:
    """A module in memory that answers the queries of a walk, with the family's measured oddities."""

    ids: list[int]
    hidden: frozenset[int] = frozenset()
    bad: frozenset[int] = frozenset()
    cap: int = 100
    weight: int = 1
    """How many places of a page of whole rows one record takes."""
    narrow_pages_break: bool = False
    sorts: bool = True
    before: Callable[[Server, str], None] = lambda _server, _query: None
    queries: list[str] = field(default_factory=list)

    def call(self, request: Request) -> Any:
        query = request.query["query"]
        self.before(self, query)
        self.queries.append(query)
        assert query.startswith("select ")
        assert query.endswith(";")
        matching = sorted(self._matching(query))
        if "order by id desc" in query:
            matching.reverse()
        rows = matching[self._skip(query) :][: self._count(query)]
        wide = query.startswith("select *")
        if (wide or self.narrow_pages_break) and self.bad & set(rows):
            raise Rejected("refused", code="INVALID_ID_ATTRIBUTE")
        if not self.sorts and wide:
            rows.reverse()
        return [{"id": f"12x{number}"} for number in rows if number not in self.hidden]

    def _matching(self, query: str) -> list[int]:
        tests: dict[str, Callable[[int, int], bool]] = {
            r"id > '12x(\d+)'": lambda number, limit: number > limit,
            r"id <= '12x(\d+)'": lambda number, limit: number <= limit,
            r"id = '12x(\d+)'": lambda number, limit: number == limit,
        }
        found: set[int] = set()
        for alternative in query.partition(" order by ")[0].split(" or "):
            these = self.ids
            for pattern, test in tests.items():
                for limit in re.findall(pattern, alternative):
                    these = [number for number in these if test(number, int(limit))]
            found.update(these)
        return sorted(found)

    @staticmethod
    def _skip(query: str) -> int:
        offset = re.search(r"limit (\d+),", query)
        return int(offset[1]) if offset else 0

    def _count(self, query: str) -> int:
        limit = re.search(r"limit (?:\d+,)?(\d+);", query)
        assert limit
        places = min(int(limit[1]), self.cap)
        return max(1, places // self.weight) if query.startswith("select *") else places


def read(server: Server, table: vtql.Table, highest: int | None = None) -> tuple[list[int], set[int]]:
    """The numbers of the rows in their order, and of the records that could not be read."""
    end = vtql.top(server.call, table) if highest is None else highest
    pages = list(walks.Keyset(table, 0, end)(server.call))
    return (
        [vtql.number_of(row["id"]) for page in pages for row in page.rows],
        {vtql.number_of(each) for page in pages for each in page.unreadable},
    )


gaps = st.lists(st.one_of(st.just(1), st.integers(1, 5), st.integers(1, 3000)), max_size=400)


@st.composite
def numbers(draw: st.DrawFn) -> list[int]:
    """Ids with random gaps."""
    total, found = 0, []
    for gap in draw(gaps):
        total += gap
        found.append(total)
    return found


sizes = st.integers(1, 150)


@given(numbers(), sizes, st.integers(1, 40))
def test_every_row_once(ids: list[int], size: int, weight: int) -> None:
    table = vtql.Table("Things", "12", page_size=size)
    assert read(Server(ids, weight=weight), table) == (ids, set())


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


def test_hidden_rows_are_found_out_where_none_were_expected() -> None:
    """By a page that is not full; more than a page may be hidden one after the other then, or at the end."""
    hidden = frozenset({5, *range(300, 800), *range(960, 1001)})
    server = Server(list(range(1, 1001)), hidden=hidden)
    shown = [number for number in server.ids if number not in hidden]
    assert read(server, vtql.Table("Things", "12", may_hide=True)) == (shown, set())
    with pytest.raises(ProtocolError, match="empty pages although records follow"):
        read(server, vtql.Table("Things", "12"))


@pytest.mark.parametrize("hides", [False, True])
def test_nothing_is_no_end_while_the_last_record_is_shown(hides: bool) -> None:
    """Where even the first page and the doubt of it are answered with nothing, as by an error that was swallowed."""
    server = Server([1, 5, 9])
    table = vtql.Table("Things", "12", hides_rows=hides)
    swallowing = Server([1, 5, 9], hidden=frozenset([1, 5, 9]))
    walk = walks.Keyset(table, 0, 9)
    with pytest.raises(ProtocolError, match="empty pages although records follow"):
        list(walk(lambda request: (swallowing if "id >" in request.query["query"] else server).call(request)))
    server.ids.clear()
    assert [page.rows for page in walks.Keyset(table, 0, 9)(server.call)] == [[]]


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


@given(numbers(), sizes, st.data(), st.booleans())
def test_every_row_but_the_bad_ones(ids: list[int], size: int, data: st.DataObject, narrow: bool) -> None:
    bad = frozenset(data.draw(st.lists(st.sampled_from(ids), max_size=8))) if ids else frozenset()
    table = vtql.Table("Things", "12", page_size=size)
    rows, unreadable = read(Server(ids, bad=bad, narrow_pages_break=narrow), table)
    assert (rows, unreadable) == ([number for number in ids if number not in bad], set(bad))


@given(numbers(), st.integers(1, 100), st.data(), st.integers(1, 30))
def test_every_row_that_is_not_hidden(ids: list[int], size: int, data: st.DataObject, weight: int) -> None:
    hidden = frozenset(data.draw(st.lists(st.sampled_from(ids)))) if ids else frozenset()
    if data.draw(st.booleans()):
        hidden |= frozenset(ids[: len(ids) * 2 // 3])
    table = vtql.Table("Things", "12", page_size=size, hides_rows=True)
    server = Server(ids, hidden=hidden, weight=weight)
    assert read(server, table, highest=max(ids, default=0))[0] == [each for each in ids if each not in hidden]


@example(visible={101, 302}, size=7, weight=3)
@given(st.sets(st.integers(1, 450), max_size=6), st.integers(1, 100), st.integers(1, 30))
def test_few_visible_rows_among_neighbours(visible: set[int], size: int, weight: int) -> None:
    ids = list(range(1, 451))
    server = Server(ids, hidden=frozenset(ids) - visible, weight=weight)
    table = vtql.Table("Things", "12", page_size=size, hides_rows=True)
    assert read(server, table, highest=450)[0] == sorted(visible)


@given(numbers(), st.integers(1, 20), st.data())
def test_rows_that_stay_are_read_whatever_goes(ids: list[int], size: int, data: st.DataObject) -> None:
    """Rows vanish before any request; those that stay come out once, or the walk fails."""
    doomed = iter(data.draw(st.lists(st.sampled_from(ids))) if ids else [])

    def vanish(server: Server, _query: str) -> None:
        gone = next(doomed, None)
        server.ids = [number for number in server.ids if number != gone]

    server = Server(list(ids), before=vanish)
    try:
        rows, _ = read(server, vtql.Table("Things", "12", page_size=size))
    except ProtocolError:
        assert set(ids) - set(server.ids), "only a row that vouched for an empty answer and vanished may stop it"
        return
    assert len(rows) == len(set(rows))
    assert set(server.ids) <= set(rows) <= set(ids)


def test_a_row_that_comes_to_match_between_an_empty_page_and_its_confirmation() -> None:
    def appear(server: Server, query: str) -> None:
        if "order by id desc limit 2;" in query and "id > '12x20'" in query:
            server.ids = [10, 20, 25]

    server = Server([10, 20], before=appear)
    assert read(server, vtql.Table("Things", "12"), highest=30)[0] == [10, 20, 25]


def test_an_empty_table_costs_little() -> None:
    server = Server([])
    assert read(server, vtql.Table("Things", "12")) == ([], set())
    assert len(server.queries) == 2


def test_the_cost_of_a_plain_read() -> None:
    server = Server(list(range(1, 1001)))
    read(server, vtql.Table("Things", "12"))
    assert len(server.queries) == 11, "one to find the end and one a page"


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


@pytest.mark.parametrize("lines", [2, 7, 150])
def test_a_document_that_comes_once_for_each_line(lines: int) -> None:
    class Multiplying(Server):
        def call(self, request: Request) -> Any:
            rows = super().call(request)
            return [row for row in rows for _line in range(lines)][: self._count(request.query["query"])]

    ids = list(range(3, 900, 3))
    assert read(Multiplying(ids), vtql.Table("Things", "12")) == (ids, set())


def test_a_page_that_is_not_sorted_is_no_page() -> None:
    with pytest.raises(ProtocolError, match="does not sort by id"):
        read(Server([1, 2, 3], sorts=False), vtql.Table("Things", "12"))


def test_a_server_that_drops_the_order_is_found_out() -> None:
    class Careless(Server):
        def call(self, request: Request) -> Any:
            query = request.query["query"].replace(" order by id desc", "")
            return super().call(replace(request, query={"query": query}))

    server = Careless(list(range(1, 251)))
    table = vtql.Table("Things", "12")
    with pytest.raises(vtql.Unsorted):
        vtql.top(server.call, table)
    pages = walks.everything(table)(server.call)
    assert [vtql.number_of(row["id"]) for page in pages for row in page.rows] == server.ids


def test_what_is_deleted_while_a_list_is_read_by_offset_hides_no_other() -> None:
    def delete(server: Server, _query: str) -> None:
        if len(server.queries) == 2:
            server.ids = server.ids[50:]

    server = Server(list(range(1, 601)), before=delete)
    pages = walks.everything(vtql.Table("Things", "12"))(server.call)
    read_numbers = [vtql.number_of(row["id"]) for page in pages for row in page.rows]
    assert sorted(read_numbers) == list(range(1, 601))


@pytest.mark.parametrize("count", [100, 101, 250])
def test_a_server_that_knows_no_offset_is_found_out(count: int) -> None:
    class Deaf(Server):
        def _skip(self, _query: str) -> int:  # type: ignore[override]  # it skips nothing
            return 0

    pages = walks.everything(vtql.Table("Things", "12"))(Deaf(list(range(count))).call)
    with pytest.raises(ProtocolError, match="the same records again and again"):
        list(pages)


def test_a_server_that_cannot_sort_backwards() -> None:
    class Simple(Server):
        def call(self, request: Request) -> Any:
            if "desc" in request.query["query"]:
                return []
            return super().call(request)

    ids = list(range(1, 400, 3))
    assert read(Simple(ids), vtql.Table("Things", "12")) == (ids, set())


def test_a_module_that_can_never_be_read() -> None:
    server = Server(list(range(1, 5000)), bad=frozenset(range(1, 5000)))
    with pytest.raises(Rejected):
        read(server, vtql.Table("Things", "12"))
    assert len(server.queries) < 3000


@pytest.mark.parametrize("good", [0, 5])
def test_a_server_that_breaks_over_everything(good: int) -> None:
    """HTTP 500 on each page of rows, while simple questions are answered: no record is to blame."""
    pages = iter(range(10_000))

    def fail(_server: Server, query: str) -> None:
        if query.startswith("select *") and next(pages) >= good:
            raise Unavailable("failed", code="HTTP 500")

    server = Server(list(range(1, 2000)), before=fail)
    with pytest.raises(Unavailable):
        read(server, vtql.Table("Things", "12"))
    assert len(server.queries) < 2000


@given(st.text(alphabet=st.sampled_from("'\\\"%_a \n") | st.characters()))
@example("' or ''='")
@example("\\' or 1")
def test_literals_cannot_be_left(text: str) -> None:
    literal = vtql.literal(text)
    inside = literal[1:-1]
    assert literal[0] == literal[-1] == "'"
    assert "'" not in inside.replace("''", "")
    assert "\\" not in inside.replace("\\\\", "")
    assert inside.replace("''", "'").replace("\\\\", "\\") == text


texts = st.text(alphabet=st.sampled_from("'().\\%_[a \n\t") | st.characters(codec="utf-8"), min_size=1) | st.lists(
    st.sampled_from(["'", "(", ")", ".", " ", "in (", " count(", "x", " where [", "select [", "related."]), min_size=1
).map("".join)


@given(texts, texts)
@example("'t Hart B.V.", "x")
@example("it''s (me)", "x")
@example("x'", "a.b")
@example(" COUNT(", ")'(")
def test_no_text_is_taken_for_a_part_of_the_question(one: str, other: str) -> None:
    """By coreBOS, which looks for the dialect of a query in all of it."""
    for condition in (f"{vtql.has('a', one)} and {vtql.has('b', other)}", *vtql.among("a", [one, other], 50)):
        query = f"select * from Things where {condition} or id = '12x1' limit 100;"
        assert not is_extended(query)
        assert not re.search(r"[\n\r\t]|\sselect\s+\[| where\s+\[", query)
