"""Answers of another shape than was agreed on: right all the same, or a failure in words; never a record too many."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators import exact_json
from tests.contract.subjects import Subject, records, turns
from tests.running import run as read
from tests.target_crm.writing import Run, record, run, schema, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Answer, Call, Simulator

    Shape = Callable[[Any], Any]

LOG_INS = {"login", "getchallenge", "logout", "POST /oauth/token", "POST /v2api/auth/login"}


def without_key(told: Any) -> Any:
    """The same without any record's id."""
    if isinstance(told, list):
        return [without_key(each) for each in told]
    if isinstance(told, dict):
        return {name: without_key(value) for name, value in told.items() if name != "id"}
    return told


def null_key(told: Any) -> Any:
    """The same with null for any record's id."""
    if isinstance(told, list):
        return [null_key(each) for each in told]
    if isinstance(told, dict):
        return {name: None if name == "id" else null_key(value) for name, value in told.items()}
    return told


SHAPES: dict[str, Shape] = {
    "null": lambda _told: None,
    "object": lambda _told: {},
    "list": lambda _told: [],
    "text": lambda _told: "text",
    "wrapped": lambda told: {"data": told},
    "listed": lambda told: [told],
    "without key": without_key,
    "null key": null_key,
}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return SHAPES[request.param]


def operation(call: Call) -> str:
    """What a request asks for, so that alike ones have one name."""
    asked = call.query.get("operation") or call.form.get("operation")
    return asked or f"{call.method} {re.sub('[0-9]+', 'n', call.path)}"


def operations(crm: Simulator) -> list[str]:
    """What was asked for beside log-ins."""
    return [each for each in dict.fromkeys(map(operation, crm.calls)) if each not in LOG_INS]


def spoil(crm: Simulator, wanted: str, shape: Shape) -> None:
    """Gives all answers to an operation another shape; in Vtiger's envelope, which is documented, the result."""
    answer = crm.answer

    def spoilt(call: Call) -> Answer:
        given = answer(call)
        if operation(call) != wanted or not given.body:
            return given
        told = exact_json.loads(given.body)
        has_envelope = isinstance(told, dict) and "result" in told
        shaped = {**told, "result": shape(told["result"])} if has_envelope else shape(told)
        return replace(given, body=exact_json.dumps(shaped))

    vars(crm)["answer"] = spoilt


def restore(crm: Simulator) -> None:
    vars(crm).pop("answer")


def write(subject: Subject, crm: Simulator, folder: Path, incoming: list[dict[str, Any]]) -> Run:
    folder.mkdir(exist_ok=True)
    fields = list(dict.fromkeys(name for each in incoming for name in each))
    lines = [schema(subject.entity, fields, ["key"]), *(record(subject.entity, **each) for each in incoming)]
    ledger = f"sqlite:///{folder}/ledger.sqlite"
    return run({**subject.config(crm), "ledger_url": ledger, "identify_by": "ledger"}, [*lines, state("end")])


def new(subject: Subject) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", **subject.values(n)} for n in range(2)]


def times_there(subject: Subject, crm: Simulator) -> Counter[str]:
    wanted = {subject.values(n)[subject.match] for n in range(2)}
    return Counter(row[subject.match] for row in records(crm, subject.entity) if row.get(subject.match) in wanted)


def each_once(subject: Subject) -> Counter[str]:
    return Counter(subject.values(n)[subject.match] for n in range(2))


@cache
def asked_in_a_create(subject: Subject) -> list[str]:
    with TemporaryDirectory() as folder, subject.start(3) as crm:
        write(subject, crm, Path(folder), new(subject))
        return operations(crm)


@pytest.mark.sweep
def test_a_create_is_neither_forgotten_nor_repeated(subject: Subject, shape: Shape, tmp_path: Path) -> None:
    for number, each in enumerate(turns(subject, asked_in_a_create(subject))):
        with subject.start(3) as crm:
            folder = tmp_path / str(number)
            spoil(crm, each, shape)
            first = write(subject, crm, folder, new(subject))
            assert not first.exit or first.exit.endswith((".", "?")), each
            assert max(times_there(subject, crm).values(), default=0) <= 1, each
            if not first.exit:
                assert times_there(subject, crm) == each_once(subject), each
            restore(crm)
            second = write(subject, crm, folder, new(subject))
            assert second.exit == "", each
            assert times_there(subject, crm) == each_once(subject), each


def changed(subject: Subject) -> list[dict[str, Any]]:
    return [{**each, subject.text: "changed"} for each in new(subject)]


@cache
def asked_in_a_change(subject: Subject) -> list[str]:
    with TemporaryDirectory() as folder, subject.start(3) as crm:
        write(subject, crm, Path(folder), new(subject))
        crm.calls.clear()
        write(subject, crm, Path(folder), changed(subject))
        return operations(crm)


@pytest.mark.sweep
def test_a_change_is_made_or_said_not_to_be(subject: Subject, shape: Shape, tmp_path: Path) -> None:
    for number, each in enumerate(turns(subject, asked_in_a_change(subject))):
        with subject.start(3) as crm:
            folder = tmp_path / str(number)
            write(subject, crm, folder, new(subject))
            spoil(crm, each, shape)
            first = write(subject, crm, folder, changed(subject))
            restore(crm)
            if first.exit:
                assert write(subject, crm, folder, changed(subject)).exit == "", each
            rows = [row for row in records(crm, subject.entity) if row.get(subject.match) in each_once(subject)]
            assert [row[subject.text] for row in rows] == ["changed"] * 2, each


@pytest.mark.sweep
def test_what_is_read_is_right_or_missed_in_words(subject: Subject, shape: Shape) -> None:
    config = {"entities": [subject.entity]}
    with subject.start(7) as crm:
        whole = read({**subject.config(crm), **config}).records[subject.entity]
        asked = operations(crm)
    for each in turns(subject, asked):
        with subject.start(7) as crm:
            spoil(crm, each, shape)
            result = read({**subject.config(crm), **config})
        found = result.records[subject.entity]
        assert all(row["id"] is not None for row in found), each
        is_empty = json.dumps(shape([])) == json.dumps([])
        assert result.exit or len(found) == len(whole) or (is_empty and not found), each
        assert "Traceback" not in result.everything
