"""What the CRM had shown before a create, and what can be told from it afterwards."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from crm_simulators.base import Fault
from crm_systems.errors import Denied
from crm_systems.model import Entity, Field, Kind
from target_crm.ledger import Snapshot
from target_crm.writing.creation.snapshots import DISORDER, Snapshots
from target_crm.writing.finding import Existing
from tests.contract.subjects import SUBJECTS
from tests.contract.test_lost_answers import incoming, killed, load, there
from tests.running import database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_systems.client import Client

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
ENTITY = Entity("Lead", (Field("id", Kind.STRING),), creation_key="created", replication_key="modified")


class Looks:
    """A client and a system that count how often all is listed."""

    def __init__(self, *ids: str, highest: int | None = None) -> None:
        self.there, self.times, self.highest = [*ids], 0, highest
        self.now = 0.0
        self.system = SimpleNamespace(highest=lambda *_given: self.highest, ids=self._ids)

    def call(self, request: Any) -> None:
        raise AssertionError

    def clock(self) -> float:
        return self.now

    def server_time(self) -> datetime:
        return AT

    def _ids(self, *_given: Any) -> Iterator[str]:
        self.times += 1
        yield from self.there

    def snapshots(self) -> Snapshots:
        return Snapshots(cast("Client", self), ENTITY)


def made(crm_id: str, created: str | None = None) -> Existing:
    return Existing(crm_id, {}, {"created": created})


def test_what_was_listed_before_is_old_and_all_else_is_new() -> None:
    before = Looks("7", "9").snapshots().before()
    assert [before.tells_new(each) for each in ("7", "8", "9", "10", "x")] == [False, True, False, True, True]


def test_where_ids_grow_the_highest_says_it_all() -> None:
    snapshots = Looks(highest=9).snapshots()
    assert [snapshots.before().tells_new(each) for each in ("8", "9", "12x10", "x")] == [False, False, True, False]
    snapshots.note(made("12", "2026-02-01T00:00:00+00:00"), snapshots.before())
    assert snapshots.before().tells_new("12") is False
    assert snapshots.before().since == datetime(2026, 2, 1, tzinfo=timezone.utc) - DISORDER


def test_the_highest_id_is_asked_for_again_after_a_while() -> None:
    looks = Looks(highest=9)
    snapshots = looks.snapshots()
    for highest, seconds, expected in ((20, 5, 9), (20, 11, 20)):
        assert snapshots.before()
        looks.highest, looks.now = highest, seconds
        assert snapshots.before().highest == expected


def test_after_a_create_an_id_that_was_not_listed_and_is_not_the_highest_tells_nothing() -> None:
    looks = Looks("7", "9")
    snapshots = looks.snapshots()
    snapshots.note(made("12"), snapshots.before())
    assert [snapshots.before().tells_new(each) for each in ("9", "10", "12", "13")] == [False, None, None, True]
    assert looks.times == 1


@pytest.mark.parametrize("odd", ["8", "6f9a"])
def test_where_ids_do_not_grow_all_is_listed_before_each_create(odd: str) -> None:
    looks = Looks("7", "9", highest=9)
    snapshots = looks.snapshots()
    for number in range(3):
        before = snapshots.before()
        snapshots.note(made(odd), before)
        looks.there.append(odd)
        assert looks.times == number
    assert snapshots.before().tells_new(odd) is False
    assert snapshots.before().tells_new("1") is True


def test_a_create_that_was_under_way_meanwhile_proves_nothing_against_growing_ids() -> None:
    looks = Looks(highest=9)
    snapshots = looks.snapshots()
    first, second = snapshots.before(), snapshots.before()
    snapshots.note(made("11"), first)
    snapshots.note(made("10"), second)
    assert (looks.times, snapshots.before().highest) == (0, 11)


def test_what_may_not_be_looked_at_tells_nothing() -> None:
    looks = Looks()

    def deny(*_given: Any) -> Iterator[str]:
        looks.times += 1
        raise Denied("no")

    looks.system.ids = deny
    snapshots = looks.snapshots()
    before = snapshots.before()
    snapshots.note(made("1"), before)
    assert snapshots.before().tells_new("1") is None
    assert looks.times == 1


def test_many_ids_are_not_kept_in_the_ledger() -> None:
    shown = Snapshot(AT, 2000, frozenset(map(str, range(2001))))
    kept = Snapshot.from_json(shown.as_json)
    assert [kept.tells_new(each) for each in ("2001", "2000", "x")] == [True, None, None]
    few = Snapshot(AT, 2, frozenset({"1", "2"}))
    assert Snapshot.from_json(few.as_json) == few


def test_what_cannot_be_told_is_said_and_neither_taken_nor_created(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("target_crm.ledger.entries.IDS_KEPT", 0)
    subject = SUBJECTS["alfacrm"]
    with subject.start(3) as crm:
        load(subject, crm, tmp_path / "stranger", incoming(subject))
        stranger = there(subject, crm)[0]
        killed(subject, crm, tmp_path / "ledger", Fault.REFUSED)
        for _turn in range(2):
            result = load(subject, crm, tmp_path / "ledger", incoming(subject))
            assert f"whether it made {stranger['id']} cannot be told" in result.exit
            assert there(subject, crm) == [stranger]
        with database(tmp_path / "ledger") as db:
            db.execute("DELETE FROM intents")
        assert load(subject, crm, tmp_path / "ledger", incoming(subject)).exit == ""
        assert len(there(subject, crm)) == 2
