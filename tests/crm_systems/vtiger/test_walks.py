"""Reading by ascending id: over whatever ids, page sizes, hidden rows and bad records, every row exactly once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_systems.errors import ProtocolError
from crm_systems.vtiger import vtql, walks
from tests.crm_systems.vtiger.table import Server, numbers, read, sizes


@given(numbers(), sizes, st.integers(1, 40))
def test_every_row_once(ids: list[int], size: int, weight: int) -> None:
    table = vtql.Table("Things", "12", page_size=size)
    assert read(Server(ids, weight=weight), table) == (ids, set())


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
