"""The ledger: what it keeps apart, what it refuses, and many threads."""

from __future__ import annotations

import stat
import threading
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from crm_systems.errors import ConfigError
from target_crm.ledger import Create, Intent, Ledger, Link, TakenMeanwhile, Written, digest
from target_crm.ledger.database import Database
from target_crm.ledger.twins import Other

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AT = datetime(2026, 11, 21, 12, 0, 1, tzinfo=timezone.utc)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger", destination="d", source="s")
    yield opened
    opened.close()


def intent(key: str = "1", **sent: Any) -> Intent:
    return Intent("stream", key, "Contacts", AT, sent)


def test_it_remembers_over_runs_and_keeps_origins_apart(ledger: Ledger, tmp_path: Path) -> None:
    written = Written("Contacts", "12x1", "d1", {"lastname": ("a", "b")})
    ledger.note("stream", "1", written)
    ledger.note("stream", "1", Written("Contacts", "12x1", "d2", {"lastname": ("a", "b")}))
    url = f"sqlite:///{tmp_path}/ledger"
    for destination, source, expected in (("d", "s", "d2"), ("other", "s", None), ("d", "other", None)):
        opened = Ledger(url, destination=destination, source=source)
        found = opened.written("stream", "1")
        assert (found.digest if found else None) == expected
        assert opened.written("another", "1") is None
        opened.close()


def test_an_intent_is_replaced_by_what_was_written(ledger: Ledger) -> None:
    ledger.intents.note(
        [Create(intent(lastname="Müller", amount=Decimal("1.50"), several=["a", "b"], nothing=None), None)]
    )
    found = ledger.intents.of("stream")
    assert found == [intent(lastname="Müller", amount="1.5", several=["a", "b"], nothing=None)]
    assert ledger.intents.of("another") == []
    ledger.note("stream", "1", Written("Contacts", "12x1", "d"))
    assert ledger.intents.of("stream") == []


def test_a_record_of_another_kind_with_the_same_ids_is_no_twin(ledger: Ledger, tmp_path: Path) -> None:
    there = Ledger(f"sqlite:///{tmp_path}/ledger", destination="s", source="d")
    there.note("groups", "5", Written("groups", "7", "x"))
    there.note("people", "6", Written("customers", "7", "x"))
    there.close()
    ledger.pair_with(Other(("s",), "d"))
    assert ledger.twins
    assert {key: each.crm_id for key, each in ledger.twins.known("people", "clients", ["7"], {}).items()} == {"7": "6"}
    assert ledger.twins.made("people", "clients", "5") is None


def test_an_intent_is_refused_where_another_is_open_or_something_was_written_since(ledger: Ledger) -> None:
    ledger.intents.note([Create(intent(), None)])
    with pytest.raises(TakenMeanwhile):
        ledger.intents.note([Create(intent(), None)])
    ledger.note("stream", "1", Written("Contacts", "12x1", "d"))
    with pytest.raises(TakenMeanwhile):
        ledger.intents.note([Create(intent(), None)])
    assert ledger.intents.of("stream") == []
    ledger.intents.note([Create(intent(), "12x1")])
    assert len(ledger.intents.of("stream")) == 1


