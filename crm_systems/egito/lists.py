"""Reading Egito's lists, about which nothing is documented but that they exist."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from crm_systems.egito.paging import FEW, HUGE, PLACES, SIZES, Paging, find_paging
from crm_systems.egito.whole import Search, is_round, missing_from
from crm_systems.errors import OF_ONE_RECORD, Denied, ProtocolError
from crm_systems.paging import PASSES, Part, Sliding
from crm_systems.rows import is_whole_number, rows_in

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from crm_systems.model import Row

ENVELOPES = ("list", "items", "records", "data", "rows", "results", "content")
TOTALS = ("total", "totalCount", "totalElements", "totalItems", "totalRecords", "totalResults", "recordsTotal", "count")
"""What the number of all rows may be called; ``size`` is left out, since it may be that of the page."""
MORE = ("hasMore", "hasNext", "hasNextPage", "more", "next", "nextPage", "nextUrl")
"""What may say that rows follow."""
ABOUT_PAGES = ("page", "paging", "pagination", "meta")
"""Objects beside the rows that may hold these, as Spring's newer ``page`` does."""
HINT = (
    "set `paging` to the names of the parameters for the size and the place of a page, "
    "or to none if you know that lists come whole"
)
MOST_EMPTY = 100
"""So many empty pages before the end of a list, and it is not read on."""


@dataclass(frozen=True)
class Listed(Part):
    """The rows of an answer and what it says of the others."""

    more: bool = False
    """It says that others follow."""
    numbers: tuple[str, ...] = ()
    """The names of the numbers beside the rows: some may be the page's size and place."""

    @property
    def is_counted(self) -> bool:
        """Whether the server tells the number of all rows; a ``count`` may be that of the page."""
        return any(name in self.numbers for name in TOTALS if name != "count")


def part_of(told: Any, envelope: str | None, about: str) -> Listed:
    """The rows of a list of any likely shape; ``envelope`` is the name of their field where it is set.

    Raises:
        ProtocolError: no rows can be made out.
    """
    if isinstance(told, list):
        return Listed(rows_in(told, about))
    if isinstance(told, dict):
        lists = [name for name, value in told.items() if isinstance(value, list) and name != "errors"]
        names = [envelope] if envelope else [*(name for name in ENVELOPES if name in lists), *lists]
        if names and names[0] in lists:
            beside = {name: value for each in ABOUT_PAGES for name, value in _fields(told.get(each)).items()} | told
            numbers = tuple(name for name, value in beside.items() if is_whole_number(value))
            total = next((int(beside[name]) for name in TOTALS if name in numbers), None)
            more = any(beside.get(name) for name in MORE) or beside.get("last") is False
            return Listed(rows_in(told[names[0]], about), total, more, numbers)
    raise ProtocolError(
        f"{about}: the answer is no list", hint="`list_field` may say which of its fields holds the records"
    )


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Source:
    """One list that can be asked for."""

    name: str
    """For messages: the type, or the dictionary."""
    ask: Callable[[Mapping[str, str]], Listed]
    key_of: Callable[[Row], str]
    longest: Callable[[], int]
    """How many rows the longest list of the tenant gives at once."""
    exists: Callable[[str], bool] | None = None
    """Whether there is a record with an id; None where records cannot be asked for one by one."""


