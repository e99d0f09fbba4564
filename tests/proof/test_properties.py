"""What holds whatever comes: small examples here, many in ``make proof``."""

from __future__ import annotations

import itertools
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from crm_systems.errors import ProtocolError
from crm_systems.kinds import Notation, Reader
from crm_systems.model import Entity, Field, Kind
from crm_systems.paging import Part, Sliding
from crm_systems.wire import encode, same, typed
from proof.history import History
from proof.machine import reader_of
from proof.runs import read_run
from proof.server import Watched
from tap_crm.state.bookmarks import Shown
from tests.contract.subjects import SUBJECTS

if TYPE_CHECKING:
    from pathlib import Path

SMALL = settings(max_examples=4, stateful_step_count=6, deadline=None, database=None, derandomize=True)
SOME = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@pytest.mark.parametrize("system", SUBJECTS)
def test_a_reader_that_is_disturbed_knows_all_in_the_end(system: str) -> None:
    run_state_machine_as_test(reader_of(system), settings=SMALL)


ZONES = ["UTC", "Europe/Prague", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"]
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=9)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2036, 1, 1)).map(  # noqa: DTZ001 - UTC is put to it
    lambda each: each.replace(microsecond=0, tzinfo=timezone.utc).isoformat()
)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.STRING: words,
    Kind.TEXT: words,
    Kind.EMAIL: words,
    Kind.PHONE: words,
    Kind.URL: words,
    Kind.INTEGER: st.integers(-(10**15), 10**15),
    Kind.NUMBER: st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(date.isoformat),
    Kind.DATETIME: moments,
    Kind.TIME: st.times().map(lambda each: time(each.hour, each.minute, each.second).isoformat()),
    Kind.MULTIPICKLIST: st.lists(words.filter(lambda each: "|" not in each), min_size=1, max_size=4, unique=True),
}
"""Typed values, as a read gives them."""


@pytest.mark.parametrize("kind", VALUES, ids=str)
def test_a_value_goes_there_and_back(kind: Kind) -> None:
    @SOME
    @given(VALUES[kind], st.sampled_from(ZONES))
    def each(value: Any, zone: str) -> None:
        notation, field = Notation(zone, " |##| "), Field("f", kind)
        if kind is Kind.DATETIME and is_twice(value, notation):
            return
        meant = typed(field, value, notation)
        assert same(kind, meant, value)
        back = Reader(Entity("E", (field,)), notation)({"f": encode(kind, meant, notation)})["f"]
        assert same(kind, meant, back), f"{value!r} came back as {back!r}"
        assert typed(field, back, notation) == back or same(kind, typed(field, back, notation), back)

    each()


def is_twice(value: str, notation: Notation) -> bool:
    """Whether a local time is that of two instants, of which the CRM can only mean one."""
    near = [datetime.fromisoformat(value) + timedelta(hours=hours) for hours in (-1, 0, 1)]
    written = [encode(Kind.DATETIME, each.isoformat(), notation) for each in near]
    return len(set(written)) < len(written)


ORDERS = {
    "by id": ("append", "delete"),
    "newest first": ("insert in front", "move to the front"),
}
"""What may happen between two pages; where rows move to the front, no others vanish."""
edits = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 99)), max_size=3)


def changed(rows: list[int], how: str, place: int, new: int) -> None:
    """One edit of a list."""
    if how == "append":
        rows.append(new)
    elif how == "insert in front":
        rows.insert(0, new)
    elif rows:
        row = rows.pop(place % len(rows))
        if how == "move to the front":
            rows.insert(0, row)


@settings(SOME, max_examples=200)
@given(
    st.sampled_from(list(ORDERS)),
    st.integers(0, 60),
    st.lists(edits, max_size=12),
    st.tuples(st.integers(2, 9), st.integers(2, 9)),
    st.tuples(st.booleans(), st.booleans()),
)
def test_paging_gives_every_row_that_was_there_all_the_time(
    order: str, count: int, between: list[Any], sizes: tuple[int, int], told: tuple[bool, bool]
) -> None:
    """However a list moves between two pages, whether its length is told or not, and its pages are cut or not."""
    (counts, cuts), new = told, itertools.count(1000)
    rows, coming, survivors = list(range(count)), iter(between), set(range(count))

    def fetch(position: int, size: int) -> Part:
        page = [{"id": each} for each in rows[position : position + (max(size // 2, 2) if cuts else size)]]
        total = len(rows) if counts else None
        for how, place in next(coming, []):
            changed(rows, ORDERS[order][how], place, next(new))
        survivors.intersection_update(rows)
        return Part(page, total)

    sliding = Sliding(fetch, lambda row: row["id"])
    try:
        given_rows = [row["id"] for page in sliding.pages(min(sizes), max(sizes)) for row in page]
    except ProtocolError:
        return
    assert survivors <= set(given_rows)
    assert len(given_rows) == len(set(given_rows))


@pytest.mark.parametrize("system", SUBJECTS)
def test_a_bookmark_stays_where_the_newest_record_is_deleted(system: str, tmp_path: Path) -> None:
    subject, history = SUBJECTS[system], History(tmp_path / "history.jsonl")
    with subject.start(12) as crm:
        watched = Watched(crm, subject, history, {})
        first, second, *_ = watched.rows
        crm.clock.advance(86_400)
        watched.edit(first, "changed")
        crm.clock.advance(30)
        watched.edit(second, "changed last")
        config = {**subject.config(crm), "entities": [subject.entity]}
        before = read_run(history, "tap 1", subject, config)
        watched.delete(second)
        after = read_run(history, "tap 2", subject, config, before)
    history.close()
    reached = [each["bookmarks"][subject.entity].get("replication_key_value", "") for each in (before, after)]
    assert reached == sorted(reached)


@pytest.mark.parametrize("system", ["vtiger", "alfacrm", "intouch"])
def test_what_did_not_change_is_not_given_again(system: str, tmp_path: Path) -> None:
    """The overlap reaches to the middle of the minute in which a record was changed."""
    subject, path = SUBJECTS[system], tmp_path / "history.jsonl"
    history = History(path)
    with subject.start(12) as crm:
        watched = Watched(crm, subject, history, {})
        first, second, *_ = watched.rows
        crm.clock.advance(86_400 + (50 - crm.clock.now().second) % 60)
        watched.edit(first, "changed")
        crm.clock.advance(30)
        watched.edit(second, "changed last")
        config = {**subject.config(crm), "entities": [subject.entity], "lookback_seconds": 60}
        state = read_run(history, "tap 1", subject, config)
        read_run(history, "tap 2", subject, config, state)
    given_again = [each for each in history.close() if (each.who, each.do) == ("tap 2", "read")]
    assert given_again == []


stamps = st.lists(st.tuples(st.integers(-(10**6), 10**4), st.integers(0, 1000)), max_size=20)


@SOME
@given(stamps)
def test_a_bookmark_only_moves_on_and_never_past_what_was_shown(shown: list[tuple[int, int]]) -> None:
    started = datetime(2026, 1, 1, tzinfo=timezone.utc)
    noted, before = Shown(started), None
    for seconds, elapsed in shown:
        noted.note(started + timedelta(seconds=seconds), timedelta(seconds=elapsed))
        assert noted.bookmark is None or noted.bookmark <= started
        assert before is None or (noted.bookmark is not None and noted.bookmark >= before)
        before = noted.reached
    latest = [started + timedelta(seconds=seconds - elapsed) for seconds, elapsed in shown]
    within = [each for each in latest if each <= started]
    assert noted.reached == max(within, default=None)
