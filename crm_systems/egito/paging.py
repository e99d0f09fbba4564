"""By which parameters a tenant of Egito pages its lists, which is not documented: found out by asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_systems.errors import OF_ONE_RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    Keys = Callable[[Mapping[str, str]], list[Hashable]]

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


def find_paging(keys_of: Keys, base: Sequence[Hashable], sizes: Iterable[str], places: Iterable[str]) -> Paging:
    """How a list is paged that gives the rows with the keys ``base`` when nothing is said; at least three.

    One question under all names at once shows whether any of them matters, so that most lists cost two.
    """
    heeded = _heeded(keys_of, base, tuple(sizes))
    start = base[:FEW] if heeded else base
    names = tuple(places)
    for size in heeded or [""]:
        if not names or _keys(keys_of, {**_few(size), **dict.fromkeys(names, "2")}) == start:
            continue
        found = (_placed(keys_of, base, size, place) for place in names)
        paging = next((each for each in found if each), None)
        if paging:
            return paging
    return Paging(heeded[0] if heeded else "")


def _heeded(keys_of: Keys, base: Sequence[Hashable], names: Sequence[str]) -> list[str]:
    """Those of the names that limit the rows of an answer."""
    together = _keys(keys_of, dict.fromkeys(names, str(FEW)))
    if not names or (together is not None and len(together) >= len(base)):
        return []
    return [name for name in names if len(_keys(keys_of, _few(name)) or ()) == FEW]


def _placed(keys_of: Keys, base: Sequence[Hashable], size: str, place: str) -> Paging | None:
    """What a name for the place counts, and from where on; None where it changes nothing.

    Without a name for the size, only rows that the bare list does not show prove that it is one.
    """
    page = FEW if size else len(base)
    one, two = (_index(base, _keys(keys_of, {**_few(size), place: number}), page) for number in "12")
    if one == 1 and two in {2, None}:
        return Paging(size, place)
    if one == page or (not size and one == len(base)):
        return Paging(size, place, by_page=True)
    if (one, two) == (0, 1):
        return Paging(size, place, first=1)
    if (one, two) == (0, page):
        return Paging(size, place, by_page=True, first=1)
    return None


def _index(base: Sequence[Hashable], keys: list[Hashable] | None, page: int) -> int | None:
    """Where in the list an answer begins that is a page of it; behind it where the list does not show its first row.

    A parameter that filters gives rows that do not follow one another.
    """
    if not keys:
        return None
    if keys[0] not in base:
        return len(base)
    start = base.index(keys[0])
    return start if keys[: len(base) - start] == base[start : start + page] else None


def _few(size: str) -> dict[str, str]:
    return {size: str(FEW)} if size else {}


def _keys(keys_of: Keys, parameters: Mapping[str, str]) -> list[Hashable] | None:
    """What a question gives; None where the server objects to it, in whatever way, or fails over it."""
    try:
        return keys_of(parameters)
    except OF_ONE_RECORD:
        return None
