"""Where a stream goes on: bookmarks in the CRM's own stamps.

A bookmark is compared with stamps, so it is taken from stamps, and never from another clock: it is the newest stamp
that the CRM has shown. A zone that is not the CRM's then shifts both alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm_systems.errors import CrmError
from crm_systems.times import UTC, read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from zoneinfo import ZoneInfo

UNREADABLE = "unreadable"
"""Under this name a bookmark that cannot be understood stays in the state, so that no run takes it for none."""
_TIMES = ("replication_key_value", "deletions_read_until", "read_at", "newest")
LEFT_OUT = "left_out"
"""Under this name stand the fields that records came without, since the catalog did not have them."""
ZONE = "timezone"
"""Under this name stands the zone in which the bookmark was read."""
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
"""A bookmark up to which nothing is read."""
OF_SDK = frozenset({"starting_replication_value", "replication_key_signpost"})
"""Times that the SDK keeps, before anything was read, and that mean nothing here."""


class StateError(CrmError):
    """What the state says of a stream cannot be used."""


class ForeignState(StateError):
    """The state as a whole is that of something else."""


@dataclass(frozen=True)
class Bookmark:
    """What the state says of a stream; all times aware."""

    value: datetime | None = None
    """The stamp up to which all is read."""
    newest: datetime | None = None
    """The newest stamp that was shown and did not lie in the future."""
    read_at: datetime | None = None
    """The server's clock when the last run began."""
    deletions: datetime | None = None
    """Up to when deletions were asked for."""
    overlap: tuple[str, ...] = ()
    is_of_another_clock: bool = False
    """Whether stamps may lie behind it by a zone: it is of another one, or was the server's clock, as it once was."""

    @classmethod
    def of(cls, state: Mapping[str, Any], replication_key: str | None, zone: ZoneInfo) -> Bookmark:
        """The bookmark in a stream's state; times without an offset are in ``zone``.

        Raises:
            StateError: it is damaged, or of another field.
        """
        fault = fault_of(state)
        if not fault and state.get("replication_key", replication_key) != replication_key:
            fault = f"it is of `{state['replication_key']}` and not of `{replication_key}`"
        if fault:
            raise StateError(
                f"The bookmark in the state cannot be used, since {fault}",
                hint="mend it, or take it out of the state to read all of the stream again",
            )
        value, deletions, read_at, newest = (
            read_moment(state[name], zone) if name in state else None for name in _TIMES
        )
        value = None if value == BEGINNING else value
        overlap = tuple(state.get("overlap") or ())
        is_of_server_clock = value is not None and "overlap" in state and read_at is None
        is_of_another_clock = is_of_server_clock or state.get(ZONE, zone.key) != zone.key
        return cls(value, newest, read_at, deletions, overlap, is_of_another_clock)


def fault_of(state: Any) -> str:
    """What keeps a stream's state from being understood; empty where nothing does."""
    if not isinstance(state, dict):
        return "it is no object"
    if UNREADABLE in state:
        return fault_of(state[UNREADABLE]) or "it was not readable before"
    no_times = [name for name in _TIMES if name in state and not _is_moment(state[name])]
    if no_times:
        return f"its `{no_times[0]}` is no time"
    for name in ("overlap", LEFT_OUT):
        if not isinstance(texts := state.get(name, []), list) or not all(isinstance(each, str) for each in texts):
            return f"its `{name}` is no list of texts"
    markers = state.get("progress_markers", {})
    is_of_another = any(_is_moment(state[name]) for name in state.keys() - {*_TIMES, *OF_SDK})
    if is_of_another or state.get("partitions", []) != [] or not isinstance(markers, dict):
        return "it has parts that another tap wrote"
    return ""


def _is_moment(written: Any) -> bool:
    try:
        return isinstance(written, str) and bool(read_moment(written, UTC))
    except (ValueError, OverflowError):
        return False


@dataclass
class Shown:
    """The stamps that the CRM shows in one run, which began when the server's clock was at ``started``."""

    started: datetime
    reached: datetime | None = None
    """The newest time by the stamps' clock of which it is sure that the run began no earlier."""
    newest: datetime | None = None
    is_ahead: bool = False
    """Whether a stamp lay further ahead than the run has lasted."""

    def note(self, stamp: datetime, elapsed: timedelta) -> None:
        """Notes the stamp of a row that was read when the run had lasted for ``elapsed``.

        A change made while reading may lie behind the place that is read; in a zone that is wrong, nothing but the
        time that has passed tells that it was made since the run began.
        """
        sure = (stamp - elapsed).replace(microsecond=0)
        if sure > self.started:
            self.is_ahead = True
            return
        self.reached = max(self.reached or sure, sure)
        self.newest = max(self.newest or stamp, stamp)

    @property
    def bookmark(self) -> datetime | None:
        """Up to when all is read; None where no stamp was shown."""
        return self.reached or (self.started if self.is_ahead else None)
