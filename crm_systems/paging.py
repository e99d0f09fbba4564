"""Reading lists that can only be paged by position, while others change what is in them, without losing a row.

What a server announced, or gave a moment ago, and then does not deliver is a failure, never the end of a list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crm_systems.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterator

    from crm_systems.model import Call, Page, Row, Walk

PASSES = 5
"""How often a list that moved under the reader is read at the most."""
GROWTH = 4
"""How many times as large as the one before it a page is, up to the full size."""
MOST_STEPS_BACK = 100
"""How often one pass steps back at the most: some servers sort anew for each page."""


class Divisible(ABC):
    """A walk of which, while it is under way, another thread may take the rear part."""

    @abstractmethod
    def __call__(self, call: Call) -> Iterator[Page]:
        """The pages."""

    @property
    @abstractmethod
    def pages_left(self) -> float:
        """How many more requests it needs, as far as that can be told; 0 where it cannot be divided."""

    wasted = 0.0
    """How much of a request brings what others bring since it was divided: as expected, and as it was at its end."""

    @abstractmethod
    def divide(self) -> Walk:
        """Ends this walk half-way and gives one over the rest; each row comes in one of them."""


@dataclass(frozen=True)
class Part:
    """Some neighbouring rows of a list."""

    rows: list[Row]
    total: int | None = None
    """How many rows the list has; None where the server does not tell."""


def shrunk(about: str) -> ProtocolError:
    """What a list means that holds less than it did a moment ago."""
    return ProtocolError(
        f"{about}: the server hands out fewer records than it announced or gave a moment ago",
        hint="run again; else check the rights of the user",
    )


def is_plausible(rows: int, announced: int) -> bool:
    """Whether others may have deleted what a list lacks now: no more than half of it, and never all."""
    return 2 * rows >= announced


def _never(_rows: list[Row]) -> bool:
    return False


@dataclass
class _Pass:
    """A list read once."""

    met: set[Hashable] = field(default_factory=set)
    most: int = 0
    """The largest total that was told."""
    has_moved: bool = False
    """Whether a row was met again further back."""
    is_enough: bool = False
    """Whether it was ended by who wanted no more."""
    is_ended: bool = False
    """Whether the last page proves the end: it begins with a row of the page before, and no total says that more
    follow; or the list was empty from the first page on."""

    def note(self, keys: list[Hashable], total: int | None, *, fresh_from: int) -> None:
        """A page; keys from ``fresh_from`` on stand where nothing was read before in this pass."""
        self.has_moved = self.has_moved or not self.met.isdisjoint(keys[fresh_from:])
        self.met.update(keys)
        self.most = max(self.most, total or 0)


@dataclass
class Sliding:
    """A list that is read by position; each row is given once.

    Pages overlap by one row. A page that does not begin with a row that was met before shows that rows moved to the
    front, since others were deleted: the reader steps back. A row that is met again further back shows that rows
    moved to the end, or that the server does not keep the order of equal ones: the list is read once more.

    The first pass is believed if it met as many rows as any page announced, but for one that met none. Else rows were
    deleted, or the server lies: another pass is believed if its own last page proves the end and the list has not lost
    more than half of what it had. So a list is empty only if two looks say so and nothing said otherwise before.
    """

    fetch: Callable[[int, int], Part]
    """Gives the rows from a position (from 0), at most so many; the server may give fewer."""
    key_of: Callable[[Row], Hashable]
    seen: set[Hashable] = field(default_factory=set)
    """Keys of the rows that were given."""
    about: str = "The list"
    announced: int = 0
    """How many rows the list is known to have, from an earlier look; moves on with each pass."""

    def pages(self, first: int, largest: int, enough: Callable[[list[Row]], bool] = _never) -> Iterator[list[Row]]:
        """The rows not given yet, up to the page of which ``enough`` says that nothing wanted follows.

        ``first`` and ``largest`` are page sizes: pages grow, so that a short read costs little.

        Raises:
            ProtocolError: the server does not deliver what it announced or gave before.
        """
        is_sound = False
        for number in range(PASSES):
            one = yield from self._once(first, largest, enough)
            has_all = len(one.met) >= max(one.most, 1) or number > 0
            is_sound = one.is_enough or (one.is_ended and has_all and is_plausible(len(one.met), self.announced))
            self.announced = max(len(one.met), one.most, 0 if is_sound else self.announced)
            if is_sound and not one.has_moved:
                return
        if not is_sound:
            raise shrunk(self.about)

    def _once(self, size: int, largest: int, enough: Callable[[list[Row]], bool]) -> Generator[list[Row], None, _Pass]:
        one = _Pass()
        reached: set[Hashable] = set()  # without a gap before them
        before: list[Hashable] = []
        position, covered, back, gaps = 0, 0, 0, 0
        while True:
            size = max(size, 2)  # a page of one row could not overlap
            part = self.fetch(position, size)
            keys = [self.key_of(row) for row in part.rows]
            one.note(keys, part.total, fresh_from=max(covered - position, 0))
            covered = max(covered, position + len(keys))
            yield self._fresh(part.rows, keys)
            if position > 0 and (not keys or keys[0] not in reached):
                gaps += 1
                if gaps > MOST_STEPS_BACK:
                    return one
                back = 2 * back or size // 2
                position, before = max(position - back, 0), []
                continue
            one.is_enough = bool(keys) and enough(part.rows)
            end = position + len(keys)
            if one.is_enough or len(keys) <= 1 or keys == before or end == part.total:
                one.is_ended = end >= (part.total or 0) and (bool(keys) or not one.met)
                return one
            reached.update(keys)
            position, before, back = end - 1, keys, 0
            size = min(size * GROWTH, largest)

    def _fresh(self, rows: list[Row], keys: list[Hashable]) -> list[Row]:
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in self.seen}
        self.seen.update(fresh)
        return list(fresh.values())
