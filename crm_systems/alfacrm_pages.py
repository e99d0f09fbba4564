"""Lists of alfaCRM: pages are counted, nothing sorts them, and some ignore the page that is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ProtocolError
from crm_systems.paging import PASSES
from crm_systems.wall_clock import may_be_made_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_systems.model import Call, Request, Row

LATELY = timedelta(minutes=10)
"""A row that was changed since so long before a reading began may have moved in it; covers clocks that differ."""
CLOCKS_DIFFER = timedelta(minutes=2)
"""How far the server's clock may be off where the zone may be wrong as well: the wider, the more is read twice."""
DISORDER = timedelta(days=1)
"""How far a list that is sorted by time may be out of order (inferred: one client overlaps by a day)."""


def identity(row: Row) -> str:
    """What makes a row this row: its id, or all of it where it has none."""
    known = row.get("id")
    return str(known) if known is not None else json.dumps(row, sort_keys=True, default=str)


@dataclass
class Pass:
    """A list read once from its first page on; each of its rows is given once."""

    call: Call
    ask: Request
    """The first page's request; ``json`` holds the filters."""
    size: int
    found: set[str] = field(default_factory=set)
    totals: set[int | None] = field(default_factory=set)
    """What the pages said of the length of the list."""
    full_pages: int = 0
    has_doubles: bool = False

    def pages(self) -> Iterator[list[Row]]:
        """The rows page by page, up to the announced total, or else to a page that is short or brings nothing new.

        How long a page is, is measured on the first one: the server cuts it without a word.
        """
        served = 0
        for number in count():
            items, total = opened(self.ask, self.call(self._page(number)))
            self.totals.add(total)
            fresh = {identity(row): row for row in items if identity(row) not in self.found}
            if not fresh and (not items or total is None or number * served >= total):
                return
            self.full_pages += 1
            self.has_doubles = self.has_doubles or len(fresh) < len(items)
            self.found.update(fresh)
            yield list(fresh.values())
            served = served or len(items)
            if total is None and len(items) < served:
                return
            if total is not None and len(self.found) >= total:
                return

    @property
    def total(self) -> int:
        """The least that the list holds as far as it tells."""
        return min((total for total in self.totals if total is not None), default=0)

    def proves_itself(self, *, is_quiet: bool) -> bool:
        """Whether no row can have slipped from a page not yet read to one that was.

        One page cannot; several have not if each announced as many rows as came and none was changed lately.
        """
        told = self.totals <= {len(self.found)}
        if self.full_pages <= 1:
            return told or self.totals == {None}
        return told and is_quiet and not self.has_doubles

    def _page(self, number: int) -> Request:
        return replace(self.ask, json={**self.ask.json, "page": number, "pageSize": self.size})


def whole(call: Call, ask: Request, size: int, changed: Callable[[Row], datetime | None]) -> Iterator[list[Row]]:
    """Every row of a list once, although others change the list while it is read.

    A pass that does not prove itself is followed by another, until one does or brings nothing new. ``changed`` tells
    when a row was changed, None where it does not say.

    Raises:
        ProtocolError: the server counts more rows than it hands out.
    """
    known: set[str] = set()
    one = Pass(call, ask, size)
    for number in range(PASSES):
        one, before, quiet = Pass(call, ask, size), len(known), True
        began = datetime.now(timezone.utc)
        for rows in one.pages():
            quiet = quiet and not any(_may_have_moved(time, began) for time in map(changed, rows))
            yield [row for row in rows if identity(row) not in known]
            known.update(map(identity, rows))
        nothing_new = number > 0 and len(known) == before
        if one.proves_itself(is_quiet=quiet) or (nothing_new and len(known) >= one.total):
            return
    if len(known) < one.total:
        raise ProtocolError(f"{ask.about}: the server counts more records than it hands out", hint="run again")


def _may_have_moved(changed: datetime | None, began: datetime) -> bool:
    """Whether a row may have been changed while it was read, also where the zone of its stamp is not right."""
    if changed is None or changed >= began - LATELY:
        return True
    return may_be_made_between(changed, began - CLOCKS_DIFFER, datetime.now(timezone.utc))


def newest_first(
    call: Call, ask: Request, size: int, added: Callable[[Row], datetime | None], since: datetime | None
) -> Iterator[list[Row]]:
    """The rows of a list that only grows; ends before ``since`` where the pages show that the newest come first."""
    first = last = None
    falls = True
    for rows in Pass(call, ask, size).pages():
        yield rows
        times = [time for time in map(added, rows) if time is not None]
        together = [last, *times] if last else times
        falls = falls and len(times) == len(rows) and together == sorted(together, reverse=True)
        first, last = first or times[0] if times else first, together[-1] if together else last
        if since and falls and first and last and first > last and last < since - DISORDER:
            return


def opened(ask: Request, answer: Any) -> tuple[list[Row], int | None]:
    """The rows of a page and the length of the list where it is told; one that is not paged may come bare."""
    told = answer if isinstance(answer, dict) else {"items": answer}
    items, total = told.get("items"), str(told.get("total"))
    if not isinstance(items, list) or not all(isinstance(row, dict) for row in items):
        raise ProtocolError(f"{ask.about}: this is no list of alfaCRM", hint="check `url`")
    return items, int(total) if total.isdecimal() else None
