"""Lists of alfaCRM: pages are counted, nothing sorts them, and some ignore the page that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm.records import latest
from crm_systems.paging import PASSES, Part, is_plausible, shrunk
from crm_systems.rows import is_whole_number, rows_in
from crm_systems.times import is_before, long_ago, may_be_made_between

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from zoneinfo import ZoneInfo

    from crm_systems.model import Call, Request, Row

LATELY = timedelta(minutes=10)
"""A row that was changed since so long before a reading began may have moved in it; covers clocks that differ."""
CLOCKS_DIFFER = timedelta(minutes=2)
"""How far the server's clock may be off where the zone may be wrong as well: the wider, the more is read twice."""
DISORDER = timedelta(days=1)
"""How far a list that is sorted by time may be out of order (inferred: one client overlaps by a day)."""


@dataclass
class Pass:
    """A list read once from its first page on; each of its rows is given once."""

    call: Call
    ask: Request
    """The first page's request; ``json`` holds the filters."""
    size: int
    asks_twice: bool = True
    """Whether an empty page is asked for again before it is believed."""
    found: set[str] = field(default_factory=set)
    totals: list[int | None] = field(default_factory=list)
    """What each page said of the length of the list."""
    full_pages: int = 0
    has_doubles: bool = False

    def pages(self) -> Iterator[dict[str, Row]]:
        """The rows by id, page by page, up to the announced total, or else to one that is short or brings nothing new.

        How long a page is, is measured on the first one: the server cuts it without a word.

        Raises:
            ProtocolError: a list of which no total is known is empty where it was not a moment ago.
        """
        served = 0
        for number in count():
            part = self._page(number)
            items, total = part.rows, part.total
            fresh = {key: row for row in items if (key := str(row["id"])) not in self.found}
            if not fresh and (not items or total is None or number * served >= self.most):
                if self.found and not (items or self.most or self._page(0).rows):
                    raise shrunk(self.ask.about)
                return
            self.full_pages += 1
            self.has_doubles = self.has_doubles or len(fresh) < len(items)
            self.found.update(fresh)
            yield fresh
            served = served or len(items)
            if total is None and len(items) < served:
                return
            if total is not None and len(self.found) >= self.most:
                return

    @property
    def most(self) -> int:
        """The most rows that a page announced; 0 where none tells."""
        return max((total for total in self.totals if total is not None), default=0)

    def proves_itself(self, *, is_quiet: bool) -> bool:
        """Whether no row can have slipped from a page not yet read to one that was.

        One page cannot; several have not if each announced as many rows as came and none was changed lately.
        """
        told = set(self.totals) <= {len(self.found)}
        if self.full_pages <= 1:
            return told or set(self.totals) == {None}
        return told and is_quiet and not self.has_doubles

    def _page(self, number: int) -> Part:
        ask = self.ask.replace(json={**self.ask.json, "page": number, "pageSize": self.size})
        for _look in range(1 + self.asks_twice):
            part = part_of(self.call(ask), ask.about)
            self.totals.append(part.total)
            if part.rows:
                break
        return part


def whole(
    call: Call, ask: Request, size: int, key: str, zone: ZoneInfo, *, asks_twice: bool
) -> Iterator[dict[str, Row]]:
    """Every row of a list once, by its id, although others change the list while it is read.

    A pass that does not prove itself is followed by another, until one does or brings nothing new. None is believed
    that found less than half of what the list announced or gave before. ``key`` names the field that tells, in
    ``zone``, when a row was changed.

    Raises:
        ProtocolError: the server announced or gave more rows than it hands out.
    """
    known: set[str] = set()
    announced, is_sound = 0, False
    for number in range(PASSES):
        one, before, quiet = Pass(call, ask, size, asks_twice), len(known), True
        began = datetime.now(timezone.utc)
        past = long_ago(began)
        for rows in one.pages():
            late = [stamp for row in rows.values() if not is_before(stamp := row.get(key), past)]
            quiet = quiet and not any(_may_have_moved(stamp, zone, began) for stamp in late)
            yield {identity: row for identity, row in rows.items() if identity not in known}
            known.update(rows)
        is_sound = is_plausible(len(one.found), announced) and len(known) >= one.most
        announced = max(announced, one.most, len(one.found))
        nothing_new = number > 0 and len(known) == before
        if is_sound and (nothing_new or one.proves_itself(is_quiet=quiet)):
            return
    if not is_sound:
        raise shrunk(ask.about)


def _may_have_moved(stamp: Any, zone: ZoneInfo, began: datetime) -> bool:
    """Whether a row may have been changed while it was read, also where the zone of its stamp is not right."""
    changed = latest(stamp, zone)
    if changed is None or changed >= began - LATELY:
        return True
    return may_be_made_between(changed, began - CLOCKS_DIFFER, datetime.now(timezone.utc))


def newest_first(
    call: Call, ask: Request, size: int, added: Callable[[Row], datetime | None], since: datetime | None
) -> Iterator[dict[str, Row]]:
    """The rows by id of a list that only grows; ends before ``since`` where pages show that the newest come first.

    Raises:
        ProtocolError: it does not hand out as many rows as it had at first.
    """
    known: set[str] = set()
    announced = 0
    for _pass in range(PASSES):
        one = Pass(call, ask, size)
        order = _Falling(added)
        for rows in one.pages():
            yield {identity: row for identity, row in rows.items() if identity not in known}
            known.update(rows)
            if since and order.is_before(rows.values(), since - DISORDER):
                return
        announced = max(announced, one.totals[0] or 0)
        if len(known) >= announced:
            return
    raise shrunk(ask.about)


class _Falling:
    """Whether pages come newest first, and how far back they reach."""

    def __init__(self, added: Callable[[Row], datetime | None]) -> None:
        self._added = added
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._falls = True

    def is_before(self, rows: Collection[Row], bound: datetime) -> bool:
        """Takes the next page; whether it surely ends before ``bound``."""
        times = [time for time in map(self._added, rows) if time is not None]
        together = [self._last, *times] if self._last else times
        self._falls = self._falls and len(times) == len(rows) and together == sorted(together, reverse=True)
        self._first = self._first or (times[0] if times else None)
        self._last = together[-1] if together else None
        return bool(self._falls and self._first and self._last and self._first > self._last and self._last < bound)


def part_of(told: Any, about: str) -> Part:
    """The rows of an answer and the length of their list where it is told; one that is not paged may come bare.

    PHP writes a list whose numbers are not 0, 1, 2 as an object.

    Raises:
        ProtocolError: it is no list of records.
    """
    page = told if isinstance(told, dict) else {"items": told}
    told_total = page.get("total")
    total = int(told_total) if is_whole_number(told_total) else -1
    items = page.get("items")
    rows = [*items.values()] if isinstance(items, dict) else items
    return Part(rows_in(rows, about, ("id",)), total if total >= 0 else None)
