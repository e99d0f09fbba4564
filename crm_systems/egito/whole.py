"""Whether a list without pages is whole, or was cut at a round number of rows without a word."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LEAST = 10
"""Nobody cuts lists shorter."""
BEYOND = (*range(1, 11), 15, 25, 50, 100)
"""How far above the highest id records are looked for: near, and far in case that the nearest were deleted."""
MOST_GAPS = 50
"""Of how many ids between those of the list each is asked for."""
BELOW = 20
"""How many ids right below the lowest are asked for, and about as many spread over the rest."""


def is_round(count: int) -> bool:
    """Whether a limit may have been set at this number: 50, 25, 150 or 500, say, or a power of two."""
    digits = str(count).rstrip("0")
    return count >= LEAST and (
        (digits in {"15", "25", "75"} or (len(digits) == 1 and count % 10 == 0)) or count & (count - 1) == 0
    )


class Search(NamedTuple):
    """What came of looking for a record that a list does not show."""

    found: str = ""
    """Its id; empty where none was found."""
    is_certain: bool = False
    """Whether none found means that there is none: ids were given one after the other, each between was asked for."""


def missing_from(listed: Iterable[str], exists: Callable[[str], bool]) -> Search:
    """Looks for a record that a list does not show."""
    ids = set(listed)
    if not all(each.isascii() and each.isdecimal() for each in ids) or not exists(next(iter(ids))):
        return Search()
    numbers = set(map(int, ids))
    lowest, highest = min(numbers), max(numbers)
    gaps = list(islice((each for each in range(highest - 1, lowest, -1) if each not in numbers), MOST_GAPS + 1))
    asked = [*(highest + step for step in BEYOND), *gaps[:MOST_GAPS], *_below(lowest)]
    return Search(next((str(each) for each in asked if exists(str(each))), ""), len(gaps) <= MOST_GAPS)


def _below(lowest: int) -> list[int]:
    """Ids that a list would hide which shows the newest first; many tenants begin to count at 1000 or higher."""
    nearest = max(1, lowest - BELOW)
    return [*range(lowest - 1, nearest - 1, -1), *range(1, nearest, max(1, nearest // BELOW))]
