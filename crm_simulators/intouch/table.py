"""A table whose rows can be paged in the order of any field without sorting them for every page."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_simulators.intouch.model import Key, Record

Entry = tuple[int, Any, Any]
"""Rank of null, value, key: nulls never meet values in a comparison."""


class Table:
    """Rows by key. An order is built when it is first asked for, and kept up to date from then on.

    Args:
        nulls_first: Where an ascending order has its nulls.
    """

    def __init__(self, *, nulls_first: bool = True) -> None:
        self.rows: dict[Any, Record] = {}
        self._null_rank = 0 if nulls_first else 2
        self._orders: dict[tuple[str, int], list[Entry]] = {}

    def put(self, key: Key, row: Record) -> None:
        """Stores a row; an older one under the same key is replaced."""
        self.remove(key)
        self.rows[key] = row
        for order, entries in self._orders.items():
            if _belongs(row, order[1]):
                insort(entries, self._entry(order[0], key, row))

    def remove(self, key: Key) -> None:
        """Drops a row, if there is one."""
        row = self.rows.pop(key, None)
        if row is None:
            return
        for order, entries in self._orders.items():
            if _belongs(row, order[1]):
                del entries[bisect_left(entries, self._entry(order[0], key, row))]

    def keys(self, order_by: str = "", case_type: int = 0) -> list[Any]:
        """The keys in ascending order of a field, ties by key; ``case_type`` 0 means all rows."""
        return [entry[2] for entry in self._order(order_by, case_type)]

    def page(self, order_by: str, case_type: int, position: int, size: int, *, desc: bool) -> tuple[int, list[Record]]:
        """How many rows there are in all, and the rows of one page."""
        entries = self._order(order_by, case_type)
        if desc:
            last = max(len(entries) - position, 0)
            chosen = entries[max(last - size, 0) : last][::-1]
        else:
            chosen = entries[position : position + size]
        return len(entries), [self.rows[entry[2]] for entry in chosen]

    def _order(self, order_by: str, case_type: int) -> list[Entry]:
        order = (order_by, case_type)
        if order not in self._orders:
            rows: Iterable[tuple[Any, Record]] = self.rows.items()
            self._orders[order] = sorted(
                self._entry(order_by, key, row) for key, row in rows if _belongs(row, case_type)
            )
        return self._orders[order]

    def _entry(self, order_by: str, key: Key, row: Record) -> Entry:
        value = row.get(order_by)
        if value is None:
            return (self._null_rank, 0, key)
        return (1, value, key)


def _belongs(row: Record, case_type: int) -> bool:
    return not case_type or row.get("caseType") == case_type
