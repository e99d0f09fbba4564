"""Looking records up with VTQL, so that an empty answer is certain."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from crm_systems.errors import Rejected, ServerFault
from crm_systems.model import BEYOND
from crm_systems.paging import shrunk
from crm_systems.vtiger import vtql, walks

if TYPE_CHECKING:
    from crm_systems.model import Call, Row

CANDIDATES = 20
"""How many of the newest records may be broken before none is found that can be read."""


class LookUp:
    """Looks records up with the help of a witness: the id of a record of the module that is there.

    It is asked for along with what is wanted, and an answer without it proves that the query was not carried out, since
    the server answers its own SQL errors by an empty list (measured).
    """

    def __init__(self) -> None:
        self._witnesses: dict[str, str] = {}

    def rows(self, call: Call, table: vtql.Table, condition: str) -> list[Row]:
        """The rows for which a condition holds, by the server's comparison, and perhaps the witness.

        Raises:
            Rejected: the server did not carry the query out, or does not hand out one of the rows.
        """
        known = self._witnesses.get(table.module)
        if known:
            # The witness itself may have been deleted since.
            with suppress(Rejected):
                return _rows(call, table, condition, known)
        found = self._witnesses[table.module] = _witness(call, table)
        # A database that goes down in the middle of a query makes the same empty list as a query that it refuses.
        with suppress(Rejected):
            return _rows(call, table, condition, found)
        return _rows(call, table, condition, found)


def _witness(call: Call, table: vtql.Table) -> str:
    """The id of a record that is there and can be read, one of the newest; empty where none can be named.

    Raises:
        ProtocolError: the server does not show what it named a moment ago.
    """
    try:
        highest = vtql.top(call, table)
        if not 0 < highest < BEYOND:
            return ""
        newest = table.query("id", order="id desc", limit=str(CANDIDATES))
        rows = call(vtql.ask(newest, f"{table.module}: find records"))
    except (vtql.Unsorted, Rejected):
        return ""
    if not rows:
        raise shrunk(f"{table.module}: find records")
    return next((row["id"] for row in rows if _is_readable(call, table, row["id"])), "")


def _is_readable(call: Call, table: vtql.Table, identifier: str) -> bool:
    """Whether the server hands out a record that it named a moment ago.

    Raises:
        ProtocolError: it does not show it any more.
    """
    query, about = table.query("*", f"id = '{identifier}'", limit="1"), f"{table.module}: read one record"
    try:
        rows = call(vtql.ask(query, about, patient=False))
    except (Rejected, ServerFault):
        return False
    if not rows:
        raise shrunk(about)
    return True


def _rows(call: Call, table: vtql.Table, condition: str, witness: str) -> list[Row]:
    """Of documents, only the ids are asked for together: LIMIT counts the lines of whole ones (measured)."""
    asked = f"{condition} or id = '{witness}'" if witness else condition
    columns = "id" if table.joins_lines else "*"
    query = table.query(columns, asked, limit=str(vtql.SERVER_PAGE))
    rows: list[Row] = call(vtql.ask(query, f"{table.module}: look up"))
    if witness and not rows:
        raise Rejected(f"{table.module}: the server could not look the record up", code="empty answer")
    if len(rows) < vtql.SERVER_PAGE and not table.joins_lines:
        return rows
    pages = list(walks.Keyset(replace(table, where=condition), 0, BEYOND)(call))
    if any(page.unreadable for page in pages):
        raise Rejected(f"{table.module}: the server does not hand out one of the records that were looked up")
    return [row for page in pages for row in page.rows]
