"""One reading of what was changed in a stream since the last one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from crm_systems.compiled import column
from crm_systems.times import WIDEST, instant
from tap_crm.state.bookmarks import BEGINNING, ZONE, Bookmark, Shown
from tap_crm.state.overlap import GONE, Overlap
from tap_crm.state.zones import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from crm_systems.compiled import Record
    from crm_systems.model import Row

IN_UTC = "+00:00"
"""How the stamps of records end."""
MINUTE_AND_SECOND = slice(14, 19)
"""Where they stand in a stamp."""
QUARTERS = frozenset({"00:00", "15:00", "30:00", "45:00"})
"""When a day may begin somewhere; a stamp that shows one may tell no more than the day."""


class Incremental:
    """From when on to read, which rows are news, and where the next run goes on.

    ``state`` is the stream's part of the state, ``started`` the server's clock when the run began, ``start`` the start
    date.
    """

    def __init__(
        self,
        state: dict[str, Any],
        replication_key: str,
        *,
        started: datetime,
        zone: ZoneInfo,
        lookback: timedelta,
        start: datetime | None,
    ) -> None:
        self._state = state
        self._key = replication_key
        self._zone = zone
        self._lookback = lookback
        self._bookmark = bookmark = Bookmark.of(state, replication_key, zone)
        self.started = started
        self.goes_on = False
        """Whether only what a run left that was cut off is read."""
        self.start_is_in_the_future = start is not None and start > started and bookmark.value is None
        self.start = min(start, started) if start else None
        newest_known = max(bookmark.value or started, bookmark.read_at or started)
        self.clock_was_put_back = newest_known > started + lookback
        self.since = self._since()
        self.overlap = Overlap(bookmark.overlap, self.since, zone)
        self.is_of_another_clock = bookmark.is_of_another_clock
        is_in_doubt = self.clock_was_put_back or bookmark.is_of_another_clock
        self.evidence = Evidence(None if is_in_doubt else bookmark.read_at)
        self.shown = Shown(started)
        self._deletions = Shown(started)

    def _since(self) -> datetime | None:
        """From when on changes are wanted: some time before the bookmark, else the start date, else everything.

        From a whole minute on, since what the last run remembers begins with one.
        Where the clock was put back, changes are stamped with times that were read before, so all is read.
        """
        bookmark = self._bookmark
        if bookmark.value is None or self.clock_was_put_back:
            return self.start
        since = min(bookmark.value, self.started) - self._lookback
        since = since - WIDEST if bookmark.is_of_another_clock else since
        return since.replace(second=0, microsecond=0)

    def news(
        self, records: Sequence[Row | Record], key_of: Callable[[Row | Record], str], elapsed: timedelta
    ) -> Sequence[Row | Record]:
        """Those of the records that were not sent before; they were read when the run had lasted for ``elapsed``."""
        stamps, sent = column(records, self._key), self.overlap.sent_before
        old = self._of_no_account(stamps, elapsed)
        if not sent and old.issuperset(stamps):
            return records
        return [
            record
            for record, stamp in zip(records, stamps, strict=True)
            if (stamp in old and not (sent and key_of(record) in sent))
            or self._is_news(key_of(record), record, elapsed)
        ]

    def _of_no_account(self, stamps: Sequence[Any], elapsed: timedelta) -> set[str]:
        """Stamps so old that the next run will not look at them; notes them.

        They are compared as texts, since to parse each takes long. Of what they tell of the CRM's clock, the first and
        the last tell all.
        """
        told = [stamp for stamp in stamps if stamp.__class__ is str and stamp.endswith(IN_UTC)]
        newest = instant(max(told, default=None), self._zone)
        if newest and not self.overlap.holds_many:
            self.shown.note(newest, elapsed)
        if not self.shown.reached or self.overlap.holds_many:
            return set()
        border = self.overlap.border(self.shown.reached - self._lookback)
        latest, of_day = border.isoformat(), (border - timedelta(days=1)).isoformat()
        old = {each for each in told if each < of_day or (each < latest and each[MINUTE_AND_SECOND] not in QUARTERS)}
        known = self._bookmark.newest.astimezone(timezone.utc).isoformat() if self._bookmark.newest else ""
        late = [stamp for stamp in old if stamp > known]
        for stamp in {min(late), max(late)} if late else ():
            self._note_change(datetime.fromisoformat(stamp), elapsed)
        return old

    def _is_news(self, key: str, record: Row | Record, elapsed: timedelta) -> bool:
        """Whether a record was not sent before; notes its stamp."""
        stamp = instant(record.get(self._key), self._zone)
        is_news = self.overlap.is_news(key, record, stamp)
        if self.overlap.forget_deletion(key):
            # At once, since the state of a run that fails leaves as well.
            self._state["overlap"] = [each for each in self._state["overlap"] if each != f"{GONE} {key}"]
        if stamp:
            self.shown.note(stamp, elapsed)
            if is_news:
                self._note_change(stamp, elapsed)
        return is_news

    def _note_change(self, stamp: datetime, elapsed: timedelta) -> None:
        newest = self._bookmark.newest
        if self.evidence.since is None or (newest and stamp > newest):
            self.evidence.note(stamp, self.started + elapsed)

    def forget(self) -> None:
        """Lets go of what the next run will not look at."""
        if self.shown.reached:
            self.overlap.forget_before(self.shown.reached - self._lookback)

    def deletions_since(self, *, by_stamps: bool) -> datetime | None:
        """From when on deletions are wanted; None: none are. ``by_stamps``: not by the server's clock."""
        until = self._bookmark.deletions
        if until and (self.clock_was_put_back or until > self.started + self._lookback):
            return self.start or BEGINNING
        is_off = by_stamps and self._bookmark.is_of_another_clock
        return until and until - self._lookback - (WIDEST if is_off else timedelta())

    def begin_deletions(self, *, by_stamps: bool) -> None:
        """Notes from when on the next run wants deletions where this one, the first, is cut off before its end."""
        until = self.started - WIDEST if by_stamps else self.started
        self._state.setdefault("deletions_read_until", until.isoformat())

    def note_deletion(self, stamp: datetime | None, elapsed: timedelta) -> None:
        """Notes when a record was deleted, by the CRM's stamp."""
        if stamp:
            self._deletions.note(stamp, elapsed)

    def deletions_are_read(self, *, by_stamps: bool) -> None:
        """Moves the bookmark of deletions: to the server's clock, or as far as stamps were shown."""
        until = self.started
        if by_stamps:
            is_off = self._bookmark.is_of_another_clock or self.clock_was_put_back
            known = None if is_off else self._bookmark.deletions
            stamps = (known, self._deletions.bookmark, self.shown.bookmark)
            until = max((stamp for stamp in stamps if stamp), default=self.started - WIDEST)
        self._state["deletions_read_until"] = until.isoformat()

    def advance(self) -> None:
        """Moves the bookmark to the newest stamp that was shown; where none was, it stays."""
        value, newest = self._reached()
        for name in ("replication_key", "replication_key_value", "newest"):
            self._state.pop(name, None)
        if value:
            self._state |= {"replication_key": self._key, "replication_key_value": value.isoformat()}
        if newest:
            self._state["newest"] = newest.isoformat()
        self._state |= {"read_at": self.started.isoformat(), ZONE: self._zone.key}
        self._state["overlap"] = self.overlap.remembered(value - self._lookback) if value else []

    def _reached(self) -> tuple[datetime | None, datetime | None]:
        """Up to which stamp all is read, and the newest that was shown."""
        before, reached, newest = self._bookmark, self.shown.bookmark, self.shown.newest
        if self.clock_was_put_back:
            return reached, newest
        if before.is_of_another_clock and before.value:
            return reached or before.value - WIDEST, newest
        value = max((each for each in (before.value, reached) if each), default=None)
        if value is None and self.start_is_in_the_future:
            value = self.started
        return value, max((each for each in (before.newest, newest) if each), default=None)
