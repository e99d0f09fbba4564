"""Reading with VTQL, the query language of the Vtiger family, without losing a row.

Rows are read by ascending id (keyset), never by offset, and never until "a short page": the server cuts pages for
reasons of its own (measured on 8.4.0: inventory modules join their line items before the limit, and rows that the user
may not see are dropped after it). The highest id is asked for first, and the walk ends there.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from crm_systems.compiled import column
from crm_systems.errors import Denied, ProtocolError, Rejected, ServerFault
from crm_systems.model import Page, Request
from crm_systems.paging import Divisible, shrunk
from crm_systems.rows import is_vtiger_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_systems.model import Call, Row, Walk

SERVER_PAGE = 100
"""The most rows that Vtiger hands out at a time, whatever the limit says."""
MOST_SPOILED = 50
"""How many records may be unreadable in a row before anything was read; then the module is, and not its records."""
MOST_BARREN = 3
"""How many full pages by offset may bring nothing new in a row."""
LIST_LENGTH = 4000
"""Characters of one list of texts, as they stand in an address."""
BEYOND = 2**48
"""An id above all others, for when the highest is not known."""


@dataclass(frozen=True)
class Table:
    """What is read: a module, the rows that are wanted, and how far one can trust an empty page."""

    module: str
    prefix: str
    """What stands before the ``x`` of this module's ids."""
    where: str = ""
    page_size: int = SERVER_PAGE
    hides_rows: bool = False
    """Rows that the user may not see are dropped from a page after it was cut."""
    joins_lines: bool = False
    """A page of whole rows holds fewer documents than it might, since each of their lines takes a place."""
    witness: Row | None = None
    """A row that the module did show; None where none is known."""
    columns: str = "*"
    """What pages tell of each row; ``id`` always comes along."""
    decode: Callable[[bytes], Any] | None = None
    """Decodes a page at once."""

    @property
    def witness_id(self) -> str:
        """The id of the witness; empty where there is none, or where the module has no ids."""
        return str((self.witness or {}).get("id") or "")

    def query(self, columns: str, *conditions: str, order: str = "", limit: str) -> str:
        """A query over this table; the conditions are joined by AND."""
        wanted = self.wanted(*conditions)
        return (
            f"select {columns} from {self.module}"
            + (f" where {wanted}" if wanted else "")
            + (f" order by {order}" if order else "")
            + f" limit {limit};"
        )

    def wanted(self, *conditions: str) -> str:
        """What rows have to fulfil; empty where all are wanted."""
        return " and ".join(each for each in (self.where, *conditions) if each)

    def after(self, number: int) -> str:
        """The condition that an id lies above ``number``."""
        return f"id > '{self.prefix}x{number}'"

    def upto(self, number: int) -> str:
        """The condition that an id does not lie above ``number``."""
        return f"id <= '{self.prefix}x{number}'" if number < BEYOND else ""


def ask(vtql: str, about: str, *, patient: bool = True, has_ids: bool = True) -> Request:
    """The request that runs a query; the rows of some modules have no ids."""
    shape = [{"id": is_vtiger_id}] if has_ids else [dict]
    return Request("GET", about, query={"operation": "query", "query": vtql}, patient=patient, shape=shape)


def literal(value: str) -> str:
    """A text as VTQL writes it: quotes doubled, and backslashes too, which go raw into the server's SQL."""
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def among(name: str, texts: Iterable[str], at_once: int) -> Iterator[str]:
    """Conditions that a field has one of the texts, none of more than ``at_once`` nor longer than an address may be.

    Web servers refuse an address of more than some 8,000 characters (measured: 5,000 are fine, 9,700 are not).
    """
    some: list[str] = []
    length = 0
    for each in map(literal, texts):
        size = len(quote_plus(f"{each}, "))
        if some and (len(some) >= at_once or length + size > LIST_LENGTH):
            yield _one_of(name, some)
            some, length = [], 0
        some.append(each)
        length += size
    if some:
        yield _one_of(name, some)


def _one_of(name: str, literals: list[str]) -> str:
    return f"{name} in ({', '.join(literals)})" if len(literals) > 1 else f"{name} = {literals[0]}"


def number_of(identifier: str) -> int:
    """The number in an id such as ``12x1062``.

    Raises:
        ProtocolError: it is no such id.
    """
    number = str(identifier).rpartition("x")[2]
    if not (number.isascii() and number.isdecimal()):
        raise ProtocolError("The CRM gives a record an id that is none", hint="check `url`")
    return int(number)


