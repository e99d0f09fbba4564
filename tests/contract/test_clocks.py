"""Clocks that differ: a zone that is not the CRM's, a clock that is put back or forward, times without an offset."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.egito import EgitoSimulator
from tests.contract.subjects import SUBJECTS, Subject, change, records
from tests.running import Run, discover, only, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulators.base import Simulator

ROWS = 30
QUARTERS = [-14 * 4, -5 * 4, -1, 4, 23, 14 * 4]
"""By how many quarters of an hour the clock on the CRM's wall leads that of the zone that is set."""


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(ROWS) as simulator:
        hang_clock(simulator, 0)
        yield simulator


def hang_clock(crm: Simulator, quarters: int) -> None:
    """Has the CRM write times without an offset, of a zone that leads UTC by so many quarters of an hour."""
    zone = timezone(timedelta(minutes=15 * quarters))
    crm.clock.zone = zone
    if isinstance(crm, EgitoSimulator):
        crm.switches = replace(crm.switches, dates="text", zone=zone)


MARKED = {"deletion_records": "marked"}


class Reader:
    """Reads one entity again and again, and keeps what a warehouse would hold."""

    def __init__(self, subject: Subject, crm: Simulator, **settings: Any) -> None:
        self.subject, self.crm = subject, crm
        self.config = {**subject.config(crm), "entities": [subject.entity], "timezone": "UTC", **MARKED, **settings}
        self.catalog = only(discover(self.config), subject.entity)
        self.state: dict[str, Any] | None = None
        self.held: dict[str, dict[str, Any]] = {}

    def run(self, **settings: Any) -> Run:
        result = run({**self.config, **settings}, catalog=self.catalog, state=self.state)
        assert result.exit == ""
        self.state = result.state
        self.last = [row for row in result.records[self.subject.entity] if not row.get("_sdc_deleted_at")]
        self.held |= {str(row["id"]): row for row in self.last}
        for row in result.records[self.subject.entity]:
            if row.get("_sdc_deleted_at"):
                self.held.pop(str(row["id"]), None)
        return result

    def edit(self, number: int, text: str) -> str:
        key = sorted(str(row["id"]) for row in records(self.crm, self.subject.entity))[number]
        change(self.crm, self.subject.entity, key, {self.subject.text: text})
        return key

    def texts(self) -> dict[str, Any]:
        return {key: row.get(self.subject.text) for key, row in self.held.items()}

    def stored(self) -> dict[str, Any]:
        rows = records(self.crm, self.subject.entity)
        return {str(row["id"]): row.get(self.subject.text) or None for row in rows}

    @property
    def bookmark(self) -> datetime:
        assert self.state
        return datetime.fromisoformat(self.state["bookmarks"][self.subject.entity]["replication_key_value"])


@pytest.mark.sweep
@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_wrong_zone_loses_nothing(subject: Subject, crm: Simulator, quarters: int) -> None:
    hang_clock(crm, quarters)
    reader = Reader(subject, crm)
    reader.run()
    for step, wait in enumerate((30, 3600, 7, 90_000)):
        crm.clock.advance(wait)
        reader.edit(3 + step, f"edit {step}")
        result = reader.run()
        assert reader.texts() == reader.stored()
        assert len(reader.last) < 8, "what was sent is not sent for ever"
        if step == 0 and quarters >= -12 * 4 and abs(quarters) > 1:
            assert result.log.count("Set `timezone`") == 1
    reader.run()
    assert reader.last == []


@pytest.mark.sweep
@pytest.mark.parametrize(("quarters", "name"), [(-20, "UTC-05:00"), (8, "UTC+02:00"), (23, "UTC+05:45")])
def test_the_zone_that_would_fit_is_named(subject: Subject, crm: Simulator, quarters: int, name: str) -> None:
    hang_clock(crm, quarters)
    reader = Reader(subject, crm)
    reader.run()
    reader.edit(1, "changed")
    assert name in reader.run().log


def test_a_right_zone_is_not_doubted(subject: Subject, crm: Simulator) -> None:
    reader = Reader(subject, crm)
    for number, wait in enumerate((0, 5, 7200, 100_000)):
        crm.clock.advance(wait)
        reader.edit(number, f"edit {number}")
        crm.clock.advance(wait)
        assert "time zone" not in reader.run().log
    assert reader.texts() == reader.stored()


def test_an_old_state_whose_zone_is_wrong_loses_nothing(subject: Subject, crm: Simulator) -> None:
    """The bookmark was the server's clock once; the stamps lie hours behind it."""
    hang_clock(crm, -12)
    reader = Reader(subject, crm)
    reader.run()
    old = {
        "replication_key": reader.state["bookmarks"][subject.entity]["replication_key"],  # type: ignore[index]  # a read leaves a state
        "replication_key_value": crm.clock.now().replace(microsecond=0).isoformat(),
        "overlap": [],
    }
    reader.state = {"bookmarks": {subject.entity: old}}
    for step in range(3):
        crm.clock.advance(100)
        reader.edit(step, f"edit {step}")
        reader.run()
        assert reader.texts() == reader.stored()
    reader.run()
    assert reader.last == []


