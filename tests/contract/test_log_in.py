"""What ``--test`` says before anything is read: who, where and what, or in one sentence what to change."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from crm_systems.discovery import introduction
from crm_systems.errors import CrmError
from tests.contract.subjects import SUBJECTS, Subject, records
from tests.running import Time, client_for, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_simulators.base import Call, Simulator

    Started = tuple[Subject, Simulator]

REFUSED = {
    "alfacrm": b'{"name":"Forbidden","message":"Not Authorized","code":0,"status":403}',
    "egito": b'{"error":"access_denied"}',
}
NO_MODULES = {"success": True, "result": {"types": [], "information": {}}}
DENIED = {
    "success": False,
    "error": {"code": "ACCESS_DENIED", "message": "Permission to perform the operation is denied"},
}


@pytest.fixture(params=SUBJECTS)
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    """A system and its simulator."""
    subject = SUBJECTS[request.param]
    with subject.start(3) as simulator:
        yield subject, simulator


def told(config: Mapping[str, Any]) -> str:
    """The sentence, whether it worked or not."""
    time = Time()
    with client_for(config, clock=time.clock, sleep=time.sleep) as client:
        try:
            return introduction(client)
        except CrmError as error:
            return str(error)


def show_nothing(system: str, simulator: Simulator) -> None:
    """Lets the user log in, and nothing more."""
    proper = simulator.answer

    def answer(call: Call) -> Answer:
        operation = call.query.get("operation") or call.form.get("operation")
        if "token" in call.path or "login" in call.path or operation in {"getchallenge", "login"}:
            return proper(call)
        if not operation:
            return Answer(REFUSED.get(system, b'{"error":"forbidden"}'), status=403)
        return Answer(json.dumps(NO_MODULES if operation == "listtypes" else DENIED).encode())

    simulator.answer = answer


def test_who_logged_in_where_and_what_is_there(started: Started) -> None:
    subject, simulator = started
    said = told(subject.config(simulator))
    assert said.startswith("Logged in to ")
    assert f" at {simulator.url.removeprefix('http://')} as " in said
    assert " entities, " in said
    assert ", deletions: " in said


def test_a_wrong_secret_names_the_setting(started: Started) -> None:
    subject, simulator = started
    said = told(subject.config(simulator) | {subject.secret: "wrong"})
    assert said.startswith("Log-in: ")
    assert f"`{subject.secret}`" in said


@pytest.mark.parametrize("where", ["{}/nowhere", "http://127.0.0.1:9"])
def test_a_wrong_address_names_the_address_and_not_the_password(started: Started, where: str) -> None:
    subject, simulator = started
    said = told(subject.config(simulator) | {"url": where.format(simulator.url)})
    assert said.startswith("Log-in: ")
    assert "`url`" in said
    assert f"`{subject.secret}`" not in said
    assert "Waited 0 s" not in said


def test_who_may_see_nothing_is_told_to_look_at_the_rights(started: Started) -> None:
    subject, simulator = started
    config = subject.config(simulator)
    show_nothing(config["system"], simulator)
    assert "rights" in told(config)
    assert "rights" in run(config).exit


@pytest.mark.parametrize("in_a_row", [1, 4])
@pytest.mark.parametrize("system", ["alfacrm", "egito", "intouch"])
def test_refusals_amidst_a_run_are_no_wrong_secret(system: str, in_a_row: int) -> None:
    subject = SUBJECTS[system]
    with subject.start(60) as simulator:
        proper, numbers = simulator.answer, count(1)
        refusal = Answer(b"<html>Unauthorized</html>", 401, "text/html")
        simulator.answer = lambda call: refusal if next(numbers) % 12 + in_a_row >= 12 else proper(call)
        result = run({**subject.config(simulator), "entities": [subject.entity], "page_size": 10})
        given = {str(row["id"]) for row in result.records[subject.entity]}
        there = {str(row["id"]) for row in records(simulator, subject.entity)}
    assert (result.exit, given) == ("", there)