class Unsorted(ProtocolError):
    """The server does not sort a table by id, as coreBOS where it does not know the column (measured)."""


def top(call: Call, table: Table) -> int:
    """The number of the highest id that the user may see in the table, 0 if there is none.

    ``BEYOND`` if that cannot be told.

    Raises:
        Unsorted: see :func:`newest`.
    """
    found = newest(call, table)
    return BEYOND if found is None else max(map(number_of, found), default=0)


def newest(call: Call, table: Table) -> list[str] | None:
    """A few of the highest ids that the user may see in the table, from the highest on; None if that cannot be told.

    An empty answer is asked for again in other words, since the server answers some of its own SQL errors that way.

    Raises:
        Unsorted: two rows do not come in the order that was asked for.
    """
    size = str(SERVER_PAGE if table.hides_rows else 2)
    about = f"{table.module}: find the newest record"
    try:
        found = call(ask(table.query("id", order="id desc", limit=size), about))
        if not found and not table.hides_rows and not is_none(call, table, about=about):
            return None
    except Rejected:
        return None
    ids = [row["id"] for row in found]
    if ids != sorted(ids, key=number_of, reverse=True):
        raise Unsorted(f"{table.module}: the server does not sort by id")
    return ids


def is_none(call: Call, table: Table, *conditions: str, order: str = "id", witness: str = "", about: str) -> bool:
    """Whether no row fulfils the conditions; the server must show another one to be believed, where one is known.

    ``witness`` is the id of one that was there a moment ago and does not fulfil the conditions, so that it can be asked
    for along with them: an answer without it proves that the server swallowed an error, or took rights away.

    Raises:
        ProtocolError: not even a row comes that was there a moment ago.
    """
    if not witness:
        found = call(ask(table.query("id", *conditions, order=order, limit="1"), about))
        if not found:
            vouch(call, table)
        return not found
    together = f"{table.wanted(*conditions)} or id = '{witness}'"
    found = call(ask(replace(table, where=together).query("id", order=order, limit="2"), about))
    if not found:
        raise shrunk(about)
    return all(row["id"] == witness for row in found)


def vouch(call: Call, table: Table) -> None:
    """Makes sure that nothing was seen because nothing is there: the table's witness must come, if it has one.

    Raises:
        ProtocolError: it does not.
    """
    about = f"{table.module}: make sure that it is empty"
    witness = replace(table, where=f"id = '{table.witness_id}'")
    if table.witness_id and not call(ask(witness.query("id", limit="1"), about)):
        raise shrunk(about)


