"""A module of Vtiger in memory, which answers the queries of a walk, and the ids that it may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from crm_systems.errors import Rejected
from crm_systems.vtiger import vtql, walks

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_systems.model import Request


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
