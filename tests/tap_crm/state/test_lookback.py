"""Stamps that are of no account for the next run are told by how they are written; nothing else changes by that."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_crm.state import Incremental, fault_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.compiled import Record
    from crm_systems.model import Row

STARTED = datetime(2025, 10, 26, 3, 0, tzinfo=timezone.utc)
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Prague", "Asia/Kathmandu")]


class OneByOne(Incremental):
    """Looks at each stamp."""

    def _of_no_account(self, stamps: Sequence[Any], elapsed: timedelta) -> set[str]:
        return set()


def key_of(record: Row | Record) -> str:
    return str(record["id"])


EXTREME = [f"{each}+00:00" for each in ("0001-01-01T00:00:00", "0001-01-04T06:00:00", "0002-01-01T00:00:00")]
EXTREME += ["0999-12-31T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"]
"""What programs write for never, and what reads like it."""
seconds = (
    st.integers(-90_000_000, 90_000) | st.integers(-200_000, 90_000) | st.integers(-2000, 400).map(lambda n: n * 900)
)
midnights = st.sampled_from([datetime(2025, 10, 26, tzinfo=zone).astimezone(timezone.utc) for zone in ZONES])
"""How a system tells the day of its zone that holds the end of a reading."""
stamps = (
    seconds.map(lambda each: (STARTED + timedelta(seconds=each)).isoformat())
    | midnights.map(datetime.isoformat)
    | st.sampled_from([None, "2025-10-25", "2025-10-26T00:59:59.500000+00:00", *EXTREME])
)
pages = st.lists(st.lists(stamps, max_size=6), max_size=4)


def reading(
    kind: type[Incremental], runs: list[list[list[str | None]]], zone: ZoneInfo, state: dict[str, Any]
) -> list[Any]:
    """What some runs give, one after the other, each a day later, and the state after each."""
    told: list[Any] = []
    for day, run in enumerate(runs):
        changes = kind(
            state,
            "changed",
            started=STARTED + timedelta(days=day),
            zone=zone,
            lookback=timedelta(seconds=60),
            start=None,
        )
        number = 0
        for place, page in enumerate(run):
            rows: list[Row | Record] = []
            for stamp in page:
                number += 1
                rows.append({"id": f"{number}", "changed": stamp})
            told.append(changes.news(rows, key_of, timedelta(seconds=place)))
            changes.forget()
        told.append((changes.evidence.least, changes.evidence.most, changes.overlap.is_stale))
        changes.advance()
        told.append({**state})
    return told


@settings(deadline=None)
@given(st.lists(pages, min_size=1, max_size=3), st.sampled_from(ZONES))
def test_nothing_differs_but_the_pace(runs: list[list[list[str | None]]], zone: ZoneInfo) -> None:
    assert reading(Incremental, runs, zone, {}) == reading(OneByOne, runs, zone, {})


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("stamp", EXTREME)
def test_a_stamp_that_means_never_stops_no_run(stamp: str, zone: ZoneInfo) -> None:
    state: dict[str, Any] = {}
    runs = [reading(Incremental, [[[stamp]], []], zone, state) for _run in range(3)]
    assert runs[0][0]
    assert not fault_of(state)


def test_old_records_are_not_looked_at_one_by_one() -> None:
    changes = Incremental({}, "changed", started=STARTED, zone=ZONES[0], lookback=timedelta(seconds=60), start=None)
    looked: list[str] = []
    is_news = changes.overlap.is_news

    def noted(key: str, record: Row | Record, stamp: datetime | None) -> bool:
        looked.append(key)
        return is_news(key, record, stamp)

    changes.overlap.is_news = noted
    rows: list[Row | Record] = [
        {"id": f"{number}", "changed": (STARTED - timedelta(hours=number)).isoformat()} for number in range(1, 1000)
    ]
    assert changes.news(rows, key_of, timedelta()) == rows
    assert len(looked) < 30


@pytest.mark.parametrize("seconds", [0, 1, 29, 59])
def test_many_records_of_the_last_minutes_are_sent_once(seconds: int) -> None:
    """As after an import, however the time from which the next run reads lies between two full minutes."""
    begun = STARTED - timedelta(days=1) + timedelta(seconds=seconds)
    rows: list[Row | Record] = [
        {"id": f"{number}", "changed": (begun + timedelta(seconds=number // 20)).isoformat()} for number in range(3000)
    ]
    state: dict[str, Any] = {}
    told = []
    for run in range(3):
        changes = Incremental(
            state,
            "changed",
            started=STARTED + timedelta(days=run),
            zone=ZONES[0],
            lookback=timedelta(seconds=60),
            start=None,
        )
        since = (changes.since or begun).isoformat()
        read = [row for row in rows if row["changed"] >= since]
        told.append((len(changes.news(read, key_of, timedelta(seconds=30))), changes.overlap.is_stale))
        changes.advance()
    assert told == [(3000, False), (0, False), (0, False)]
