"""Pace, walks that are read side by side, and the logins they share."""

from __future__ import annotations

import threading
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from crm_systems.client.dividing import Begun, Divisions
from crm_systems.client.shared import Pace
from crm_systems.errors import Rejected
from crm_systems.model import Page, Request
from crm_systems.paging import Divisible
from tests.running import Time, client_for, discover, only, operation, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_systems.client import Client
    from crm_systems.model import Walk

READ = Request("GET", "Modules: list", query={"operation": "listtypes"})


@pytest.fixture
def server() -> Iterator[VtigerSimulator]:
    """A small Vtiger."""
    with VtigerSimulator(rows=10) as simulator:
        yield simulator


def test_the_pace() -> None:
    time = Time()
    pace = Pace(4.0, time.clock, time.sleep)
    sent = []
    for _ in range(9):
        pace.wait()
        sent.append(time.now)
    assert [after - before for before, after in pairwise(sent)] == [0.25] * 8
    time.now += 100
    pace.wait()
    pace.wait()
    assert time.slept[-1] == 0.25, "a pause is no credit"


def test_the_pace_holds_for_all_threads_together(server: VtigerSimulator) -> None:
    time = Time()
    settings = {**server.config(), "requests_per_second": 2.0, "parallel_requests": 4}
    with client_for(settings, clock=time.clock, sleep=time.sleep) as client:
        list(client.map(lambda _item: client.call(READ), range(10)))
        requests = client.traffic.requests
        assert time.now - 1000 >= (requests - 1) / 2


def walk_of(number: int, read: Callable[[int], None]) -> Any:
    """A walk of three pages that say which walk it is."""

    def walk(_call: Any) -> Iterator[Page]:
        for page in range(3):
            read(number)
            yield Page([{"id": f"{number}x{page}"}])

    return walk


def pages_of(client: Client, walks: Iterable[Walk]) -> list[Page]:
    """All pages of the walks."""
    reading = client.read(lambda: walks)
    reading.begin()
    return list(reading)


@pytest.mark.parametrize("parallel", [1, 3])
def test_walks_are_read_side_by_side_and_each_in_order(server: VtigerSimulator, parallel: int) -> None:
    at_once, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(parallel, timeout=5)

    def read(number: int) -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        if number < parallel:
            gate.wait()
        with lock:
            at_once[0] -= 1

    with client_for({**server.config(), "parallel_requests": parallel}) as client:
        pages = pages_of(client, (walk_of(number, read) for number in range(7)))
    found = [page.rows[0]["id"] for page in pages]
    assert sorted(found) == [f"{walk}x{page}" for walk in range(7) for page in range(3)]
    for walk in range(7):
        assert [each for each in found if each.startswith(f"{walk}x")] == [f"{walk}x{page}" for page in range(3)]
    assert most[0] == parallel


def test_only_a_slow_server_is_read_by_threads(server: VtigerSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_systems.client.shared.AT_ONCE", 10.0)
    places, names = count(), {}

    def read(_number: int) -> None:
        place = next(places)
        names[place] = threading.current_thread().name
        if place in {5, 50}:
            client.traffic.took.extend([99.0 if place == 5 else 0.0] * 8)

    with client_for({**server.config(), "parallel_requests": 4}) as client:
        pages = pages_of(client, (walk_of(number, read) for number in range(40)))
    assert len({page.rows[0]["id"] for page in pages}) == len(pages) == 120
    mine, others = {threading.current_thread().name}, {"crm-reader"}
    assert {names[place] for place in range(6)} == mine
    assert {names[place] for place in range(6, 50)} == others
    assert {names[place] for place in range(70, 120)} == mine, "it has become quick"


def test_a_quick_server_sees_one_login(server: VtigerSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_systems.client.shared.AT_ONCE", 10.0)
    catalog = only(discover(server.config()), "Contacts", "Leads")
    server.calls.clear()
    result = run({**server.config(), "parallel_requests": 8}, catalog=catalog)
    assert result.exit == ""
    assert result.records.keys() == {"Contacts", "Leads"}
    assert [operation(call) for call in server.calls].count("login") == 1


def test_a_page_goes_on_before_the_next_is_read(server: VtigerSimulator) -> None:
    taken = threading.Event()
    read: list[int] = []

    def wait(number: int) -> None:
        read.append(number)
        assert len(read) == 1 or taken.wait(5)

    with client_for({**server.config(), "parallel_requests": 4}) as client:
        reading = client.read(lambda: [walk_of(0, wait)])
        reading.begin()
        for _page in reading:
            taken.set()
    assert len(read) == 3


def test_an_error_in_one_walk_ends_all(server: VtigerSimulator) -> None:
    def broken(_call: Any) -> Iterator[Page]:
        raise Rejected("broken")
        yield Page([])

    walks = [walk_of(0, lambda _number: None), broken, *(walk_of(each, lambda _number: None) for each in range(50))]
    with client_for({**server.config(), "parallel_requests": 3}) as client, pytest.raises(Rejected):
        pages_of(client, walks)


class Long(Divisible):
    """A walk of some pages."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    def __call__(self, _call: Any) -> Iterator[Page]:
        yield Page([])

    @property
    def pages_left(self) -> float:
        return self._pages

    def divide(self) -> Long:
        raise AssertionError


def test_nobody_logs_in_for_a_few_pages() -> None:
    few, many = (Begun(Long(pages), lambda _request: None) for pages in (5, 6))
    divisions = Divisions()
    assert not divisions.may_divide(few, [few])
    assert divisions.may_divide(many, [many])
    divisions.note(few, Page([]), at_once=2)
    assert divisions.may_divide(few, [few]), "somebody has logged in who is free now"
    assert not divisions.may_divide(few, [few, many])


def test_logins_are_kept_and_closed(server: VtigerSimulator) -> None:
    with client_for({**server.config(), "parallel_requests": 3}) as client:
        for _ in range(5):
            list(client.map(lambda _item: client.call(READ), range(9)))
    operations = [operation(call) for call in server.calls]
    assert operations.count("login") == operations.count("logout") <= 3
