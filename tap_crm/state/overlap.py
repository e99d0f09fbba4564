"""What was sent of the last stretch of time, which the next run reads again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from hashlib import blake2s
from typing import TYPE_CHECKING

from crm_systems.compiled import Record
from crm_systems.times import UTC, earliest, read_moment

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from crm_systems.model import Row

MOST_REMEMBERED = 1000
"""How many records of the overlap between two runs a state names one by one."""
GONE = "deleted"
"""Stands before the key of a record whose deletion was sent."""
AROUND = timedelta(hours=3)
"""By how much the time that a run looks at may begin earlier than that of the run before, where clocks are put back."""


class Overlap:
    """Remembers what was sent of the time that the next run will look at again, so that it is not sent twice.

    A record is known again by a digest of its content, so one that was changed within the same second is sent. Of too
    many, the sum of their digests is kept: none of them is sent, unless one differs; then all are (:attr:`is_stale`).
    In the state it is a list of texts, not an object, since orchestrators merge the objects of an old and a new state.
    """

    def __init__(self, sent_before: tuple[str, ...], since: datetime | None, zone: ZoneInfo) -> None:
        self._zone = zone
        self._since = _window(since, zone) if since else None
        self._group = _Group.parsed(sent_before)
        self.sent_before = {key: digest for digest, _, key in (each.partition(" ") for each in sent_before)}
        self._met = _Group()
        self._minutes: dict[datetime, _Group] = {}
        self._fresh: dict[datetime, _Group] = {}
        """What was sent beside the many, by minutes as well."""
        self._deleted: list[str] = []

    @property
    def holds_many(self) -> bool:
        """Whether so many were sent that only their sum is known."""
        return self._group is not None

    def border(self, since: datetime) -> datetime:
        """What was changed before it, a run that reads from ``since`` or later does not look at, but for whole days."""
        return _window(since, self._zone) - AROUND

    def is_news(self, key: str, record: Row | Record, stamp: datetime | None) -> bool:
        """Whether the record was not sent by the last run; notes it for the next."""
        if stamp is None:
            return True
        digest, minute = _digest(record), stamp.replace(second=0, microsecond=0)
        self._minutes.setdefault(minute, _Group()).add(key, digest, stamp)
        if self._group and self._since and self._group.newest and self._since <= stamp <= self._group.newest:
            self._met.add(key, digest, stamp)
            return False
        if self._group:
            self._fresh.setdefault(minute, _Group()).add(key, digest, stamp)
        return self.sent_before.get(key) != digest

    def is_news_that_gone(self, key: str) -> bool:
        """Whether the deletion was not sent by the last run; notes it for the next."""
        self._deleted.append(f"{GONE} {key}")
        return self.sent_before.get(key) != GONE

    def forget_deletion(self, key: str) -> bool:
        """Forgets that the last run told a record as deleted, as it may go again; says whether it had."""
        was_sent = self.sent_before.get(key) == GONE
        if was_sent:
            del self.sent_before[key]
        return was_sent

    @property
    def is_stale(self) -> bool:
        """Whether something among the many that were held back differs from what was sent."""
        return self._group is not None and (self._met.count, self._met.total) != (self._group.count, self._group.total)

    def send_all(self) -> None:
        """Lets a second reading send what was held back, and what the first has sent not again."""
        for group in self._fresh.values():
            self.sent_before |= group.sent or {}
        self._group, self._minutes, self._fresh = None, {}, {}

    def forget_before(self, since: datetime) -> None:
        """Forgets what the next run will certainly not look at."""
        if not self._minutes:
            return
        border = _window(since, self._zone) - timedelta(days=1)
        self._minutes = {minute: group for minute, group in self._minutes.items() if minute >= border}

    def remembered(self, since: datetime) -> list[str]:
        """For the state: of what the next run, which reads from ``since``, will look at."""
        border = _window(since, self._zone)
        groups = [group for minute, group in self._minutes.items() if minute >= border or self._is_day(minute, border)]
        gone = self._deleted if len(self._deleted) <= MOST_REMEMBERED else []
        if sum(group.count for group in groups) > MOST_REMEMBERED:
            return [_Group.together(groups).written(), *gone]
        return [*(f"{digest} {key}" for group in groups for key, digest in (group.sent or {}).items()), *gone]

    def _is_day(self, minute: datetime, border: datetime) -> bool:
        """Whether a stamp may tell no more than the day, all of which is looked at."""
        here, since = minute.astimezone(self._zone), border.astimezone(self._zone)
        return (here.hour, here.minute) == (0, 0) and here.date() == since.date()


class _Group:
    """Digests of some records: how many, their sum, and, while they are few, each of them by key."""

    def __init__(self, count: int = 0, total: int = 0, newest: datetime | None = None) -> None:
        self.count, self.total, self.newest = count, total, newest
        self.sent: dict[str, str] | None = {}

    def add(self, key: str, digest: str, stamp: datetime) -> None:
        self.count += 1
        self.total = (self.total + int(digest, 16)) % 2**64
        self.newest = max(self.newest or stamp, stamp)
        if self.sent is not None:
            self.sent[key] = digest
            if self.count > MOST_REMEMBERED:
                self.sent = None

    @classmethod
    def together(cls, groups: list[_Group]) -> _Group:
        return cls(
            sum(each.count for each in groups),
            sum(each.total for each in groups) % 2**64,
            max((each.newest for each in groups if each.newest), default=None),
        )

    def written(self) -> str:
        return f"all {self.count} {self.total:x} {self.newest.isoformat() if self.newest else ''}"

    @classmethod
    def parsed(cls, sent_before: tuple[str, ...]) -> _Group | None:
        """The sum among the entries of a state; None where there is none that can be read: all is sent then."""
        try:
            _, count, total, newest = next(each for each in sent_before if each.startswith("all ")).split()
            known = read_moment(newest, UTC)
            return cls(int(count), int(total, 16), known)
        except (StopIteration, ValueError, OverflowError):
            return None


@lru_cache(maxsize=4)
def _window(since: datetime, zone: ZoneInfo) -> datetime:
    """From when on records are read that were changed since; in whole minutes, as some systems tell no seconds."""
    return earliest(since, zone).astimezone(timezone.utc).replace(second=0, microsecond=0)


def _digest(record: Row | Record) -> str:
    row = record.row() if isinstance(record, Record) else record
    return blake2s(json.dumps(row, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
