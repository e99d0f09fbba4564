"""Walks that were begun, and what it may cost to divide them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_systems.paging import Divisible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.model import Call, Page, Walk

WORTH_A_LOGIN, WORTH_DIVIDING = 6, 2
"""How many requests a walk must have before it to be divided: where one more has to log in for it, and elsewhere."""
SPARE, SPARE_A_PAGE = 2, 0.015
"""How many requests all divisions together may cost."""
BELIEVED = 200
"""So many pages are believed to come by estimates alone, or as many as have come: a gap in the ids looks like pages."""


class Begun:
    """A walk that was begun; between two of its pages any thread may go on with it."""

    def __init__(self, walk: Walk, call: Call) -> None:
        self.walk = walk if isinstance(walk, Divisible) else None
        self.pages = walk(call)

    @property
    def pages_left(self) -> float:
        """By its own estimate; 0 where it cannot be divided."""
        return self.walk.pages_left if self.walk else 0

    @property
    def wasted(self) -> float:
        """What it costs that it was divided, in requests."""
        return self.walk.wasted if self.walk else 0


@dataclass
class Divisions:
    """What all divisions cost: walks of which another one begins somewhere in their last page."""

    pages: int = 0
    """How many have come, of whatever walk."""
    at_once: int = 0
    """How many walks were under way at once, each by a log-in."""
    wasted: float = 0.0
    """What the walks cost that have ended, in requests."""

    def note(self, begun: Begun, page: Page | None, at_once: int) -> None:
        """A page of a walk, or its end, while so many were under way."""
        self.at_once = max(self.at_once, at_once)
        self.pages += page is not None
        self.wasted += begun.wasted if page is None else 0

    def may_divide(self, begun: Begun, under_way: Sequence[Begun]) -> bool:
        """Whether a walk is worth dividing, and what all divisions cost leaves something for one more."""
        if begun.pages_left < (WORTH_DIVIDING if len(under_way) < self.at_once else WORTH_A_LOGIN):
            return False
        pages = min(self.pages + sum(each.pages_left for each in under_way), max(2 * self.pages, BELIEVED))
        return self.wasted + sum(each.wasted for each in under_way) < SPARE + SPARE_A_PAGE * pages
