"""Whatever goes wrong while a CRM is asked what it has: nothing is missing in silence, and the others are read."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from tests.contract.subjects import SUBJECTS, Subject, records
from tests.running import QuietTap, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_simulators.base import Call, Simulator
    from tests.running import Run

ROWS = 12
HTML = "text/html; charset=UTF-8"
VTIGER_REFUSAL = Answer(b'{"success":false,"error":{"code":"INTERNAL_SERVER_ERROR","message":"no"}}')
REFUSALS = {"vtiger": VTIGER_REFUSAL, "simplycrm": VTIGER_REFUSAL}
FAULTS: dict[str, Answer | None] = {
    "throttled": Answer(b"", 429, headers={"Retry-After": "3600"}),
    "failed": Answer(b"", 500, HTML),
    "unavailable": Answer(b"", 503, HTML),
    "dropped": None,
    "page": Answer(b"<html><body>Maintenance</body></html>", 200, HTML),
    "refused": Answer(b'{"errors":["no"]}', 400),
}
DENIALS = {"forbidden": Answer(b"{}", 403), "not-found": Answer(b"{}", 404)}


@pytest.fixture(params=sorted(name for name, each in SUBJECTS.items() if each.other))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def subject(system: str) -> Subject:
    return SUBJECTS[system]


def asked(system: str, fault: str) -> Answer | None:
    """The answer that goes back in the place of the right one; None: the connection breaks."""
    return REFUSALS.get(system, FAULTS[fault]) if fault == "refused" else {**FAULTS, **DENIALS}[fault]


def answering(simulator: Simulator, answer: Answer | None, when: Callable[[Call], bool]) -> None:
    """Has the server give the same answer to all that matches."""
    proper = simulator.answer
    simulator.answer = lambda call: answer if when(call) else proper(call)  # type: ignore[assignment, return-value]  # a function of two kinds


def config_of(system: str, simulator: Simulator) -> dict[str, Any]:
    subject = SUBJECTS[system]
    entities = [subject.other, subject.entity]
    return {**subject.config(simulator), "entities": entities, "parallel_requests": 1}


def discovered(config: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], str]:
    """What ``--discover`` prints, schemas by stream, and how it ends."""
    output, end = io.StringIO(), ""
    try:
        with redirect_stdout(output):
            QuietTap(config=config, parse_env_config=False).run_discovery()
    except SystemExit as exited:
        end = str(exited.code)
    printed = json.loads(output.getvalue() or '{"streams": []}')
    return {stream["tap_stream_id"]: stream["schema"]["properties"] for stream in printed["streams"]}, end


@cache
def requests_of(system: str) -> tuple[list[Call], dict[str, dict[str, Any]]]:
    """The requests of an undisturbed discovery, and what it finds."""
    with SUBJECTS[system].start(ROWS) as simulator:
        found, end = discovered(config_of(system, simulator))
        assert end == ""
        return list(simulator.calls), found


def is_complete(result: Run, subject: Subject, simulator: Simulator) -> bool:
    given = sorted(str(row["id"]) for row in result.records[subject.entity])
    return given == sorted(str(row["id"]) for row in records(simulator, subject.entity))


def is_number(number: int, call: Call) -> bool:
    """Whether a request is the n-th."""
    return call.number == number


def is_same(wanted: tuple[Any, ...], call: Call) -> bool:
    """Whether a request is the same one again."""
    return signature(call) == wanted


def signature(call: Call) -> tuple[Any, ...]:
    """What makes a request the same one again; sessions and proofs change."""
    query = {name: value for name, value in call.query.items() if name != "sessionName"}
    return call.method, call.path, json.dumps(query, sort_keys=True), call.body if not call.form else b""


def is_own(call: Call, subject: Subject) -> bool:
    """Whether a request concerns the entity under test: its name is in the path, the query or nowhere."""
    return subject.entity in f"{call.path} {call.query}"


@pytest.mark.sweep
@pytest.mark.parametrize("fault", [*FAULTS, *DENIALS])
def test_a_fault_at_any_request_of_discovery_hides_nothing(system: str, subject: Subject, fault: str) -> None:
    calls, found = requests_of(system)
    for number in range(1, len(calls) + 1):
        with subject.start(ROWS) as simulator:
            answering(simulator, asked(system, fault), partial(is_number, number))
            result = run(config_of(system, simulator))
            if "not complete" in result.exit:
                assert any(f"  {name}: " in result.exit for name in found), f"request {number}"
                assert set(result.schemas) & found.keys(), "the others come all the same"
            elif result.exit:
                assert "\n" not in result.exit, f"request {number}"
            else:
                assert result.schemas.keys() == found.keys(), f"request {number}"
                assert is_complete(result, subject, simulator), f"request {number}"


@pytest.mark.sweep
@pytest.mark.parametrize("fault", FAULTS)
def test_an_entity_that_fails_for_ever_leaves_the_others(system: str, subject: Subject, fault: str) -> None:
    other = subject.other
    with subject.start(ROWS) as simulator:
        config = config_of(system, simulator)
        answering(simulator, asked(system, fault), lambda call: is_own(call, subject))
        found, end = discovered(config)
        assert other in found
        assert f"{subject.entity}: " in end
        result = run(config)
        assert f"{subject.entity}: " in result.exit
        assert result.records[other]
        assert "Traceback" not in result.everything
        # Who leaves the broken one out gets the rest, and a good end.
        assert run({**config, "entities": [other]}).exit == ""


@pytest.mark.sweep
@pytest.mark.parametrize("fault", FAULTS)
def test_a_look_at_records_that_fails_for_ever_costs_no_record(system: str, subject: Subject, fault: str) -> None:
    """Each request of discovery alone; what a full read asks as well fails the stream, by name."""
    calls, found = requests_of(system)
    for asked_for in {signature(call): call for call in calls if is_own(call, subject)}:
        with subject.start(ROWS) as simulator:
            answering(simulator, asked(system, fault), partial(is_same, asked_for))
            config = config_of(system, simulator)
            printed, end = discovered(config)
            assert subject.entity in (end or printed)
            result = run(config)
            assert f"{subject.entity}: " in result.exit or (
                is_complete(result, subject, simulator) and result.schemas.keys() == found.keys()
            )


def test_a_server_that_is_away_is_said_once_and_soon(subject: Subject) -> None:
    with subject.start(ROWS) as simulator:
        config = {**subject.config(simulator), "parallel_requests": 1}
        discovered({**config, "entities": [subject.entity]})
        known = len(simulator.calls)
        answering(simulator, FAULTS["unavailable"], lambda call: call.number > known // 2)
        simulator.calls.clear()
        result = run(config)
        assert "\n" not in result.exit
        assert "HTTP 503" in result.exit
        assert result.schemas == {}
        assert len(simulator.calls) < 100


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(ROWS) as simulator:
        yield simulator


def test_the_pick_lists_of_the_others_come(system: str, subject: Subject, crm: Simulator) -> None:
    config = config_of(system, crm)
    lists = run(config).records["picklists"]
    answering(crm, FAULTS["failed"], lambda call: is_own(call, subject))
    result = run(config)
    rest = [row for row in lists if row["entity"] != subject.entity]
    assert result.records["picklists"] == rest
    assert not lists or "picklists: " in result.exit


def test_a_catalog_of_another_system_fails_by_its_streams(subject: Subject, crm: Simulator) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    nowhere = {"tap_stream_id": "Nowhere", "stream": "Nowhere", "schema": schema, "key_properties": ["id"]}
    selected = [{"breadcrumb": [], "metadata": {"selected": True}}]
    result = run(subject.config(crm), catalog={"streams": [{**nowhere, "metadata": selected}]})
    assert "Nowhere: " in result.exit
    assert result.records == {}