def test_only_one_of_many_threads_gets_an_intent(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger"
    ledgers = [Ledger(url, destination="d", source="s") for _each in range(4)]
    won: list[str] = []

    def race(mine: Ledger) -> None:
        for number in range(20):
            try:
                mine.intents.note([Create(intent(str(number)), None)])
            except TakenMeanwhile:
                continue
            won.append(str(number))
            mine.note("stream", str(number), Written("Contacts", f"12x{number}", "d"))

    _together(*(lambda mine=each: race(mine) for each in ledgers))
    assert sorted(won, key=int) == [str(number) for number in range(20)]
    for each in ledgers:
        each.close()


def test_many_threads_may_note_at_the_same_time(ledger: Ledger) -> None:
    def work(worker: int) -> None:
        for number in range(25):
            key = f"{worker}-{number}"
            ledger.intents.note([Create(intent(key), None)])
            ledger.note("stream", key, Written("Contacts", key, "d"))
            ledger.links.leave("stream", key, ["f"], [Link("stream", key, "f", ("Accounts",), "a")])

    _together(*(lambda worker=worker: work(worker) for worker in range(6)))
    ids = {f"{worker}-{number}" for worker in range(6) for number in range(25)}
    assert ledger.keys_of("Contacts", ids) == ids
    assert len(ledger.links.to(["a"])) == 150


def _together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_note_that_leaves_meanwhile_does_not_come_after_a_newer_one(ledger: Ledger) -> None:
    older, newer, notes = Written("Contacts", "12x1", "older"), Written("Contacts", "12x1", "newer"), ledger._notes
    taken, go_on = threading.Event(), threading.Event()
    leave, lock = notes._leave, notes._lock

    def leave_late(write: Callable[[], None]) -> None:
        taken.set()
        assert go_on.wait(30)
        leave(write)

    class Lock:
        """Lets another thread take what waits at the last moment before it is looked at."""

        def __enter__(self) -> None:
            if threading.current_thread() is threading.main_thread() and not taken.is_set():
                notes._lock = lock
                other.start()
                assert taken.wait(30)
                threading.Timer(0.05, go_on.set).start()
            lock.acquire()

        def __exit__(self, *_exc: object) -> None:
            lock.release()

    ledger.note("stream", "1", older, later=True)
    other = threading.Thread(target=ledger.flush)
    notes._leave, notes._lock = leave_late, Lock()  # type: ignore[assignment]
    ledger.note("stream", "1", newer)
    other.join()
    assert ledger.written("stream", "1") == newer


def test_references_are_found_in_the_entities_that_they_may_point_to(ledger: Ledger) -> None:
    ledger.note("accounts", "1", Written("Accounts", "11x1", "d"))
    ledger.note("contacts", "1", Written("Contacts", "12x1", "d"))
    assert ledger.pointed_to.ids_of(("Accounts",), "1") == ["11x1"]
    assert sorted(ledger.pointed_to.ids_of((), "1")) == ["11x1", "12x1"]
    assert ledger.pointed_to.ids_of(("Leads",), "1") == []
    assert ledger.pointed_to.ids_of(("Accounts",), "2") == []


def test_open_links_are_replaced_field_by_field(ledger: Ledger) -> None:
    first, second = (Link("s", "1", name, ("Accounts",), "a") for name in ("x", "y"))
    ledger.links.leave("s", "1", ["x", "y"], [first, second])
    assert ledger.links.to() == [first, second]
    ledger.links.leave("s", "1", ["x"], [])
    assert ledger.links.to(["a"]) == [second]
    ledger.links.close(second)
    assert ledger.links.to() == []


def test_what_was_deleted_is_forgotten_altogether(ledger: Ledger) -> None:
    ledger.note("s", "1", Written("Contacts", "12x1", "d"))
    ledger.links.leave("s", "1", ["x"], [Link("s", "1", "x", (), "a")])
    ledger.forget("s", "1")
    assert (ledger.written("s", "1"), ledger.links.to(), ledger.intents.of("s")) == (None, [], [])


def test_errors_of_the_database_repeat_no_value(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"no database at all" * 500)
    tries: list[Callable[[], object]] = [
        lambda: ledger.note("s", "secret", Written("C", "secret", "d")),
        lambda: ledger.written("s", "secret"),
    ]
    for broken in tries:
        with pytest.raises(
            ConfigError, match=r"The ledger cannot be (written|read) \((SQLITE_NOTADB|DatabaseError)\)"
        ) as caught:
            broken()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_the_file_is_for_its_owner_only(tmp_path: Path, url: str) -> None:
    with closing(Ledger(url.format(tmp_path / "ledger"), destination="d", source="s")) as ledger:
        ledger.intents.note([Create(intent(lastname="Müller"), None)])
    assert stat.S_IMODE((tmp_path / "ledger").stat().st_mode) == 0o600


def test_a_digest_is_of_the_value_not_of_its_spelling() -> None:
    assert digest(Decimal("1.50")) == digest(Decimal("1.5")) != digest(Decimal("1.51"))
    assert digest(Decimal(100)) == digest(Decimal("1E+2")) == digest(Decimal("100.00"))
    assert digest({"a": 1, "b": None}) == digest({"b": None, "a": 1}) != digest({"a": 1})
    assert digest(Decimal("12345678901234567890123456789012.5")) != digest(
        Decimal("12345678901234567890123456789012.6")
    )
    assert digest("a\ud800b")


def test_what_postgresql_ends_for_a_deadlock_is_done_anew(tmp_path: Path) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    tries = iter(range(10))

    def work(db: sa.Connection) -> int:
        turn = next(tries)
        if turn < 2:
            raise sa.exc.OperationalError("", {}, Deadlock())
        return int(db.execute(sa.text("SELECT 7")).scalar_one())

    database = Database(f"sqlite:///{tmp_path}/ledger", lambda _sentence: None)
    assert database.write(work) == 7
    tries = iter([0] * 10)
    with pytest.raises(ConfigError):
        database.write(work)
    database.close()
