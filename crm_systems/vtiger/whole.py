"""Reading a module that cannot be read by id: by position, from the first row to the last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crm_systems.errors import Denied, ProtocolError, Rejected
from crm_systems.model import Page
from crm_systems.paging import Part, Sliding, shrunk
from crm_systems.vtiger.vtql import Table, ask, number_of
from crm_systems.vtiger.walks import LEAVE_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_systems.model import Call, Row, Walk


def everything(table: Table) -> Walk:
    """A walk by offset over a table that cannot be read by id; each row is given once, by its id or else by all of it.

    Raises:
        ProtocolError: the server gives the same full page again, or less than it gave before.
    """
    about = f"{table.module}: read"
    first: list[Row] = []

    def walk(call: Call) -> Iterator[Page]:
        def part(offset: int, size: int) -> Part:
            query = table.query("*", limit=f"{offset},{size}")
            found: list[Row] = call(ask(query, about, has_ids=False))
            if offset and found == first and len(found) >= size:
                raise ProtocolError(
                    f"{table.module}: the server gives the same records again and again", hint=LEAVE_OUT
                )
            first[:] = first if offset else found
            return Part(found)

        rows = Sliding(part, _identity, about=about)
        for fresh in rows.pages(table.page_size, table.page_size):
            yield Page([row for row in fresh if not table.shard or table.shard.has(number_of(row["id"]))])
        if table.witness and not rows.seen:
            raise shrunk(about)

    return walk


def without_ids(table: Table) -> Walk:
    """All rows of a module that gives them no ids; where none come, a count has to say that there are none.

    Vtiger 7 and 8 ask their database for a column without a name there: 7 tells the error, 8 an empty list (measured).
    """

    def walk(call: Call) -> Iterator[Page]:
        are_there = False
        refusal: Rejected | None = None
        try:
            for page in everything(table)(call):
                are_there = are_there or bool(page.rows)
                yield page
        except Rejected as error:
            refusal = error
        counted = None if are_there else _count(call, table)
        if counted:
            raise ProtocolError(f"{table.module}: the CRM has {counted} records and hands out none", hint=LEAVE_OUT)
        if refusal and counted is None:
            raise refusal

    return walk


def _count(call: Call, table: Table) -> int | None:
    """How many rows the module has; None where the server does not tell."""
    query = f"select count(*) from {table.module};"
    try:
        told = call(ask(query, f"{table.module}: count the records", has_ids=False))
    except (Rejected, Denied):
        return None
    count = str(told[0].get("count")) if told else ""
    return int(count) if count.isascii() and count.isdecimal() else None


def _identity(row: Row) -> str:
    """What makes a row this row: its id, or all of it where it has none."""
    return str(row.get("id") or json.dumps(row, sort_keys=True, default=str))
