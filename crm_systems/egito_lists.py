"""Reading Egito's lists, about which nothing is documented but that they exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ProtocolError, Rejected
from crm_systems.paging import PASSES, Part, Sliding

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from crm_systems.model import Row

    Ask = Callable[[Mapping[str, str]], Part]

ENVELOPES = ("list", "items", "records", "data", "rows", "results", "content")
TOTALS = ("total", "totalCount", "count")
"""What the number of all rows may be called; ``size`` is left out, since it may be that of the page."""
PAGINGS = ("max/offset", "size/page", "limit/start", "limit/offset", "pageSize/page")
"""Names of the parameters for the size and the place of a page that are tried."""


def part_of(told: Any, envelope: str | None, about: str) -> Part:
    """The rows of a list of any likely shape; ``envelope`` is the name of their field where it is set.

    Raises:
        ProtocolError: no rows can be made out.
    """
    if isinstance(told, list):
        return Part(told)
    if isinstance(told, dict):
        lists = [name for name, value in told.items() if isinstance(value, list) and name != "errors"]
        names = [envelope] if envelope else [*(name for name in ENVELOPES if name in lists), *lists]
        if names and names[0] in lists:
            total = next((told[name] for name in TOTALS if type(told.get(name)) is int), None)
            return Part(told[names[0]], total)
    raise ProtocolError(
        f"{about}: the answer is no list", hint="`list_field` may say which of its fields holds the records"
    )


@dataclass
class Lists:
    """How this tenant pages; found out from the first list that shows it, unless it is set."""

    paging: str = "auto"
    """``auto``, ``none``, or the names of the parameters as in :data:`PAGINGS`."""

    def everything(self, ask: Ask, key_of: Callable[[Row], Hashable], page_size: int) -> Iterator[list[Row]]:
        """All rows of a list, each once. ``ask`` gives the rows for the parameters that it is handed."""
        paging = self._paging(ask) if self.paging == "auto" else self.paging
        size, _, place = paging.partition("/")
        if not place:
            part = ask({})
            _check_total(part)
            yield from Sliding(lambda _position, _size: part, key_of).pages(page_size, page_size, lambda _rows: True)
        elif place.startswith("page"):
            yield from _by_number(lambda number: ask({size: str(page_size), place: str(number)}), key_of)
        else:
            sliding = Sliding(lambda position, rows: Part(ask({size: str(rows), place: str(position)}).rows), key_of)
            yield from sliding.pages(page_size, page_size)

    def _paging(self, ask: Ask) -> str:
        """What a list shows when one row is asked for under all names at once: many rows mean that it has no pages."""
        probe = _rows(ask, dict.fromkeys((each.partition("/")[0] for each in PAGINGS), "1"))
        if probe is not None and len(probe) > 1:
            self.paging = "none"
            return "none"
        found = next((each for each in PAGINGS if _works(ask, each)), None)
        if found:
            self.paging = found
        return found or "none"


def _works(ask: Ask, paging: str) -> bool:
    """Whether a list heeds both parameters: one row comes, and another one from further on."""
    size, _, place = paging.partition("/")
    first = _rows(ask, {size: "1"})
    if first is None or len(first) != 1:
        return False
    # Page 1 may be the first one, or the second.
    return any((rows := _rows(ask, {size: "1", place: number})) and len(rows) == 1 and rows != first for number in "12")


def _rows(ask: Ask, parameters: Mapping[str, str]) -> list[Row] | None:
    """What a probe gives; None where the server objects to it."""
    try:
        return ask(parameters).rows
    except Rejected:
        return None


def _by_number(ask: Callable[[int], Part], key_of: Callable[[Row], Hashable]) -> Iterator[list[Row]]:
    """Pages by number, which cannot overlap: a list of several is read again until a pass finds nothing new."""
    seen: set[Hashable] = set()
    for _pass in range(PASSES):
        known, pages = len(seen), 0
        for rows in _pages(ask, key_of):
            pages += 1
            fresh = {key: row for row in rows if (key := key_of(row)) not in seen}
            seen.update(fresh)
            yield list(fresh.values())
        if pages <= 1 or len(seen) == known:
            return


def _pages(ask: Callable[[int], Part], key_of: Callable[[Row], Hashable]) -> Iterator[list[Row]]:
    """One pass: until a page brings nothing new; where pages are counted from 1, the first two are the same."""
    met: set[Hashable] = set()
    number = 0
    while True:
        try:
            rows = ask(number).rows
        except Rejected:
            if number:
                raise
            rows = []
        keys = {key_of(row) for row in rows}
        if number > 0 and (keys <= met) and (number > 1 or (met and not keys)):
            return
        if not keys <= met:
            yield rows
        met |= keys
        number += 1


def _check_total(part: Part) -> None:
    """Makes sure that a list without pages is whole.

    Raises:
        ProtocolError: it says that it is not.
    """
    if part.total is not None and part.total > len(part.rows):
        raise ProtocolError(
            "The server gives only a part of a list and no way to the rest was found",
            hint="set `paging` to the names of the parameters for the size and the place of a page",
        )
