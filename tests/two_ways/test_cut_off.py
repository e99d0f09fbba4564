"""Two ways where a write of one pipeline was cut off or refused, and the other goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from target_crm.writing.creation.creator import LOOK_SECONDS
from tests.target_crm.writing import QuietTarget, run
from tests.two_ways.machine import is_write
from tests.two_ways.scene import ANN, lower_cased, scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def test_a_cut_value_never_comes_back_even_if_the_pipeline_was_killed_before_it_noted_it(tmp_path: Path) -> None:
    long = "a name that is longer than the forty characters that fit"
    with scene(tmp_path, "intouch", "vtiger") as both:
        both.a.edit(both.twin(both.a), "first_name", long)
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        both.go(both.to_a)
        assert both.one(both.b)["first_name"] == long[:40]
        assert both.one(both.a)["first_name"] == long
        both.go()
        assert both.one(both.a)["first_name"] == long


def test_a_create_that_was_cut_off_is_not_made_again_by_the_other_pipeline(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        both.a.create({**ANN, "first_name": "Bob"})
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        assert len(both.b.people()) == 2
        assert "run that pipeline first" in both.to_a.write(both.to_a.read())
        assert len(both.a.people()) == 2
        both.go()
        both.go()
        assert len(both.a.people()) == len(both.b.people()) == 2


def test_a_create_that_was_cut_off_is_found_whatever_the_crm_made_of_it(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        lower_cased(both.b)
        both.a.create({**ANN, "first_name": "Bob", "email": "Bob@Example.com"})
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        both.go()
        both.go()
        assert len(both.a.people()) == len(both.b.people()) == 2
        assert {each["email"] for each in both.a.people().values()} == {"ann@example.com", "Bob@Example.com"}


def test_an_edit_of_a_record_that_a_killed_run_made_is_not_left_behind_unseen(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        both.a.create({**ANN, "first_name": "Bob"})
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        both.b.simulator.clock.advance(1)
        both.b.edit(both.twin_of("Bob", both.b), "note", "theirs")
        both.go(both.to_b)
        assert [(each["field"], each["theirs"], each["done"]) for each in both.to_b.conflicts()] == [
            ("description", "theirs", "written")
        ]
        both.go()
        assert {each["note"] for side in (both.a, both.b) for each in side.people().values()} == {"first"}


def put_back(ledger: sqlite3.Connection, table: str, row: Sequence[Any]) -> None:
    ledger.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def test_a_create_of_the_other_pipeline_is_waited_for(tmp_path: Path) -> None:
    with scene(tmp_path) as both, closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as ledger:
        bob = both.a.create({**ANN, "first_name": "Bob"})
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        coming = both.to_a.read()
        intent = ledger.execute("SELECT * FROM intents").fetchone()
        both.go(both.to_b)
        written = ledger.execute("SELECT * FROM written WHERE key = ?", [bob]).fetchone()
        # As it was while that run lasted, on another machine.
        ledger.execute("DELETE FROM written WHERE key = ?", [bob])
        put_back(ledger, "intents", intent)
        holder = intent[-3].replace('"machine": "', '"machine": "another ')
        ledger.execute("UPDATE intents SET lease_until = lease_until + 1000, holder = ?", [holder])

        class Waits(QuietTarget):
            @staticmethod
            def sleep(seconds: float) -> None:
                # The other run ends meanwhile.
                if seconds == LOOK_SECONDS and ledger.execute("DELETE FROM intents").rowcount:
                    put_back(ledger, "written", written)

        assert run(both.to_a.settings, coming, target=Waits).exit == ""
        assert len(both.a.people()) == len(both.b.people()) == 2


@pytest.mark.parametrize("moment", [Fault.LOST_ANSWER, Fault.REFUSED])
def test_what_a_crm_makes_of_a_value_never_comes_back_from_a_write_that_was_cut_off(
    tmp_path: Path, moment: Fault
) -> None:
    with scene(tmp_path) as both:
        lower_cased(both.b)
        both.a.edit(both.twin(both.a), "email", "Ann@Nova.example")
        both.to_b.write_and_die(both.to_b.read(), 1, moment, is_write)
        for _edit in range(2):
            # Meanwhile, what another field holds comes over, and is not in the way.
            both.b.simulator.clock.advance(1)
            both.b.edit(both.twin(both.b), "note", f"edit {_edit}")
            both.go(both.to_a)
            assert (both.one(both.a)["email"], both.one(both.a)["note"]) == ("Ann@Nova.example", f"edit {_edit}")
        both.go()
        assert both.one(both.b)["email"] == "ann@nova.example"
        assert both.one(both.a)["email"] == "Ann@Nova.example"


def test_what_was_taken_back_after_a_write_that_was_cut_off_does_not_come_back(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        lower_cased(both.b)
        both.a.edit(both.twin(both.a), "email", "Ann@Nova.example")
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.LOST_ANSWER, is_write)
        both.a.simulator.clock.advance(1)
        both.a.edit(both.twin(both.a), "email", ANN["email"])
        both.b.edit(both.twin(both.b), "note", "theirs")
        both.go(both.to_b)
        told = [(each["theirs"], each["done"]) for each in both.to_b.conflicts()]
        assert sorted(told) == [("ann@nova.example", "written"), ("theirs", "written")]
        both.go()
        assert {each["email"] for side in (both.a, both.b) for each in side.people().values()} == {ANN["email"]}


def test_a_value_that_came_over_after_a_write_that_was_cut_off_does_not_come_back(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        lower_cased(both.b)
        both.b.edit(both.twin(both.b), "note", "theirs")
        both.to_a.write_and_die(both.to_a.read(), 1, Fault.REFUSED, is_write)
        both.a.edit(both.twin(both.a), "email", "Ann@Nova.example")
        both.go(both.to_b)
        both.go()
        assert (both.one(both.a)["email"], both.one(both.a)["note"]) == ("Ann@Nova.example", "theirs")


def test_a_write_that_was_refused_leaves_the_other_side_to_its_own_edits(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        both.a.edit(both.twin(both.a), "last_name", "")
        both.to_b.write(both.to_b.read())
        both.b.simulator.clock.advance(1)
        both.b.edit(both.twin(both.b), "last_name", "Novak")
        both.go(both.to_a)
        assert both.one(both.a)["last_name"] == "Novak"


def test_who_was_met_by_a_write_that_was_cut_off_comes_together(tmp_path: Path) -> None:
    with scene(tmp_path, identify_by=["ledger", "email"]) as both:
        bob = {**ANN, "first_name": "Bob", "email": "bob@example.com"}
        ours, theirs = both.a.create(bob), both.b.create({**bob, "first_name": "BOB"})
        both.to_b.write_and_die(both.to_b.read(), 1, Fault.REFUSED, is_write)
        both.go(both.to_a)
        both.go()
        assert both.a.people()[ours] == both.b.people()[theirs]


def test_who_was_met_by_a_write_that_was_refused_is_met_again(tmp_path: Path) -> None:
    with scene(tmp_path, identify_by=["ledger", "email"]) as both:
        bob = {**ANN, "first_name": "Bob", "email": "bob@example.com"}
        both.a.create(bob)
        theirs = both.b.create({**bob, "first_name": "BOB"})
        simulator: Any = both.b.simulator
        answer = simulator.answer
        denied = Answer(b'{"success": false, "error": {"code": "ACCESS_DENIED", "message": "not now"}}')
        simulator.answer = lambda call: denied if is_write(call) else answer(call)
        both.go(both.to_b)
        simulator.answer = answer
        both.a.state = None
        both.go(both.to_b)
        assert [(each["field"], each["theirs"]) for each in both.to_b.conflicts()] == [("firstname", "BOB")]
        assert both.b.people()[theirs]["first_name"] == "Bob"