class Keyset(Divisible):
    """A walk over the rows with ids above ``low`` and up to ``high``, by ascending id.

    A page that fails is asked for again in halves until only the record that breaks it is left out.

    It may be divided while it is under way. Its border then moves down, but it still asks for what follows up to
    ``high``: the row that lies beyond the border proves that none is left before it, without a request more.
    """

    def __init__(self, table: Table, low: int, high: int) -> None:
        self._table = table
        self._last = low
        """The number up to which everything has been read."""
        self._border = high
        """The number up to which rows are given."""
        self._high = high
        self._size = table.page_size
        self._reach = 0
        """How many numbers the last page spanned, so that it can be told how many are left."""
        self._moving = threading.Lock()
        """Held while the last number or the border moves, since who divides the walk is another thread."""
        self._witness = f"{table.prefix}x{low}" if low else ""
        """The id of a record that the server did hand out, not above ``last``."""
        self._spoiled = 0
        """How many records in a row it did not hand out."""
        self._doubted = -1
        """Where an empty page was contradicted."""

    @property
    def pages_left(self) -> float:
        """Told from the numbers that the last page spanned; 0 where rows are hidden, or the end is not known."""
        is_plain = not self._table.hides_rows and self._high < BEYOND and self._size == self._table.page_size
        return (self._border - self._last) / self._reach if is_plain and self._reach else 0

    def divide(self) -> Keyset:
        """Half of the numbers each."""
        with self._moving:
            middle = (self._last + max(self._border, self._last)) // 2
            rest = Keyset(self._table, middle, self._high)
            rest._border, self._border = self._border, middle
            rest._witness, rest._reach = self._witness, self._reach
        return rest

    def __call__(self, call: Call) -> Iterator[Page]:
        """All rows, and the records that could not be read."""
        self._call = call
        while self._last < self._border:
            try:
                found = _page(self._call, self._table, self._last, self._high, self._size)
            except (Rejected, ServerFault) as error:
                page = self._narrowed(error)
            else:
                page = Page(found)
                if not found and self._is_over():
                    return
                self._size = min(self._size * 2, self._table.page_size)
            page = self._moved_past(page)
            if page.rows or page.unreadable:
                yield page
        if not self._witness:
            vouch(self._call, self._table)

    def _moved_past(self, page: Page) -> Page:
        """Moves on to the end of a page, and gives what of it does not lie beyond the border."""
        if not page.rows:
            return page
        with self._moving:
            before, self._last = self._last, number_of(page.rows[-1]["id"])
            border = self._border
        self._witness, self._reach, self._spoiled = page.rows[-1]["id"], self._last - before, 0
        if self._last <= border:
            return page
        return Page([row for row in page.rows if number_of(row["id"]) <= border], page.unreadable)

    def _is_over(self) -> bool:
        """Whether an empty page is the end; else moves past hidden rows.

        Raises:
            ProtocolError: the server says both that rows follow and that none do, and not only once.
        """
        if self._table.hides_rows and self._high < BEYOND:
            self._last = _past_hidden(self._call, self._table, self._last, self._high, self._witness)
        elif self._is_end():
            return True
        elif self._doubted == self._last:
            raise ProtocolError(
                f"{self._table.module}: the server answers empty pages although records follow",
                hint="its database may be in trouble; run again",
            )
        else:
            self._doubted = self._last
        return False

    def _is_end(self) -> bool:
        """Whether a page was empty because nothing follows: asked for in other words."""
        conditions = self._table.after(self._last), self._table.upto(self._high)
        order = "id" if self._high == BEYOND else "id desc"
        about = f"{self._table.module}: confirm the end"
        return is_none(self._call, self._table, *conditions, order=order, witness=self._witness, about=about)

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
                self._last, is_ours = bad, bad <= self._border
            self._spoiled += 1
            return Page([], unreadable=(identifier,) if is_ours else ())
        raise error

    def _read_one(self, identifier: str) -> None:
        query = self._table.query("*", f"id = '{identifier}'", limit="1")
        self._call(ask(query, f"{self._table.module}: read one record"))


def everything(table: Table) -> Walk:
    """A walk by offset over a table that cannot be read by id; a row that has one is given once.

    An empty page is the end if it is empty twice and the first one still is not.

    Raises:
        ProtocolError: the server gives the same full page again and again, or nothing any more.
    """

    def page(call: Call, offset: int) -> list[Row]:
        about = f"{table.module}: read"
        found: list[Row] = call(ask(table.query("*", limit=f"{offset},{table.page_size}"), about, has_ids=False))
        return found

    def walk(call: Call) -> Iterator[Page]:
        offset, barren, given = 0, 0, set[str]()
        while True:
            found = page(call, offset) or page(call, offset)
            if not found:
                if (offset or table.witness) and not page(call, 0):
                    raise shrunk(f"{table.module}: read")
                return
            barren = barren + 1 if given.issuperset(map(_identity, found)) else 0
            if barren == MOST_BARREN:
                raise ProtocolError(f"{table.module}: the server gives the same records again and again")
            if barren and len(found) < table.page_size:
                return
            if not barren:
                yield Page([row for row in found if row.get("id") is None or _identity(row) not in given])
            given.update(map(_identity, found))
            offset += len(found)

    return walk


def _identity(row: Row) -> str:
    """What makes a row this row: its id, or all of it where it has none."""
    return str(row.get("id") or json.dumps(row, sort_keys=True, default=str))


def _page(call: Call, table: Table, last: int, high: int, size: int, *, patient: bool = True) -> list[Row]:
    query = table.query(table.columns, table.after(last), table.upto(high), order="id", limit=str(size))
    asked = ask(query, f"{table.module}: read", patient=patient and size == table.page_size)
    found: list[Row] = call(replace(asked, decode=table.decode))
    numbers = list(map(number_of, column(found, "id")))
    if any(after <= before for before, after in zip([last, *numbers], numbers, strict=False)):
        raise ProtocolError(
            f"{table.module}: the server does not sort by id",
            hint="leave this entity out with the setting `entities` or by deselecting it",
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
