"""Whose an intent is: of two runs on one ledger, and of a process that has ended."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from target_crm.ledger import Create, Ledger, TakenMeanwhile, Written
from target_crm.ledger.lease import LeaseHolder
from tests.running import database
from tests.target_crm.ledger.test_ledger import intent
from tests.target_crm.writing import QuietTarget, pipe, run, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger"


@pytest.fixture
def two(url: str) -> Iterator[tuple[Ledger, Ledger]]:
    """Two runs that live."""
    runs = tuple(Ledger(url, destination="d", source="s") for _ in range(2))
    yield runs[0], runs[1]
    for each in runs:
        each.close()


def test_a_run_drops_no_intent_but_its_own(two: tuple[Ledger, Ledger]) -> None:
    mine, other = two
    mine.intents.note([Create(intent(), None)])
    other.intents.drop("stream", "1")
    assert len(mine.intents.of("stream")) == 1
    mine.intents.drop("stream", "1")
    assert mine.intents.of("stream") == []


def test_an_intent_of_a_run_that_lives_is_not_taken(two: tuple[Ledger, Ledger]) -> None:
    mine, other = two
    mine.intents.note([Create(intent(), None)])
    assert not other.intents.take(other.intents.of("stream")[0])
    mine.intents.hold("stream", "1")


def test_a_refused_create_leaves_no_intent(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.store.insert("Accounts", {"accountname": "ACME"})
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(tmp_path / "rejects"))
    assert "refuses this" in run(config, pipe("Accounts", [{"id": 1, "accountname": "Acme"}])).log
    with database(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.execute("SELECT count(*) FROM intents").fetchone() == (0,)


def holder_of_a_process_that_ended() -> LeaseHolder:
    """One that really ran."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        holder = pool.apply(LeaseHolder)
        pool.close()
        pool.join()
    return holder


def test_a_process_that_has_ended_is_gone_and_this_one_is_not() -> None:
    ended = holder_of_a_process_that_ended()
    assert ended.pid != os.getpid()
    assert ended.is_gone
    assert not LeaseHolder().is_gone
    assert not replace(ended, machine="another one").is_gone


def test_a_run_that_waits_holds_nothing_that_others_may_wait_for(two: tuple[Ledger, Ledger]) -> None:
    mine, other = two
    sent, unsent, done = (replace(intent(), key=key) for key in ("sent", "unsent", "done"))
    mine.intents.note([Create(each, None) for each in (sent, unsent, done)])
    mine.intents.hold("stream", "sent")
    mine.intents.hold("stream", "done")
    mine.note("stream", "done", Written("Contacts", "12x1", ""), later=True)
    mine.intents.step_aside()
    assert [each.key for each in other.intents.of("stream")] == ["sent"]
    assert other.written("stream", "done") == Written("Contacts", "12x1", "")
    with pytest.raises(TakenMeanwhile):
        mine.intents.hold("stream", "unsent")
    mine.intents.hold("stream", "sent")


def test_what_a_run_made_is_told_before_it_waits_for_another(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    people = [{"id": number, "lastname": f"L{number}"} for number in range(4)]
    run(config, pipe("Contacts", people[3:]))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as ledger:
        (destination,) = ledger.execute("SELECT destination FROM written").fetchone()
        other = Ledger(config["ledger_url"], destination=destination, source="default")
        other.intents.note([Create(replace(intent(), stream="Contacts", key="2"), None)])
        told = []

        class Waiting(QuietTarget):
            @staticmethod
            def sleep(seconds: float) -> None:  # noqa: ARG004 - called as sleep is
                told.append(ledger.execute("SELECT count(*) FROM written").fetchone()[0])
                other.intents.drop("Contacts", "2")

        assert run(config, pipe("Contacts", people), target=Waiting).exit == ""
        other.close()
    assert told == [3]