@pytest.mark.sweep
@pytest.mark.parametrize("hours", [-30, -3, -1, 2, 50])
def test_a_clock_that_is_moved_between_runs(subject: Subject, crm: Simulator, hours: int) -> None:
    reader = Reader(subject, crm)
    reader.edit(0, "before")
    reader.run()
    crm.clock.advance(hours * 3600)
    reader.edit(1, "after")
    crm.clock.advance(600)
    result = reader.run()
    assert reader.texts() == reader.stored()
    assert ("ahead of the server's clock" in result.log) is (hours < 0)
    assert reader.bookmark <= crm.clock.now()
    reader.edit(2, "later")
    reader.run()
    assert reader.texts() == reader.stored()
    assert len(reader.last) <= 2


@pytest.mark.sweep
@pytest.mark.parametrize("zones", [("UTC", "Etc/GMT-5"), ("Etc/GMT+5", "Etc/GMT-5"), ("Etc/GMT-5", "UTC")])
def test_a_zone_that_is_set_anew_loses_nothing(subject: Subject, crm: Simulator, zones: tuple[str, str]) -> None:
    before, after = zones
    reader = Reader(subject, crm)
    for step, zone in enumerate((before, before, after, after)):
        crm.clock.advance(3600)
        reader.edit(3 + step, f"edit {step}")
        result = reader.run(timezone=zone)
        assert reader.texts() == reader.stored()
        assert zone != "UTC" or "Set `timezone`" not in result.log
    reader.run(timezone=after)
    assert reader.last == []


def test_a_start_date_without_an_offset_is_the_crms(subject: Subject, crm: Simulator) -> None:
    hang_clock(crm, 8)
    crm.clock.advance(86_400)
    wall = crm.clock.on_the_wall(timezone.utc).replace(second=0, microsecond=0)
    reader = Reader(subject, crm, timezone="Etc/GMT-2", start_date=f"{wall:%Y-%m-%dT%H:%M}:00")
    key = reader.edit(0, "changed")
    reader.run()
    assert [str(row["id"]) for row in reader.last] == [key]
    with_offset = Reader(subject, crm, timezone="Etc/GMT-2", start_date=f"{wall:%Y-%m-%dT%H:%M}:00+02:00")
    with_offset.run()
    assert [str(row["id"]) for row in with_offset.last] == [key]


def test_a_start_date_in_the_future_is_said_and_loses_nothing(subject: Subject, crm: Simulator) -> None:
    reader = Reader(subject, crm, start_date="2199-01-01")
    assert "`start_date` lies in the future" in reader.run().log
    crm.clock.advance(120)
    key = reader.edit(0, "changed")
    reader.run()
    assert [str(row["id"]) for row in reader.last] == [key]


def test_a_bookmark_from_the_future_reads_all(subject: Subject, crm: Simulator) -> None:
    reader = Reader(subject, crm)
    reader.run()
    key = reader.state["bookmarks"][subject.entity]["replication_key"]  # type: ignore[index]  # a read leaves a state
    made = {"replication_key": key, "replication_key_value": "2199-01-01T00:00:00"}
    reader.state, reader.held = {"bookmarks": {subject.entity: made}}, {}
    assert "ahead of the server's clock" in reader.run().log
    assert reader.texts() == reader.stored()


@pytest.mark.parametrize("quarters", [-20, 20])
def test_a_wrong_zone_loses_no_deletion(quarters: int) -> None:
    """Where deletions stand in a log, their stamps are of the clock on the wall as well."""
    subject = SUBJECTS["alfacrm"]
    with subject.start(ROWS) as crm:
        hang_clock(crm, quarters)
        reader = Reader(subject, crm)
        reader.run()
        for number in range(3):
            crm.clock.advance(300)
            crm.delete("customer", sorted(row["id"] for row in records(crm, "customer"))[number])  # type: ignore[attr-defined]  # alfaCRM's own
            reader.run()
            assert reader.texts() == reader.stored()


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(4))
def test_random_histories_lose_nothing_in_any_zone(subject: Subject, crm: Simulator, seed: int) -> None:
    chance = Random(f"{seed} {subject.entity}")
    hang_clock(crm, chance.randint(-14 * 4, 14 * 4))
    reader, reached = Reader(subject, crm), None
    for step in range(6):
        for _ in range(chance.randint(0, 3)):
            crm.clock.advance(chance.choice([0, 20, 4000, 50_000]))
            reader.edit(chance.randrange(ROWS), f"edit {step} {chance.random()}")
        crm.clock.advance(chance.choice([0, 70, 9000]))
        reader.run()
        assert reader.texts() == reader.stored()
        assert reached is None or reader.bookmark >= reached
        reached = reader.bookmark
