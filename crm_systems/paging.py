"""Reading lists that can only be paged by position, while others change what is in them, without losing a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterator

    from crm_systems.model import Row

PASSES = 5
"""How often a list that moved under the reader is read at the most."""
GROWTH = 4
"""How many times as large as the one before it a page is, up to the full size."""


@dataclass(frozen=True)
class Part:
    """Some neighbouring rows of a list."""

    rows: list[Row]
    total: int | None = None
    """How many rows the list has; None where the server does not tell."""


def _never(_rows: list[Row]) -> bool:
    return False


@dataclass
class Sliding:
    """A list that is read by position; each row is given once.

    Pages overlap by one row. A page that does not begin with a row that was met before shows that rows moved to the
    front, since others were deleted: the reader steps back. A row that is met again further back shows that rows
    moved to the end, or that the server does not keep the order of equal ones: the list is read once more.
    """

    fetch: Callable[[int, int], Part]
    """Gives the rows from a position (from 0), at most so many; the server may give fewer."""
    key_of: Callable[[Row], Hashable]
    seen: set[Hashable] = field(default_factory=set)
    """Keys of the rows that were given."""

    def pages(self, first: int, largest: int, enough: Callable[[list[Row]], bool] = _never) -> Iterator[list[Row]]:
        """The rows not given yet, up to the page of which ``enough`` says that nothing wanted follows.

        ``first`` and ``largest`` are page sizes: pages grow, so that a short read costs little.
        """
        for _pass in range(PASSES):
            if not (yield from self._once(first, largest, enough)):
                return

    def _once(self, size: int, largest: int, enough: Callable[[list[Row]], bool]) -> Generator[list[Row], None, bool]:
        """One pass; returns whether a row was met again further back."""
        met: set[Hashable] = set()
        reached: set[Hashable] = set()  # without a gap before them
        before: list[Hashable] = []
        position, covered, moved = 0, 0, False
        while True:
            size = max(size, 2)  # a page of one row could not overlap
            part = self.fetch(position, size)
            keys = [self.key_of(row) for row in part.rows]
            gap = position > 0 and (not keys or keys[0] not in reached)
            moved = moved or not met.isdisjoint(keys[max(covered - position, 0) :])
            met.update(keys)
            covered = max(covered, position + len(keys))
            yield self._fresh(part.rows, keys)
            if gap:
                position = max(position - size // 2, 0)
                before = []
                continue
            reached.update(keys)
            if enough(part.rows) or _is_last(part, position, is_same=keys == before):
                return moved
            position += max(len(keys) - 1, 1)
            size = min(size * GROWTH, largest)
            before = keys

    def _fresh(self, rows: list[Row], keys: list[Hashable]) -> list[Row]:
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in self.seen}
        self.seen.update(fresh)
        return list(fresh.values())


def _is_last(part: Part, position: int, *, is_same: bool) -> bool:
    """``is_same``: as the page before, which a server gives again and again that knows no positions."""
    if part.total is None:
        return len(part.rows) <= 1 or is_same
    return not part.rows or position + len(part.rows) >= part.total
