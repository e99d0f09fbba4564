"""Whatever goes wrong: one clear sentence, exit code 1, no traceback, and nothing that should stay private."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import SLOW, Answer, Fault
from crm_simulators.vtiger import Switches, VtigerSimulator
from tests.running import discover, only, run
from tests.tap_crm.leads import leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_simulators.base import Call
    from tests.running import Run

    Start = Callable[..., VtigerSimulator]

VALUE = "Confidential-Surname"


@pytest.fixture
def simulator(vtiger: Start) -> VtigerSimulator:
    """A server with some leads, one of whose values nobody may find in a log."""
    started = vtiger(rows=600)
    for row in started.store.records("Leads"):
        started.store.put(started.store.find(row["id"]), {"lastname": VALUE})
    return started


def assert_clean(result: Run, config: dict[str, Any], *sentences: str) -> None:
    """One end with these sentences, and nothing private in what people read."""
    assert result.exit
    for sentence in sentences:
        assert sentence in result.exit, result.exit
    assert "Traceback" not in result.words
    for private in (config["access_key"], VALUE, "sessionName", "operation=", "select "):
        assert private not in result.words


CREDENTIALS = [
    ({"access_key": "wrongwrongwrong1"}, "user name or access key is wrong (INVALID_USER_CREDENTIALS)"),
    ({"username": "nobody"}, "there is no such user (ACCESS_DENIED): check `username`"),
]


@pytest.mark.parametrize("flavour", VtigerSimulator.flavours)
@pytest.mark.parametrize(("wrong", "sentence"), CREDENTIALS)
def test_wrong_credentials(vtiger: Start, flavour: str, wrong: dict[str, str], sentence: str) -> None:
    config = {**vtiger(flavour).config(), **wrong}
    assert_clean(run(config), config, sentence)


def test_unknown_host_and_nobody_listening(simulator: VtigerSimulator) -> None:
    config = {**simulator.config(), "url": "http://crm.invalid"}
    assert_clean(run(config), config, "the host name is unknown: check `url` and the network.")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config["url"] = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert_clean(run(config), config, "nobody answers at the server's address: check `url`")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["leads"], "`entities` names leads, which the CRM does not show to this user: did you mean Leads?"),
        (
            ["Leads", "Nothing At All"],
            "`entities` names Nothing At All, which the CRM does not show to this user: there",
        ),
    ],
)
def test_a_module_that_does_not_exist(simulator: VtigerSimulator, asked: list[str], sentence: str) -> None:
    config = {**simulator.config(), "entities": asked}
    assert_clean(run(config), config, sentence)


def test_a_module_that_the_user_may_not_read_any_more(vtiger: Start) -> None:
    simulator = vtiger(rows=60)
    config = simulator.config_for("limited")
    everything = discover(simulator.config())
    result = run(config, catalog=only(everything, "Users", "Leads"))
    assert_clean(result, config, "not complete", "Users: find the newest record: the CRM denies this (ACCESS_DENIED)")
    assert set(live(result)) == stored(simulator), "the others are read all the same"


def answering(simulator: VtigerSimulator, answer: Answer, *, when: Callable[[Call], bool] = lambda _call: True) -> None:
    """Has the server give the same answer to all that matches."""
    proper = simulator.answer
    simulator.answer = lambda call: answer if when(call) else proper(call)


HTML = "text/html; charset=UTF-8"
STRANGE = [
    (Answer(b"<html><body>Maintenance</body></html>", 200, HTML), "answered a web page instead of data (HTTP 200)"),
    (Answer(b"<html>404</html>", 404, HTML), "answered a web page instead of data (HTTP 404)"),
    (Answer(b"", 302, headers={"Location": "https://elsewhere.example.com/?k=v"}), "redirects to another address"),
    (Answer(b"", 304), "the server gives a status instead of data (HTTP 304)"),
    (Answer(b"", 500, HTML), "the server failed (HTTP 500)"),
    (Answer(b"", 503, headers={"Retry-After": "5"}), "the server failed (HTTP 503)"),
    (Answer(b"", 429, headers={"Retry-After": "1"}), "the server wants fewer requests (HTTP 429)"),
    (Answer(b"", 429, headers={"Retry-After": "99999"}), "the server wants fewer requests (HTTP 429)"),
    (Answer(b"", 429, headers={"Retry-After": "\u00b2"}), "the server wants fewer requests (HTTP 429)"),
    (Answer(b"", 200), "answered something that is no JSON instead of data"),
    (Answer(b'{"success": tru', 200), "answered something that is no JSON instead of data"),
    (Answer(b'{"success":false,"error":null}'), "this is no answer of a Vtiger webservice: run again."),
    (Answer(b'{"data":[]}'), "this is no answer of a Vtiger webservice: check `url`."),
    (Answer(b"[1,2]"), "this is no answer of a Vtiger webservice: check `url`."),
    (Answer(b'{"success":true,"result":[]}'), "this is no answer of a Vtiger webservice: check `url`."),
    (Answer(b'{"success":true,"result":null}'), "this is no answer of a Vtiger webservice: check `url`."),
]


@pytest.mark.sweep
@pytest.mark.parametrize(("answer", "sentence"), STRANGE)
def test_an_address_that_is_no_crm(simulator: VtigerSimulator, answer: Answer, sentence: str) -> None:
    answering(simulator, answer)
    assert_clean(run(simulator.config()), simulator.config(), sentence)
    assert len(simulator.calls) < (30 if answer.status >= 429 else 10)


def is_page(call: Call) -> bool:
    """Whether a request asks for leads."""
    return "select * from Leads where" in call.query.get("query", "")


@pytest.mark.sweep
@pytest.mark.parametrize(("answer", "sentence"), [each for each in STRANGE if b"success" not in each[0].body])
def test_trouble_in_the_middle(simulator: VtigerSimulator, answer: Answer, sentence: str) -> None:
    catalog = discover(leads(simulator))
    simulator.calls.clear()
    answering(simulator, answer, when=lambda call: is_page(call) and sum(map(is_page, simulator.calls)) > 1)
    result = run(leads(simulator), catalog=only(catalog, "Leads"))
    assert_clean(result, simulator.config(), sentence)
    assert 0 < len(result.records["Leads"]) < len(stored(simulator))
    assert "replication_key_value" not in result.bookmark("Leads")
    assert len(simulator.calls) < 60


PASSING = [fault for fault in Fault if fault not in {Fault.HTML, *SLOW}]


@pytest.mark.sweep
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes(simulator: VtigerSimulator, fault: Fault, parallel: int) -> None:
    """Every third request goes wrong, logins included; everything comes out once all the same."""
    simulator.fault = lambda call: fault if call.number % 3 == 2 else None
    if fault is Fault.EXPIRED_SESSION:
        simulator.fault = lambda call: fault if call.number % 7 == 6 else None
    result = run(leads(simulator, parallel_requests=parallel))
    assert result.exit == ""
    assert set(live(result)) == stored(simulator)
    assert len(result.records["Leads"]) == len(stored(simulator))
    assert VALUE not in result.words


def test_a_session_that_ends_at_once(simulator: VtigerSimulator) -> None:
    simulator.fault = lambda call: Fault.EXPIRED_SESSION if call.query.get("operation") == "describe" else None
    assert_clean(run(simulator.config()), simulator.config(), "the server ends each session at once")


def swallow(simulator: VtigerSimulator, *, times: int, matching: str = "select * from Leads where") -> None:
    """Has the server answer its SQL errors as it does: by an empty list (measured on 8.4.0)."""
    proper, left = simulator.answer, iter(range(times))
    pages = iter(range(1000))

    def answer(call: Call) -> Answer:
        if matching in call.query.get("query", "") and next(pages) > 0 and next(left, None) is not None:
            return Answer(b'{"success":true,"result":[]}')
        return proper(call)

    simulator.answer = answer


def test_a_swallowed_database_error(simulator: VtigerSimulator) -> None:
    swallow(simulator, times=1)
    result = run(leads(simulator))
    assert result.exit == ""
    assert set(live(result)) == stored(simulator)


def test_a_database_in_trouble(simulator: VtigerSimulator) -> None:
    swallow(simulator, times=1000)
    result = run(leads(simulator))
    assert_clean(result, simulator.config(), "the server answers empty pages although records follow")
    assert "replication_key_value" not in result.bookmark("Leads")


@pytest.mark.sweep
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("failures", range(1, 40, 3))
def test_a_server_that_stumbles_and_recovers(vtiger: Start, failures: int, first: int) -> None:
    """Pages are refused for a while: nothing is passed over in silence, and no record is blamed where one was read."""
    simulator = vtiger("corebos", rows=0, leads=300)
    answer, refused = simulator.answer, range(first, first + failures)
    pages = iter(range(1000))
    refusal = Answer(b'{"success":false,"error":{"code":"DATABASE_QUERY_ERROR","message":"gone away"}}')
    simulator.answer = lambda call: refusal if is_page(call) and next(pages) in refused else answer(call)
    result = run(leads(simulator))
    assert len(live(result)) == len(result.records["Leads"])
    assert set(live(result)) == stored(simulator) or result.exit
    assert first == 0 or "is missing" not in result.exit


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers(silent: str, simulator: VtigerSimulator) -> None:
    config = {**simulator.config(), "url": silent, "timeout_seconds": 0.1}
    assert_clean(run(config), config, "no answer within `timeout_seconds`")


def test_a_query_that_hangs_in_the_middle(vtiger: Start) -> None:
    simulator = vtiger(rows=600, switches=Switches(hang_seconds=0.5))

    def answer(call: Call) -> Answer:
        if is_page(call) and sum(map(is_page, simulator.calls)) == 2:
            return VtigerSimulator.answer(simulator, hanging(call))
        return VtigerSimulator.answer(simulator, call)

    simulator.answer = answer
    result = run(leads(simulator, timeout_seconds=0.2))
    assert result.exit == ""
    assert set(live(result)) == stored(simulator)


def hanging(call: Call) -> Call:
    """The request with a query whose first letter makes the server spin (measured on 8.4.0)."""
    return replace(call, query={**call.query, "query": "- " + call.query["query"]})


def test_two_who_log_in_at_the_same_time(simulator: VtigerSimulator) -> None:
    """The server keeps one challenge a user, so that they break each other's logins."""
    others, proper = iter(range(3)), simulator.answer

    def answer(call: Call) -> Answer:
        if call.form.get("operation") == "login" and next(others, None) is not None:
            challenge = {"operation": "getchallenge", "username": "admin"}
            proper(replace(call, method="GET", query=challenge, form={}))
        return proper(call)

    simulator.answer = answer
    result = run(leads(simulator))
    assert result.exit == ""
    assert set(live(result)) == stored(simulator)
