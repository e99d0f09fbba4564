"""Questions in VTQL, the query language of the Vtiger family."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ProtocolError, Rejected
from crm_systems.model import BEYOND, Request
from crm_systems.paging import shrunk
from crm_systems.vtiger.answers import is_vtiger_id
from crm_systems.wire import respelt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_systems.model import Call, Row, Shard

SERVER_PAGE = 100
"""The most rows that Vtiger hands out at a time, whatever the limit says."""
LIST_LENGTH = 4000
"""Characters of one list of texts, as they stand in an address."""
_UNQUOTED = b" -._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""What takes one character there, and not three."""
MOST_DIGITS = len(str(BEYOND)) - 1
"""Of the number in an id: one of more might lie beyond all that is asked for."""
MISREAD = re.compile(r"^'|''|'$|[\n\r\t\[]| (in |count)\(", re.IGNORECASE)
"""In such a text coreBOS sees the end of a literal or another language, or a blank in place of a break (measured)."""
ANYTHING = re.compile(r"['\\%_()\[\]\n\r\t]")
"""Characters for which a pattern has the sign that stands for any one."""


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
    may_hide: bool = False
    """It is not known to do that, but the user is no administrator, for whom some servers do it in any module."""
    joins_lines: bool = False
    """A page of whole rows holds fewer documents than it might, since each of their lines takes a place."""
    witness: Row | None = None
    """A row that the module did show; None where none is known."""
    columns: str = "*"
    """What pages tell of each row; ``id`` always comes along."""
    decode: Callable[[bytes], Any] | None = None
    """Decodes a page at once."""
    shard: Shard | None = None
    """Whose rows are wanted; None: all are."""

    def few(self, enough: int) -> str:
        """How many rows to ask for where so many would do, if none of them were dropped."""
        return str(SERVER_PAGE if self.hides_rows or self.may_hide else enough)

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


def has(name: str, text: str) -> str:
    """The condition that a field has a text, or perhaps one like it where coreBOS misreads a literal."""
    if MISREAD.search(text):
        return f"{name} like '{ANYTHING.sub('_', text)}'"
    return f"{name} = {literal(text)}"


def among(name: str, texts: Iterable[str], at_once: int) -> Iterator[str]:
    """Conditions that a field has one of the texts, none of more than ``at_once`` nor longer than an address may be.

    Web servers refuse an address of more than some 8,000 characters (measured: 5,000 are fine, 9,700 are not). coreBOS
    takes the first closing parenthesis for the end of the list, and then finds the first of the texts alone (measured).
    """
    some: list[str] = []
    length = 0
    for text in texts:
        if ")" in text or MISREAD.search(text):
            yield has(name, text)
            continue
        each = literal(text)
        told = f"{each}, ".encode()
        size = len(told) + 2 * len(told.translate(None, _UNQUOTED))
        if some and (len(some) >= at_once or length + size > LIST_LENGTH):
            yield _one_of(name, some)
            some, length = [], 0
        some.append(each)
        length += size
    if some:
        yield _one_of(name, some)


def alike(name: str, text: str) -> str:
    """A condition that a field has a text, its letters composed or not where a list can hold both spellings."""
    spellings = dict.fromkeys([text, respelt("NFC", text), respelt("NFD", text)])
    return next(among(name, spellings, len(spellings)))


def _one_of(name: str, literals: list[str]) -> str:
    return f"{name} in ({', '.join(literals)})" if len(literals) > 1 else f"{name} = {literals[0]}"


def number_of(identifier: str) -> int:
    """The number in an id such as ``12x1062``.

    Raises:
        ProtocolError: it is no such id.
    """
    number = str(identifier).rpartition("x")[2]
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
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
    """The highest ids that the user may see in the table, from the highest on; None if that cannot be told.

    As many as fit on a page, so that they tell whether the table has more, and how dense its ids are.

    An empty answer is asked for again in other words, since the server answers some of its own SQL errors that way.

    Raises:
        Unsorted: two rows do not come in the order that was asked for.
    """
    about = f"{table.module}: find the newest record"
    try:
        found = call(ask(table.query("id", order="id desc", limit=str(SERVER_PAGE)), about))
        if not found and not table.hides_rows and not finds_none(call, table, about=about):
            return None
    except Rejected:
        return None
    ids = [row["id"] for row in found]
    if ids != sorted(ids, key=number_of, reverse=True):
        raise Unsorted(f"{table.module}: the server does not sort by id")
    return ids


def finds_none(call: Call, table: Table, *conditions: str, order: str = "id", witness: str = "", about: str) -> bool:
    """Whether no row fulfils the conditions; the server must show another one to be believed, where one is known.

    ``witness`` is the id of one that was there a moment ago and does not fulfil the conditions, so that it can be asked
    for along with them: an answer without it proves that the server swallowed an error, or took rights away.

    Raises:
        ProtocolError: not even a row comes that was there a moment ago.
    """
    if not witness:
        found = call(ask(table.query("id", *conditions, order=order, limit=table.few(1)), about))
        if not found:
            vouch(call, table)
        return not found
    together = f"{table.wanted(*conditions)} or id = '{witness}'"
    found = call(ask(replace(table, where=together).query("id", order=order, limit=table.few(2)), about))
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
