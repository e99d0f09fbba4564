"""Reading InTouch's lists by page: in full by id, or newest first down to a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crm_systems.errors import NOT_FOUND, Denied, ProtocolError, Rejected, ServerFault
from crm_systems.intouch.around import Around, Unreadable
from crm_systems.model import Request
from crm_systems.paging import Part, Sliding
from crm_systems.rows import holds_rows, is_whole_number, rows_in
from crm_systems.sampling import together
from crm_systems.times import earliest, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from crm_systems.model import Call, Entity, Row

FIRST_PAGE = 100
"""How many rows the first page of a look for changes has; often there are few."""


@dataclass
class Listing:
    """One list in one order; where the server does not know the order, in its own."""

    call: Call
    resource: str
    case_type: int = 0
    """The type of orders; 0: all."""
    order_by: str = ""
    newest_first: bool = False
    key: tuple[str, ...] = ("id",)
    one: Callable[[str], Row] | None = None
    """Gives a record by its id, to read around one that breaks its page; None: such a page is a failure."""
    is_ordered: bool = field(default=False, init=False)
    """Whether all that was read so far came in the order that was asked for."""

    def __post_init__(self) -> None:
        self.is_ordered = bool(self.order_by)

    def fetch(self, position: int, size: int) -> Part:
        """The rows from a position on; no filter exists but the type of orders (documented).

        An order by a field that a resource does not have may be refused, or break the server (not documented), and so
        may a record.
        """
        try:
            return self._ask(position, size)
        except (Rejected, ServerFault) as error:
            if isinstance(error, ServerFault) and self.one and self.order_by == "id":
                around = Around(partial(self._ask, patient=False), self.one, falls=self.newest_first)
                with suppress(ServerFault):
                    return around.part(position, size, error)
            if position or not self.order_by:
                raise
            self.order_by, self.is_ordered = "", False
            return self.fetch(position, size)

    def _ask(self, position: int, size: int, *, patient: bool = True) -> Part:
        query = {"position": str(position), "size": str(size)}
        if self.case_type:
            query["caseType"] = str(self.case_type)
        if self.order_by:
            query |= {"orderBy": self.order_by, "desc": "true" if self.newest_first else "false"}
        about, path = f"{self.resource}: read", f"/{self.resource}"
        return self._part(self.call(Request("GET", about, path, query=query, patient=patient, shape=holds_rows)))

    def _part(self, told: Any) -> Part:
        """The envelope is documented, except that the examples of single lists show nothing but ``items``."""
        envelope = told if isinstance(told, dict) else {"items": told}
        rows = rows_in(envelope.get("items"), f"{self.resource}: read", self.key)
        if "total" in envelope and "orderBy" not in envelope:
            self.is_ordered = False
        if self.case_type:
            rows = [{"caseType": self.case_type, **row} for row in rows]
        total = envelope.get("total")
        return Part(rows, int(total) if is_whole_number(total) else None)


@dataclass(frozen=True)
class Lists:
    """All rows of one entity."""

    entity: Entity
    case_types: tuple[int, ...]
    """Of orders: those that are read one by one for their complete attributes; the rest follows."""
    page_size: int
    zone: ZoneInfo
    shown: dict[tuple[str, int], int]
    """How many rows each list had when it was last looked at, by resource and type of orders; is kept up."""
    one: Callable[[str], Row] | None = None
    """As of :class:`Listing`."""

    def sample(self, call: Call, size: int) -> list[Row]:
        """Rows from both ends of each list, at most so many of one; only an order by id has another end."""
        ends = (True, False) if self._by_id else (True,)
        types = (*self.case_types, 0)
        return together(partial(self._look, call, each, size, newest_first=end) for each in types for end in ends)

    def _look(self, call: Call, case_type: int, size: int, *, newest_first: bool) -> list[Row]:
        part = self._listing(call, case_type, self._by_id, newest_first=newest_first).fetch(0, size)
        place = self.entity.name, case_type
        self.shown[place] = max(part.total or 0, len(part.rows), self.shown.get(place, 0))
        return part.rows

    def everything(self, call: Call, seen: set[Hashable] | None = None) -> Iterator[list[Row]]:
        """All rows, by id; memberships, which have none, as they come. Those that were ``seen`` are left out."""
        seen = set() if seen is None else seen
        for case_type in (*self.case_types, 0):
            listing = self._listing(call, case_type, self._by_id)
            yield from self._slide(listing, seen, self.page_size)

    def changed(self, call: Call, since: datetime) -> Iterator[list[Row]]:
        """The rows changed or entered at or after ``since``.

        Whether a record that nobody changed has a time of change is not documented: those entered are looked for too.
        Where a record breaks its page, all are read by id: only so can it be told which one it is.
        """
        bound = earliest(since, self.zone)
        seen: set[Hashable] = set()
        try:
            yield from self._newest(call, bound, seen)
        except ServerFault:
            if not (self.one and self._by_id):
                raise
            for rows in self.everything(call, seen):
                yield [row for row in rows if isinstance(row, Unreadable) or self._is_since(row, bound)]

    def _newest(self, call: Call, bound: datetime, seen: set[Hashable]) -> Iterator[list[Row]]:
        for case_type in (*self.case_types, 0):
            for order in ("modified", "entered"):
                listing = self._listing(call, case_type, order, newest_first=True)
                first = min(FIRST_PAGE, self.page_size)
                for rows in self._slide(listing, seen, first, partial(self._ends, listing, order, bound)):
                    yield [row for row in rows if self._is_since(row, bound)]

    @property
    def _by_id(self) -> str:
        return "id" if self.entity.key == ("id",) else ""

    def _listing(self, call: Call, case_type: int, order: str, *, newest_first: bool = False) -> Listing:
        return Listing(call, self.entity.name, case_type, order, newest_first, self.entity.key, self.one)

    def _slide(
        self, listing: Listing, seen: set[Hashable], first: int, *enough: Callable[[list[Row]], bool]
    ) -> Iterator[list[Row]]:
        """One list, which must not have lost what it showed before."""
        place = (listing.resource, listing.case_type)
        about = f"{listing.resource}: read"
        sliding = Sliding(listing.fetch, itemgetter(*self.entity.key), seen, about, self.shown.get(place, 0))
        yield from sliding.pages(first, self.page_size, *enough)
        self.shown[place] = sliding.announced

    def _ends(self, listing: Listing, order: str, bound: datetime, rows: list[Row]) -> bool:
        """Whether a page of an ordered list reaches below the bound; rows without the time may stand at either end."""
        times = [time for row in rows if (time := instant(row.get(order), self.zone))]
        if any(later > earlier for earlier, later in pairwise(times)):
            listing.is_ordered = False
        return listing.is_ordered and bool(times) and times[-1] < bound

    def _is_since(self, row: Row, bound: datetime) -> bool:
        """Whether a row was changed since; one that tells no time at all may have been."""
        time = instant(row.get("modified") or row.get("entered"), self.zone)
        return time is None or time >= bound


def code_lists(call: Call) -> list[Row]:
    """All code lists, which come at once (documented); none at all are asked for twice."""
    ask = Request("GET", "lists: read", "/lists")
    return rows_in(call(ask), ask.about, ("id",)) or rows_in(call(ask), ask.about, ("id",))


def items_of(call: Call, code: str) -> list[Row]:
    """The items of a code list.

    Raises:
        Denied: there is no such list.
    """
    ask = Request("GET", "list_items: read", f"/lists/{quote(code, safe='')}")
    told = call(ask)
    items = rows_in(told.get("items") if isinstance(told, dict) else told, ask.about, ("value",))
    return [{"list": code, **item} for item in items]


def all_items(call: Call) -> Iterator[list[Row]]:
    """The items of all code lists, list by list; one that shows none is asked for twice.

    Raises:
        ProtocolError: a list is not found although the CRM names it.
    """
    for each in code_lists(call):
        try:
            yield items_of(call, each["id"]) or items_of(call, each["id"])
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
            raise ProtocolError(
                "list_items: read: the CRM does not find a list that it names", code=error.code
            ) from None
