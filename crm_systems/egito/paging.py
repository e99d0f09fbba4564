"""By which parameters a tenant of Egito pages its lists, which is not documented: found out by asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_systems.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crm_systems.model import Row

    Rows = Callable[[Mapping[str, str]], list[Row]]

SIZES = (
    *("max", "size", "limit", "pageSize", "page_size", "pagesize", "perPage", "per_page", "maxResults", "rows"),
    *("take", "top", "count", "length", "rowsPerPage", "itemsPerPage", "pageLimit", "num"),
)
PLACES = (
    *("offset", "page", "start", "skip", "from", "first", "firstResult", "pageNumber", "page_number", "pageNo"),
    *("pageNum", "pageIndex", "startIndex", "begin", "position", "pageOffset", "p"),
)
"""Names for the size and the place of a page that are tried, in every combination."""
FEW = 2
"""The size of a page that is asked for to see whether a name is heeded; two rows tell all ways of counting apart."""
HUGE = "1000000"


@dataclass(frozen=True)
class Paging:
    """The names of the parameters for the size and the place of a page; empty where there is none."""

    size: str = ""
    place: str = ""
    by_page: bool = False
    """Whether the place counts pages; else rows."""
    first: int = 0
    """The place of the first row, or page."""

    def of(self, place: int, size: int) -> dict[str, str]:
        """The parameters for a place, counted from 0, as far as there are names for them."""
        given = {self.size: str(size), self.place: str(place + self.first)}
        return {name: value for name, value in given.items() if name}


def find_paging(rows_of: Rows, base: Sequence[Row], sizes: Iterable[str], places: Iterable[str]) -> Paging:
    """How a list is paged that gives ``base`` when nothing is said; at least three rows.

    One question under all names at once shows whether any of them matters, so that most lists cost two.
    """
    heeded = _heeded(rows_of, base, tuple(sizes))
    start = base[:FEW] if heeded else base
    names = tuple(places)
    for size in heeded or [""]:
        if not names or _rows(rows_of, {**_few(size), **dict.fromkeys(names, "2")}) == start:
            continue
        found = (_placed(rows_of, base, size, place) for place in names)
        paging = next((each for each in found if each), None)
        if paging:
            return paging
    return Paging(heeded[0] if heeded else "")


def _heeded(rows_of: Rows, base: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Those of the names that limit the rows of an answer."""
    together = _rows(rows_of, dict.fromkeys(names, str(FEW)))
    if not names or (together is not None and len(together) >= len(base)):
        return []
    return [name for name in names if len(_rows(rows_of, _few(name)) or ()) == FEW]


def _placed(rows_of: Rows, base: Sequence[Row], size: str, place: str) -> Paging | None:
    """What a name for the place counts, and from where on; None where it changes nothing.

    Without a name for the size, only rows that the bare list does not show prove that it is one.
    """
    page = FEW if size else len(base)
    one, two = (_index(base, _rows(rows_of, {**_few(size), place: number}), page) for number in "12")
    if one == 1 and two in {2, None}:
        return Paging(size, place)
    if one == page or (not size and one == len(base)):
        return Paging(size, place, by_page=True)
    if (one, two) == (0, 1):
        return Paging(size, place, first=1)
    if (one, two) == (0, page):
        return Paging(size, place, by_page=True, first=1)
    return None


def _index(base: Sequence[Row], rows: list[Row] | None, page: int) -> int | None:
    """Where in the list an answer begins that is a page of it; behind it where the list does not show its first row.

    A parameter that filters gives rows that do not follow one another.
    """
    if not rows:
        return None
    if rows[0] not in base:
        return len(base)
    start = base.index(rows[0])
    return start if rows[: len(base) - start] == base[start : start + page] else None


def _few(size: str) -> dict[str, str]:
    return {size: str(FEW)} if size else {}


def _rows(rows_of: Rows, parameters: Mapping[str, str]) -> list[Row] | None:
    """What a question gives; None where the server objects to it."""
    try:
        return rows_of(parameters)
    except Rejected:
        return None
