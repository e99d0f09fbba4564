"""Reading a module without losing a row.

Rows are read by ascending id (keyset), never by offset, and never until "a short page": the server cuts pages for
reasons of its own (measured on 8.4.0: inventory modules join their line items before the limit, and rows that the user
may not see are dropped after it). The highest id is asked for first, and the walk ends there.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import replace
from operator import ge
from typing import TYPE_CHECKING

from crm_systems.compiled import column
from crm_systems.errors import Denied, ProtocolError, Rejected, ServerFault
from crm_systems.model import BEYOND, Page
from crm_systems.paging import Divisible, shrunk
from crm_systems.vtiger.vtql import SERVER_PAGE, Table, ask, finds_none, number_of, vouch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_systems.model import Call, Row

MOST_SPOILED = 50
"""How many records may be unreadable in a row before anything was read; then the module is, and not its records."""
USUALLY = 0.4
"""How much of the last page before a border lies beyond it: nothing where ids are as dense as expected, else half."""
LEAVE_OUT = "leave this entity out with the setting `entities` or by deselecting it"


class Keyset(Divisible):
    """A walk over the rows with ids above ``low`` and up to ``high``, by ascending id.

    A page that fails is asked for again in halves until only the record that breaks it is left out.

    It may be divided while it is under way. Its border then moves down, but it still asks for what follows up to
    ``high``: the row that lies beyond the border proves that none is left before it, without a request more.
    Ids of other shards are passed over, as soon as a page reaches into them.
    """

    def __init__(self, table: Table, low: int, high: int, border: int | None = None, reach: int = 0) -> None:
        self._table = table
        self._told = low
        """The number up to which pages have covered."""
        self._last = self._passed(low)
        """The number up to which everything has been read."""
        self._border = high if border is None else border
        """The number up to which rows are given."""
        self._high = high
        self._size = table.page_size
        self._reach = reach
        """How many numbers the last page spanned, so that it can be told how many are left; 0: not known."""
        self._is_measured = False
        """Whether that was a page of this walk."""
        self._moving = threading.Lock()
        """Held while the last number or the border moves, since who divides the walk is another thread."""
        self._witness = ""
        """The id of a record that the server did hand out, not above ``last``."""
        self._spoiled = 0
        """How many records in a row it did not hand out."""
        self._doubted = -1
        """Where an empty page was contradicted."""

    @property
    def pages_left(self) -> float:
        """Told from the numbers that the last page spanned; 0 where rows are hidden, or the end is not known."""
        is_plain = not self._table.hides_rows and self._high < BEYOND and self._size == self._table.page_size
        parts = self._table.shard.of if self._table.shard else 1
        return (self._border - self._last) / self._reach / parts if is_plain and self._reach else 0

    def divide(self) -> Keyset:
        """Half of the pages, whole ones if ids go on as dense; none where it has read beyond its border meanwhile.

        Before the first page, nobody knows on which numbers rows stand, and a page may end just short of a border. So
        each half is shorter than whole pages, at least by what lies between two rows.
        """
        with self._moving:
            left, between = max(self._border - self._last, 0), self._reach // self._table.page_size - 1
            spare = 0 if self._is_measured else 2 * max(between, 0)
            pages = max(-(-(left + spare) // self._reach), 1)
            whole = self._reach if self._is_measured else left / pages
            middle = min(self._last + int(-(-pages // 2) * whole), self._border)
            rest = Keyset(self._table, middle, self._high, self._border, self._reach)
            self._border, rest._witness = middle, self._witness
            rest.wasted, self.wasted = self.wasted, USUALLY
        return rest

    def __call__(self, call: Call) -> Iterator[Page]:
        """All rows, and the records that could not be read."""
        self._call = call
        while self._last < self._border:
            try:
                page = Page(_page(self._call, self._table, self._last, self._high, self._size))
            except (Rejected, ServerFault) as error:
                page = self._narrowed(error)
            else:
                self._look_for_gaps(page.rows)
                if not page.rows and self._is_over():
                    break
                self._size = min(self._size * 2, self._table.page_size)
            page = self._moved_past(page)
            if page.rows or page.covers:
                yield page
            del page
        else:
            if not self._witness:
                vouch(self._call, self._table)
        with self._moving:
            rest = self._told, self._border
        yield Page([], covers=rest)

    def _look_for_gaps(self, found: list[Row]) -> None:
        """Takes a page that is not full, and not the last, for one from which hidden rows were dropped."""
        is_short = 0 < len(found) < self._size and number_of(found[-1]["id"]) < self._high < BEYOND
        if is_short and self._table.may_hide:
            self._table = replace(self._table, hides_rows=True)

    def _moved_past(self, page: Page) -> Page:
        """Moves on to the end of a page, and gives what of it is wanted and does not lie beyond the border."""
        if not page.rows:
            return page
        last = number_of(page.rows[-1]["id"])
        with self._moving:
            border, covers = self._border, self._covered(last)
            self._reach, self._is_measured = last - self._last, True
            self._last = self._passed(last)
        self._witness, self._spoiled = page.rows[-1]["id"], 0
        rows, shard = page.rows, self._table.shard
        if last >= border or shard:
            numbers = list(map(number_of, column(rows, "id")))
            self.wasted = 1 - bisect_right(numbers, border) / len(numbers) if last >= border else self.wasted
            rows = [
                row
                for row, number in zip(rows, numbers, strict=True)
                if number <= border and (not shard or shard.has(number))
            ]
        return Page(rows, covers=covers)

    def _passed(self, number: int) -> int:
        """A number up to which everything has been read, moved past what other shards have."""
        return self._table.shard.before_next(number) if self._table.shard else number

    def _covered(self, last: int) -> tuple[int, int]:
        """What a page covers that ends at a number; to be called while nothing moves."""
        low, self._told = self._told, max(self._told, min(last, self._border))
        return low, self._told

    def _is_over(self) -> bool:
        """Whether an empty page is the end; else moves past hidden rows.

        Raises:
            ProtocolError: the server says both that rows follow and that none do, and not only once.
        """
        hides_rows = self._table.hides_rows and self._high < BEYOND
        if hides_rows:
            self._last = _past_hidden(self._call, self._table, self._last, self._high, self._witness)
        is_over = self._last >= self._high if hides_rows else self._is_end()
        if self._shows_last() if is_over else self._doubted == self._last and not hides_rows:
            raise ProtocolError(
                f"{self._table.module}: the server answers empty pages although records follow",
                hint="its database may be in trouble; run again",
            )
        self._doubted = self._last
        return is_over and not hides_rows

    def _shows_last(self) -> bool:
        """Whether nothing came although the record that was the last one, when the walk began, still is there."""
        if self._witness or self._spoiled or self._high == BEYOND:
            return False
        last = replace(self._table, where=f"id = '{self._table.prefix}x{self._high}'")
        return bool(self._call(ask(last.query("id", limit="1"), f"{self._table.module}: confirm the end")))

    def _is_end(self) -> bool:
        """Whether a page was empty because nothing follows: asked for in other words."""
        conditions = self._table.after(self._last), self._table.upto(self._high)
        order = "id" if self._high == BEYOND else "id desc"
        about = f"{self._table.module}: confirm the end"
        return finds_none(self._call, self._table, *conditions, order=order, witness=self._witness, about=about)

    def _narrowed(self, error: Rejected | ServerFault) -> Page:
        """Asks for less after a page that failed; a single record that fails is passed over and named.

        Raises:
            CrmError: no record can be blamed, since the server does not hand out others either.
        """
        if self._size > 1:
            self._size //= 2
            return Page([])
        if self._witness:
            self._read_one(self._witness)
        elif self._spoiled == MOST_SPOILED:
            raise error
        bad, found = _first_record(self._call, self._table, self._last, self._high)
        if found:
            return Page(found)
        identifier = f"{self._table.prefix}x{bad}"
        try:
            self._read_one(identifier)
        except (Rejected, ServerFault, Denied):
            with self._moving:
                is_ours = bad <= self._border and (not self._table.shard or self._table.shard.has(bad))
                self._last, covers = self._passed(bad), self._covered(bad)
            self._spoiled += 1
            return Page([], (identifier,) if is_ours else (), covers)
        raise error

    def _read_one(self, identifier: str) -> None:
        query = self._table.query("*", f"id = '{identifier}'", limit="1")
        self._call(ask(query, f"{self._table.module}: read one record"))


def _page(call: Call, table: Table, last: int, high: int, size: int, *, patient: bool = True) -> list[Row]:
    query = table.query(table.columns, table.after(last), table.upto(high), order="id", limit=str(size))
    asked = ask(query, f"{table.module}: read", patient=patient and size == table.page_size)
    found: list[Row] = call(asked.replace(decode=table.decode))
    numbers = [last, *map(number_of, column(found, "id"))]
    if any(map(ge, numbers, numbers[1:])):
        # A document may come once for each of its lines (inferred for Simply CRM).
        found = [row for row, before, number in zip(found, numbers, numbers[1:], strict=False) if number != before]
        numbers = [last, *map(number_of, column(found, "id"))]
    if any(map(ge, numbers, numbers[1:])):
        raise ProtocolError(
            f"{table.module}: the server does not sort by id",
            hint=LEAVE_OUT,
        )
    return found


def _past_hidden(call: Call, table: Table, last: int, high: int, witness: str) -> int:
    """The number below the next record that the user may see, or one at or above ``high``.

    An empty page of ids means that as many rows follow and are hidden, no two of which share a number, or none at all.
    Pages of whole rows do not say that: an inventory document takes as many of their places as it has lines. A witness,
    whose id is not above ``last``, comes first on the page of a server that tells the truth.

    Raises:
        ProtocolError: the witness does not come.
    """
    about = f"{table.module}: pass over hidden records"
    while last < high:
        wanted = table.wanted(table.after(last), table.upto(high))
        together = f"{wanted} or id = '{witness}'" if witness else wanted
        query = replace(table, where=together).query("id", order="id", limit=str(SERVER_PAGE))
        seen = [row["id"] for row in call(ask(query, about))]
        if witness and witness not in seen:
            raise shrunk(about)
        visible = [number_of(each) for each in seen if each != witness]
        if visible:
            return visible[0] - 1
        last += SERVER_PAGE - bool(witness)
    return last


def _first_record(call: Call, table: Table, last: int, high: int) -> tuple[int, list[Row]]:
    """The number of the first record after ``last``, which cannot be read; or, should it come out after all, its row.

    Ids of neighbours cannot be asked for, since even that may fail (seen on coreBOS), so the range is halved.
    """
    free, bad = last, high
    while bad - free > 1:
        middle = (free + bad) // 2
        try:
            found = _page(call, table, last, middle, 1, patient=False)
        except (Rejected, ServerFault):
            bad = middle
            continue
        if found:
            return last, found
        free = middle
    return bad, []
