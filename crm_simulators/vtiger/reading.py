"""``query``: selects rows, cuts the page, joins line items, drops what the user may not see."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger import compare, vtql
from crm_simulators.vtiger.conditions import bound, compile_where
from crm_simulators.vtiger.failures import Refused, SqlError, denied
from crm_simulators.vtiger.schema import INVENTORY, LINE_COLUMNS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.store import Record, Store, Table

_MULTIPLIER = 2654435761


@dataclass
class Page:
    """The answer to a query; ``total`` goes into coreBOS's ``moreinfo``."""

    rows: list[dict[str, Any]]
    total: str | int | None = None


class Reader:
    """Carries out queries of one user."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access
        self._flavour = store.flavour

    def query(self, text: str) -> Page:
        """The answer to a query.

        Raises:
            Refused: the query, or something it names, is wrong.
            Hanging: the query makes the server spin.
        """
        module = self._access.readable(vtql.module_of(text))
        try:
            query = vtql.parse(text, wide=self._flavour.wide_grammar)
            return self._run(query, self._store.tables[module.name])
        except SqlError:
            if self._flavour.swallows_sql_errors:
                return Page([])
            message = "Database error while performing requested operation"
            raise Refused("DATABASE_QUERY_ERROR", message) from None

    def _run(self, query: vtql.Query, table: Table) -> Page:
        columns = self._columns(query, table)
        where = compile_where(query.where, table)
        matching = _Matching(query, table, where, known_order=self._known_order(query, table))
        total = self._total(matching, table)
        if query.columns == ():
            return Page(self._count(matching, table), total)
        if query.order and not self._order_is_known(query, table):
            return self._unknown_order(query, table, total)
        skip, count = self._limit(query)
        if self._joined(query, table):
            records, rows = self._joined_page(matching, skip, count)
        else:
            records = list(islice(matching, skip, skip + count))
            rows = [self._store.row(record) for record in records]
        self._check_owners(records, columns)
        seen = [row for record, row in zip(records, rows, strict=True) if self._access.sees(record)]
        return Page([self._shaped(row, columns, table) for row in seen], total)

    def _columns(self, query: vtql.Query, table: Table) -> tuple[str, ...] | None:
        if query.columns is None:
            if "id" not in table.module.columns and not self._flavour.is_corebos:
                raise SqlError  # It asks its database for the column of the id, which has no name (measured).
            return None
        renamed = {"hdnDiscountPercent": "discount_percent", "hdnDiscountAmount": "discount_amount"}
        columns = tuple(dict.fromkeys(renamed.get(name, name) for name in query.columns))
        for name in columns:
            if name not in table.module.columns and not ("." in name and self._flavour.wide_grammar):
                raise denied(f"Permission to access '.{name}.' attribute denied.")
        return columns if "id" in columns or "id" not in table.defaults else (*columns, "id")

    def _known_order(self, query: vtql.Query, table: Table) -> tuple[str, ...]:
        return tuple(name for name in query.order if name in table.module.columns)

    def _order_is_known(self, query: vtql.Query, table: Table) -> bool:
        return self._known_order(query, table) == query.order

    def _unknown_order(self, query: vtql.Query, table: Table, total: str | int | None) -> Page:
        """An unknown column in ORDER BY: an SQL error, only coreBOS drops it (measured)."""
        if not self._flavour.is_corebos:
            raise SqlError
        kept = self._known_order(query, table)
        again = vtql.Query(query.module, query.columns, query.where, kept, query.descending, query.limit)
        return Page(self._run(again, table).rows, total)

    def _limit(self, query: vtql.Query) -> tuple[int, int]:
        skip, count = query.limit or (0, 100)
        if skip < 0 or count < 0:
            raise SqlError
        return skip, count if self._flavour.page_cap is None else min(count, self._flavour.page_cap)

    def _total(self, matching: _Matching, table: Table) -> str | int | None:
        if not self._flavour.is_corebos:
            return None
        total = sum(1 for _ in matching)
        return str(total) if table.module.is_entity else total

    def _count(self, matching: _Matching, table: Table) -> list[dict[str, Any]]:
        if table.module.is_entity and not self._flavour.counts:
            return []
        return [self._shaped({"count": str(sum(1 for _ in matching))}, ("count",), table)]

    def _joined(self, query: vtql.Query, table: Table) -> bool:
        if table.module.name not in INVENTORY or not self._flavour.joins_lines:
            return False
        return query.columns is None or any(name in LINE_COLUMNS for name in query.columns)

    def _joined_page(self, matching: _Matching, skip: int, count: int) -> tuple[list[Record], list[dict[str, Any]]]:
        """LIMIT counts the joined rows, and rows of one document are folded afterwards (measured).

        That the last line then wins is inferred.
        """
        lines = self._store.lines_of
        nothing: list[Record | None] = [None]
        joined = ((record, line) for record in matching for line in (lines(record) or nothing))
        page = list(islice(joined, skip, skip + count))
        kept = {record.number: (record, line) for record, line in page}.values()
        rows = []
        for record, line in kept:
            row = self._store.row(record)
            shown = self._store.row(line) if line else {}
            empty = None if self._flavour.empty_is_null else ""
            row.update({name: shown.get(name, empty) for name in LINE_COLUMNS if name in row})
            rows.append(row)
        return [record for record, _line in kept], rows

    def _check_owners(self, records: Iterable[Record], columns: tuple[str, ...] | None) -> None:
        """On coreBOS one record whose owner is gone spoils its page (measured)."""
        narrow = columns is not None and "assigned_user_id" not in columns
        if not self._flavour.is_corebos or (narrow and not self._access.switches.gone_owner_spoils_narrow_pages):
            return
        if any(self._access.owner_is_gone(record) for record in records):
            raise Refused("INVALID_ID_ATTRIBUTE", "Invalid owner of the record")

    def _shaped(self, row: dict[str, Any], columns: tuple[str, ...] | None, table: Table) -> dict[str, Any]:
        if columns is None:
            columns = self._access.in_order(table.module)
            if self._flavour.tells_secrets and table.module.name == "Users":
                row = {**row, **dict.fromkeys(("accesskey", "user_password", "confirm_password"), "secret")}
                columns = (*columns, "accesskey", "user_password", "confirm_password")
        shaped = {name.replace(".", "").lower() if "." in name else name: self._cell(row, name) for name in columns}
        if self._flavour.is_corebos and table.module.name == "Contacts":
            shaped["imagenamefullpath"] = ""
        if row.get("id") in self._store.attachments:
            # Only in rows that have a file, and never in describe (measured on 8.2.0 and 8.4.0).
            shaped["imageattachmentids"] = self._store.attachments[row["id"]]
        return shaped

    def _cell(self, row: dict[str, Any], name: str) -> Any:
        """A column, on coreBOS also one of a referenced record: ``Accounts.accountname``."""
        if "." not in name:
            return row[name]
        module, _, column = name.partition(".")
        for identifier in row.values():
            target = self._store.lookup(identifier) if isinstance(identifier, str) and "x" in identifier else None
            if target and target.module == module:
                return self._store.row(target).get(column, "")
        return ""


class _Matching:
    """The rows that match, in order; can be walked several times."""

    def __init__(
        self,
        query: vtql.Query,
        table: Table,
        where: Callable[[Record], bool] | None,
        *,
        known_order: tuple[str, ...],
    ) -> None:
        self._query = query
        self._table = table
        self._where = where
        self._order = known_order

    def __iter__(self) -> Iterator[Record]:
        by = self._index()
        rows = self._table.between(by or "id", *self._bounds(by or "id"))
        where = self._where
        live = (record for record in rows if record.live and (where is None or where(record)))
        return live if by else iter(self._sorted(live))

    def _index(self) -> str | None:
        """The ordering that has the rows in the right order already; None if they must be sorted."""
        if self._query.descending:
            return None
        if not self._order:
            # What the server returns without ORDER BY follows some index; ids in a condition select the primary key.
            return "owner" if bound(self._query.where, "id", upper=False) is None else "id"
        return {("id",): "id", ("modifiedtime", "id"): "modifiedtime"}.get(self._order)

    def _bounds(self, by: str) -> tuple[Any, Any]:
        if by == "owner":
            return None, None
        return bound(self._query.where, by, upper=False), bound(self._query.where, by, upper=True)

    def _sorted(self, records: Iterable[Record]) -> list[Record]:
        """Rows that are equal in every named column come in an order that changes with the offset (measured)."""
        skip = self._query.limit[0] if self._query.limit else 0
        rows = sorted(records, key=lambda record: (record.number * _MULTIPLIER ^ skip * 40503) % 65521)
        for name in reversed(self._order):
            last = name == self._order[-1]
            rows.sort(key=self._sort_key(name), reverse=last and self._query.descending)
        return rows

    def _sort_key(self, name: str) -> Callable[[Record], Any]:
        if name == "id":
            return lambda record: record.number
        kind = self._table.module.fields[name].kind
        convert = compare.number if kind in NUMBERS else compare.key
        empty = float("-inf") if kind in NUMBERS else ""

        def sort_key(record: Record) -> tuple[bool, Any]:
            value = self._table.value(record, name)
            return (value is not None, empty if value is None else convert(value))

        return sort_key
