"""Workers take one record after the other: in turn where they may be the same one, and told in their order."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from target_crm.outcome import Action, Outcome
from target_crm.workers import AHEAD, Workers
from tests.target_crm.writing import pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def outcome(key: str) -> Outcome:
    return Outcome(Action.CREATE, key)


def test_one_that_is_slow_stops_nobody_and_order_is_kept() -> None:
    workers, told, go_on = Workers(2), list[str](), threading.Event()
    fast = [threading.Event() for _each in range(2 * AHEAD - 1)]

    def slow() -> Outcome:
        assert go_on.wait(30)
        return outcome("slow")

    def quick(number: int) -> Outcome:
        fast[number].set()
        return outcome(str(number))

    workers.begin(("slow",), slow, lambda each: told.append(each.key))
    workers.in_turn(lambda: told.append("state"))
    for number in range(len(fast)):
        workers.begin((str(number),), partial(quick, number), lambda each: told.append(each.key))
    assert all(each.wait(30) for each in fast)
    assert told == []
    go_on.set()
    workers.finish()
    assert told == ["slow", "state", *map(str, range(len(fast)))]
    workers.stop()


def test_while_answers_come_at_once_there_are_no_threads() -> None:
    at_once, told = [False], list[str]()
    workers = Workers(4, answers_at_once=lambda: at_once[0])
    threads = dict[str, threading.Thread]()

    def write(key: str) -> Outcome:
        threads[key] = threading.current_thread()
        return outcome(key)

    for number in range(8):
        at_once[0] = number in {3, 4, 7}
        workers.begin((str(number),), partial(write, str(number)), lambda each: told.append(each.key))
    assert told == [*map(str, range(8))]
    assert {key for key, each in threads.items() if each is threading.current_thread()} == {"3", "4", "7"}
    workers.stop()


def test_nobody_is_idle_while_more_is_to_come() -> None:
    idle, done = list[str](), threading.Event()
    workers = Workers(2, lambda: idle.append("idle"))

    def write() -> Outcome:
        done.set()
        return outcome("1")

    with workers.more_comes():
        workers.begin(("1",), write, lambda _each: None)
        assert done.wait(30)
        workers.finish()
        assert idle == []
    assert idle == ["idle"]
    workers.begin(("1",), write, lambda _each: None)
    workers.finish()
    assert idle == ["idle"] * 2
    workers.stop()


def test_those_that_may_be_the_same_one_are_written_in_turn() -> None:
    workers, begun = Workers(4), list[int]()

    def write(number: int) -> Outcome:
        begun.append(number)
        return outcome(str(number))

    for number in range(50):
        workers.begin(("same", str(number)), partial(write, number), lambda _each: None)
    assert workers.is_busy_with(["49"]) or begun[-1] == 49
    workers.finish()
    assert begun == list(range(50))
    assert not workers.is_busy_with(["same"])
    workers.stop()


def test_after_an_error_nothing_more_is_begun() -> None:
    workers, begun = Workers(2), list[int]()

    def write(number: int) -> Outcome:
        begun.append(number)
        if not number:
            raise SystemExit("enough")
        return outcome(str(number))

    def feed() -> None:
        for number in range(1000):
            workers.begin((str(number),), partial(write, number), lambda _each: None)

    with pytest.raises(SystemExit, match="enough"):
        feed()
    seen = len(begun)
    assert seen <= 2 * AHEAD + 2
    workers.finish()
    assert len(begun) == seen


def people(count: int) -> list[dict[str, str]]:
    return [{"id": str(n), "lastname": f"P{n}", "email": f"p{n}@example.com"} for n in range(count)]


@pytest.mark.parametrize("parallel", [1, 4])
def test_an_upsert_by_e_mail_asks_for_many_at_once(crm: VtigerSimulator, tmp_path: Path, parallel: int) -> None:
    config = settings(crm, tmp_path, identify_by=["email"], parallel_requests=parallel)
    assert run(config, pipe("Contacts", people(120))).exit == ""
    assert len(stored(crm, "Contacts", lastname="P7")) == 1
    crm.calls.clear()
    changed = [{**each, "phone": "7"} if each["id"] in {"3", "77"} else each for each in people(120)]
    result = run(config, pipe("Contacts", changed))
    assert result.line("Contacts") == "Contacts → Contacts: 2 update, 118 unchanged"
    assert len([call for call in crm.calls if " in (" in call.query.get("query", "")]) == 2
    assert len(writes(crm)) == 2
    # By id, too.
    ids = [{**each, "id": stored(crm, "Contacts", lastname=each["lastname"])[0]["id"]} for each in changed]
    crm.calls.clear()
    by_id = settings(crm, tmp_path, identify_by="id", parallel_requests=parallel)
    assert run(by_id, pipe("Contacts", ids)).line("Contacts") == "Contacts → Contacts: 120 unchanged"
    assert len(crm.calls) < 40


@pytest.mark.parametrize("parallel", [1, 4])
def test_what_was_looked_up_before_another_wrote_it_is_looked_up_again(
    crm: VtigerSimulator, tmp_path: Path, parallel: int
) -> None:
    config = settings(crm, tmp_path, identify_by=["email"], parallel_requests=parallel)
    twice = [each | {"email": each["email"].upper(), "id": f"{each['id']}b"} for each in people(30)]
    result = run(config, pipe("Contacts", [*people(30), *twice]))
    assert result.exit == ""
    assert all(len(stored(crm, "Contacts", lastname=f"P{n}")) == 1 for n in range(30))


def test_one_that_several_match_is_rejected_among_others(crm: VtigerSimulator, tmp_path: Path) -> None:
    for _twice in range(2):
        crm.store.insert("Contacts", {"lastname": "P3", "email": "p3@example.com"})
    rejects = {"max_rejects": -1, "rejects_path": str(tmp_path / "rejects")}
    result = run(settings(crm, tmp_path, identify_by=["email"], **rejects), pipe("Contacts", people(6)))
    assert result.line("Contacts") == "Contacts → Contacts: 5 create, 1 reject"
    assert "2 records have the same email" in result.log


def test_the_second_of_two_that_may_be_the_same_waits_for_the_first() -> None:
    workers, go_on, order = Workers(3), threading.Event(), list[str]()

    def begin(name: str, identifier: str, work: Callable[[], object] = lambda: None) -> None:
        def write() -> Outcome:
            work()
            order.append(name)
            return Outcome(Action.UNCHANGED, name)

        workers.begin((identifier,), write, lambda _outcome: None)

    begin("first", "a", lambda: go_on.wait(10))
    begin("second", "a")
    begin("another", "b", go_on.set)
    workers.finish()
    assert order.index("first") < order.index("second")
    workers.stop()