@dataclass
class Lists:
    """How this tenant pages, and what its lists gave so far; a list that may be cut or has shrunk is an error."""

    setting: str = "auto"
    """``auto``, ``none``, or the names of the parameters for size and place as in ``max/offset``."""
    _pagings: dict[str, Paging] = field(default_factory=dict)
    _given: dict[str, set[Hashable]] = field(default_factory=dict)
    """The keys that each list showed when it was read last."""
    _whole: set[tuple[str, int]] = field(default_factory=set)
    """Lists that were found to be whole, with their length."""
    _witness: Source | None = None
    """The shortest list that showed rows."""

    def everything(self, source: Source, page_size: int) -> Iterator[list[Row]]:
        """All rows of a list, each once.

        Raises:
            ProtocolError: rows are missing, or may be.
        """
        given = self._given.setdefault(source.name, set())
        try:
            base = source.ask({})
            if not base.rows:
                base = source.ask({})  # it may have been empty by mistake
        except Denied:
            if given:
                raise _shrunk(source) from None
            raise
        given.update(map(source.key_of, base.rows))
        paging = self._paging(source, base)
        seen: set[Hashable] = set()
        if paging.place:
            reading = PageByPage(source, paging)
            sliding = Sliding(reading.rows, source.key_of, seen)
            yield from reading.by_page(page_size, seen) if paging.by_page else sliding.pages(page_size, page_size)
            last = reading.last
        else:
            last = _longer(source, base, paging)
            yield from Sliding(lambda _place, _size: last, source.key_of, seen).pages(1, 1, lambda _rows: True)
        _check_announced(source, last, len(seen))
        if not paging.place and self.setting != "none":
            self._check_whole(source, last, seen, may_be_page=bool(paging.size))
        _check_kept(source, given, seen)
        self._given[source.name] = seen
        self._check_empty(source)

    def _check_empty(self, source: Source) -> None:
        """Makes sure that an empty list is one, and not the answer to a user who is shown nothing any more.

        Raises:
            ProtocolError: the list that vouches for it is empty now, too.
        """
        witness = self._witness
        if not self._given[source.name]:
            if witness and not (witness.ask({}).rows or witness.ask({}).rows):
                raise _shrunk(witness)
        elif not witness or len(self._given[source.name]) < len(self._given[witness.name]):
            self._witness = source

    def _paging(self, source: Source, base: Listed) -> Paging:
        """Found out once for each list that is long enough to tell."""
        if source.name not in self._pagings and self.setting != "none" and len(base.rows) > FEW:
            size, _, place = self.setting.partition("/")
            sizes, places = ([size] if size else []), ([place] if place else [])
            if self.setting == "auto":
                sizes, places = [*base.numbers, *SIZES], [*base.numbers, *PLACES]
            for _attempt in range(2):
                paging = find_paging(
                    lambda given: [*map(source.key_of, source.ask(given).rows)],
                    [*map(source.key_of, base.rows)],
                    dict.fromkeys(sizes),
                    dict.fromkeys(places),
                )
                if paging.place or not paging.size:
                    break
                base = source.ask({})  # rows may have come or gone while they were compared
            self._pagings[source.name] = paging
        return self._pagings.get(source.name, Paging())

    def _check_whole(self, source: Source, part: Listed, seen: set[Hashable], *, may_be_page: bool) -> None:
        """Makes sure that a list without pages does not end at a limit of the server's.

        ``may_be_page``: the server heeds a size, so that it is likely to have pages, which only were not found.

        Raises:
            ProtocolError: it does, or nothing shows that it does not.
        """
        if not (may_be_page or is_round(len(seen))) or part.is_counted or (source.name, len(seen)) in self._whole:
            return
        search = missing_from(map(str, seen), source.exists) if source.exists else Search()
        is_whole = search.is_certain
        if search.found:
            now = {source.key_of(row) for row in source.ask({}).rows}
            is_whole = search.found in now and len(now) > len(seen)  # it was entered meanwhile
        if not is_whole and (search.found or source.longest() <= len(seen)):
            raise ProtocolError(
                f"{source.name}: the list ends at {len(seen)} records, and nothing shows that these are all",
                hint=HINT,
            )
        self._whole.add((source.name, len(seen)))


class PageByPage:
    """A list that is being read page by page; ``last`` is the last answer."""

    def __init__(self, source: Source, paging: Paging) -> None:
        self._source = source
        self._paging = paging
        self._empty = 0
        self.last = Listed([])

    def rows(self, place: int, size: int) -> Part:
        """The rows from a place on, without the total, which may be that of the page.

        Raises:
            ProtocolError: the list is empty all of a sudden.
        """
        for _attempt in range(PASSES):
            self.last = self._source.ask(self._paging.of(place, size))
            if self.last.rows or place:
                break
        self._empty += not self.last.rows
        if self._empty > MOST_EMPTY or not (self.last.rows or place):
            raise _shrunk(self._source)
        return Part(self.last.rows)

    def by_page(self, size: int, seen: set[Hashable]) -> Iterator[list[Row]]:
        """Pages by number, which cannot overlap: a list of several is read until a pass finds nothing new."""
        for _pass in range(PASSES):
            known, pages = len(seen), 0
            for rows in self._pass(size):
                pages += 1
                fresh = {key: row for row in rows if (key := self._source.key_of(row)) not in seen}
                seen.update(fresh)
                yield list(fresh.values())
            if pages <= 1 or len(seen) == known:
                return

    def _pass(self, size: int) -> Iterator[list[Row]]:
        """Until a page brings nothing new, and does not when it is asked for again."""
        met: set[str] = set()
        for number in count():
            for _attempt in range(2):
                rows = self.rows(number, size).rows
                keys = set(map(self._source.key_of, rows))
                if not keys <= met:
                    break
            else:
                return
            yield rows
            met |= keys


def _longer(source: Source, base: Listed, paging: Paging) -> Listed:
    """A list without pages, at the greatest length that the server takes where its length can be said."""
    if paging.size:
        with suppress(*OF_ONE_RECORD):
            longer = source.ask({paging.size: HUGE})
            return longer if len(longer.rows) > len(base.rows) else base
    return base


def _check_announced(source: Source, last: Listed, given: int) -> None:
    """Makes sure that as many rows came as the server counts.

    Raises:
        ProtocolError: it counts more.
    """
    if (last.total is not None and last.total > given) or last.more:
        raise ProtocolError(
            f"{source.name}: the server gives only a part of a list and no way to the rest was found", hint=HINT
        )


def _check_kept(source: Source, given: set[Hashable], seen: set[Hashable]) -> None:
    """Makes sure that what the list gave before is still in it, unless it was deleted.

    Raises:
        ProtocolError: it is not.
    """
    lost = sorted(map(str, given - seen))[:FEW]
    if (given and not seen) or (source.exists and any(map(source.exists, lost))):
        raise _shrunk(source)


def _shrunk(source: Source) -> ProtocolError:
    return ProtocolError(f"{source.name}: the list lacks records that are there, and showed some of them a moment ago")
