"""How far a reading of a stream has come, so that one that was cut off goes on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm_systems.model import BEYOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Page, Ranges
    from tap_crm.state.bookmarks import Shown

READING = "reading"
"""Under this name it stands in the stream's part of the state: one text, which whoever merges states leaves whole."""
_NONE = "-"
_FIRST_YEAR = 1970


@dataclass(frozen=True)
class Place:
    """A reading under way; all times are aware."""

    began: datetime
    """The server's clock when it began for the first time."""
    since: datetime | None
    """From when on changes are read; None: everything."""
    left: Ranges | None = ((0, BEYOND),)
    """The ids of the records that have not left yet; None where records are not read by id."""
    reached: datetime | None = None
    newest: datetime | None = None
    """What was shown so far; see :class:`~tap_crm.state.bookmarks.Shown`."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Place | None:
        """What an earlier run left in a stream's state; None where nothing can be gone on with.

        A state that was merged may still hold the place of a reading that has come to its end since.
        """
        with suppress(ValueError, AttributeError, TypeError):
            *times, ranges = state.get(READING, "").split(" ")
            began, since, reached, newest = (None if each == _NONE else _moment(each) for each in times)
            read_at = state.get("read_at")
            if began and not (read_at and datetime.fromisoformat(read_at) >= began):
                return cls(began, since, None if ranges == _NONE else _ranges(ranges), reached, newest)
        return None

    def write(self, state: dict[str, Any]) -> None:
        """Puts it into a stream's state."""
        told = (self.began, self.since, self.reached, self.newest)
        times = (_NONE if each is None else each.isoformat() for each in told)
        state[READING] = " ".join([*times, _NONE if self.left is None else _written(self.left)])

    def after(self, page: Page, shown: Shown) -> Place:
        """The place when a page has left."""
        left = None if page.covers is None or self.left is None else without(self.left, *page.covers)
        return replace(self, left=left, reached=shown.reached, newest=shown.newest)


def without(ranges: Ranges, low: int, high: int) -> Ranges:
    """Ranges, less the ids above ``low`` and up to ``high``."""
    if low >= high:
        return ranges
    pieces = [piece for first, last in ranges for piece in ((first, min(last, low)), (max(first, high), last))]
    return tuple((first, last) for first, last in pieces if first < last)


def _moment(written: str) -> datetime:
    """A time as it was written.

    Raises:
        ValueError: it is none, or somebody has changed it.
    """
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None or moment.year < _FIRST_YEAR:
        raise ValueError
    return moment


def _written(ranges: Ranges) -> str:
    return ",".join(f"{first}-" if last == BEYOND else f"{first}-{last}" for first, last in ranges)


def _ranges(written: str) -> Ranges:
    ends = (each.split("-") for each in written.split(",") if each)
    return tuple((int(first), int(last) if last else BEYOND) for first, last in ends)
