"""Reading InTouch's lists by page: in full by id, or newest first down to a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crm_systems.errors import ProtocolError, Rejected
from crm_systems.model import Request
from crm_systems.paging import Part, Sliding
from crm_systems.wall_clock import earliest, instant

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
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
    is_ordered: bool = field(default=False, init=False)
    """Whether all that was read so far came in the order that was asked for."""

    def __post_init__(self) -> None:
        self.is_ordered = bool(self.order_by)

    def fetch(self, position: int, size: int) -> Part:
        """The rows from a position on; no filter exists but the type of orders (documented)."""
        query = {"position": str(position), "size": str(size)}
        if self.case_type:
            query["caseType"] = str(self.case_type)
        if self.order_by:
            query |= {"orderBy": self.order_by, "desc": "true" if self.newest_first else "false"}
        try:
            told = self.call(Request("GET", f"{self.resource}: read", f"/{self.resource}", query=query))
        except Rejected:
            if not self.order_by:
                raise
            self.order_by, self.is_ordered = "", False
            return self.fetch(position, size)
        return self._part(told)

    def _part(self, told: Any) -> Part:
        """The envelope is documented, except that the examples of single lists show nothing but ``items``."""
        envelope = {"items": told} if isinstance(told, list) else told
        rows = envelope.get("items") if isinstance(envelope, dict) else None
        if not isinstance(rows, list):
            raise ProtocolError(f"{self.resource}: read: the answer has no `items`")
        if "total" in envelope and "orderBy" not in envelope:
            self.is_ordered = False
        if self.case_type:
            rows = [{"caseType": self.case_type, **row} for row in rows]
        total = envelope.get("total")
        return Part(rows, total if isinstance(total, int) else None)


@dataclass(frozen=True)
class Lists:
    """All rows of one entity."""

    entity: Entity
    case_types: tuple[int, ...]
    """Of orders: those that are read one by one for their complete attributes; the rest follows."""
    page_size: int
    zone: ZoneInfo

    def everything(self, call: Call) -> Iterator[list[Row]]:
        """All rows, by id; memberships, which have none, as they come."""
        seen: set[Hashable] = set()
        order = "id" if self.entity.key == ("id",) else ""
        for case_type in (*self.case_types, 0):
            listing = Listing(call, self.entity.name, case_type, order)
            yield from Sliding(listing.fetch, self._key_of, seen).pages(self.page_size, self.page_size)

    def changed(self, call: Call, since: datetime) -> Iterator[list[Row]]:
        """The rows changed or entered at or after ``since``.

        Whether a record that nobody changed has a time of change is not documented: those entered are looked for too.
        """
        bound = earliest(since, self.zone)
        seen: set[Hashable] = set()
        for case_type in (*self.case_types, 0):
            for order in ("modified", "entered"):
                listing = Listing(call, self.entity.name, case_type, order, newest_first=True)
                sliding = Sliding(listing.fetch, self._key_of, seen)
                first = min(FIRST_PAGE, self.page_size)
                for rows in sliding.pages(first, self.page_size, lambda rows: self._ends(listing, rows, order, bound)):  # noqa: B023
                    yield [row for row in rows if self._is_since(row, bound)]

    def _key_of(self, row: Row) -> Hashable:
        return tuple(row.get(name) for name in self.entity.key)

    def _ends(self, listing: Listing, rows: list[Row], order: str, bound: datetime) -> bool:
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
    """All code lists, which come at once (documented)."""
    return list(call(Request("GET", "lists: read", "/lists")))


def items_of(call: Call, code: str) -> list[Row]:
    """The items of a code list.

    Raises:
        Denied: there is no such list, or not for this user.
    """
    told = call(Request("GET", "list_items: read", f"/lists/{quote(code, safe='')}"))
    return [{"list": code, **item} for item in told.get("items") or ()]
