"""Servers that do not sort, skip or answer as they should are found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_systems.errors import ProtocolError, Rejected, Unavailable
from crm_systems.model import BEYOND, Entity
from crm_systems.vtiger import vtql, whole
from crm_systems.vtiger.doubles import UNIQUE, naming_doubles
from tests.crm_systems.vtiger.table import Server, read

if TYPE_CHECKING:
    from crm_systems.model import Request


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


@pytest.mark.parametrize("number", [BEYOND + 1, int("9" * 4000)], ids=["beyond", "endless"])
def test_an_id_beyond_all_that_is_asked_for_is_none(number: int) -> None:
    with pytest.raises(ProtocolError, match="an id that is none"):
        read(Server([1, number]), vtql.Table("Things", "12"))
    with pytest.raises(ProtocolError, match="an id that is none"):
        vtql.number_of("12x" + "9" * 5000)


def test_a_server_that_drops_the_order_is_found_out() -> None:
    class Careless(Server):
        def call(self, request: Request) -> Any:
            query = request.query["query"].replace(" order by id desc", "")
            return super().call(request.replace(query={"query": query}))

    server = Careless(list(range(1, 251)))
    table = vtql.Table("Things", "12")
    with pytest.raises(vtql.Unsorted):
        vtql.top(server.call, table)
    pages = whole.everything(table)(server.call)
    assert [vtql.number_of(row["id"]) for page in pages for row in page.rows] == server.ids


def test_what_is_deleted_while_a_list_is_read_by_offset_hides_no_other() -> None:
    def delete(server: Server, _query: str) -> None:
        if len(server.queries) == 2:
            server.ids = server.ids[50:]

    server = Server(list(range(1, 601)), before=delete)
    pages = whole.everything(vtql.Table("Things", "12"))(server.call)
    read_numbers = [vtql.number_of(row["id"]) for page in pages for row in page.rows]
    assert sorted(read_numbers) == list(range(1, 601))


@pytest.mark.parametrize("count", [100, 101, 250])
def test_a_server_that_knows_no_offset_is_found_out(count: int) -> None:
    class Deaf(Server):
        def _skip(self, _query: str) -> int:  # type: ignore[override]  # it skips nothing
            return 0

    pages = whole.everything(vtql.Table("Things", "12"))(Deaf(list(range(count))).call)
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


def test_fields_that_must_be_unique_together_are_all_named() -> None:
    """Another record may share one of them (measured on 8.0.0)."""
    entity = Entity("Contacts", (), private={UNIQUE: ("phone", "email")})
    refused = Rejected("Contacts: revise: the CRM refuses this", code="0")
    assert "the same phone and email, and no two may" in str(naming_doubles(refused, entity, {"email"}))
