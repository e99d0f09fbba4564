"""Answers that are not what an interface allows: read where it is clear, else one sentence; never «no rows»."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.subjects import Subject, records, turns
from tests.running import run as read
from tests.target_crm.writing import record, schema
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Answer, Call, Simulator

ROWS = 30
NEW = 2
WARNING = b'<br />\n<b>Warning</b>:  Undefined array key "x" in <b>/var/www/a.php</b> on line <b>5</b><br />\n'


def spoil(crm: Simulator, how: Callable[[Answer], Answer], *, which: Callable[[int], bool] = lambda _n: True) -> None:
    """Changes answers, counted from 1, on their way out."""
    proper, numbers = crm.answer, iter(range(1, 100_000))

    def answer(call: Call) -> Answer:
        given = proper(call)
        return how(given) if which(next(numbers)) and given.body else given

    crm.answer = answer


def body(change: Callable[[bytes], bytes], **more: Any) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, body=change(answer.body), **more)


DECORATED = {
    "a byte order mark": body(lambda told: b"\xef\xbb\xbf" + told),
    "a warning before": body(lambda told: WARNING + told, content_type="text/html; charset=UTF-8"),
    "a notice before": body(lambda told: b"\nNotice: Undefined index: a[0] in /x.php on line 3\n" + told),
    "a warning after": body(lambda told: told + WARNING, content_type="text/html; charset=UTF-8"),
    "a wrong charset": body(lambda told: told, content_type="application/json; charset=windows-1250"),
    "a broken date": lambda answer: replace(answer, headers={**answer.headers, "Date": "yesterday"}),
    "a date without a zone": lambda answer: replace(
        answer, headers={**answer.headers, "Date": "Fri, 31 Dec 1999 23:59:59 -0000"}
    ),
}
UNREADABLE = {
    "deep nesting": body(lambda _told: b'{"success":true,"result":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a huge number": body(lambda told: told[:-1] + b',"z":' + b"9" * 5000 + b"}"),
    "not a number": body(lambda _told: b'{"success":true,"total":NaN,"result":NaN,"items":NaN}'),
    "truncated": body(lambda told: told[: len(told) // 2]),
    "nothing": body(lambda _told: b""),
    "null": body(lambda _told: b"null"),
    "an empty object": body(lambda _told: b"{}"),
    "a text": body(lambda _told: b'"ok"'),
    "a number": body(lambda _told: b"5"),
    "a list of nulls": body(lambda _told: b'{"success":true,"result":[null],"items":[null],"list":[null]}'),
    "no gzip": lambda answer: replace(answer, headers={"Content-Encoding": "gzip"}),
    "no content": lambda answer: replace(answer, body=b"", status=204),
}


def config_of(subject: Subject, crm: Simulator) -> dict[str, Any]:
    return {**subject.config(crm), "entities": [subject.entity], "page_size": 10}


@cache
def undisturbed(subject: Subject) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """What is there to be read, and by how many requests."""
    with subject.start(ROWS) as crm:
        return read(config_of(subject, crm)).records, len(crm.calls)


@pytest.mark.sweep
@pytest.mark.parametrize("how", DECORATED.values(), ids=DECORATED.keys())
def test_it_is_read_all_the_same(subject: Subject, how: Callable[[Answer], Answer]) -> None:
    with subject.start(ROWS) as crm:
        spoil(crm, how)
        result = read(config_of(subject, crm))
        assert result.exit == ""
        assert result.records == undisturbed(subject)[0]


@pytest.mark.sweep
@pytest.mark.parametrize("how", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_never_no_rows(subject: Subject, how: Callable[[Answer], Answer]) -> None:
    told, requests = undisturbed(subject)
    for first in turns(subject, range(1, requests, max(requests // 3, 1))):
        with subject.start(ROWS) as crm:
            spoil(crm, how, which=range(first, 100_000).__contains__)
            result = read(config_of(subject, crm))
            assert result.exit or result.records[subject.entity] == told[subject.entity], f"from request {first} on"
            assert "Traceback" not in result.words


def with_odd_part(told: bytes, number: int, odd: Any) -> bytes:
    """JSON whose ``number``-th part, of the outer two levels, is another thing; as it was where there are fewer."""
    data = json.loads(told)
    inner = [part for part in (data.values() if isinstance(data, dict) else ()) if isinstance(part, dict)]
    places = [(part, key) for part in (data, *inner) if isinstance(part, dict) for key in part]
    for part, key in places[number : number + 1]:
        part[key] = odd
    return json.dumps(data).encode()


@pytest.mark.sweep
@pytest.mark.parametrize("odd", [[], "x", 10**30, {"x": 1}], ids=["list", "text", "number", "object"])
def test_a_first_answer_with_an_odd_part_ends_in_a_sentence(subject: Subject, odd: Any) -> None:
    for first in (1, 2):
        for part in range(6):
            with subject.start(3) as crm:
                odd_part = body(lambda told, part=part: with_odd_part(told, part, odd))  # type: ignore[misc]  # bound in the loop
                spoil(crm, odd_part, which=first.__eq__)
                result = read(config_of(subject, crm))
            assert result.exit or len(result.records[subject.entity]) == len(records(crm, subject.entity))


def mutated(told: bytes, chance: random.Random) -> bytes:
    """JSON in which a part is missing or another thing."""
    odd = [None, [], {}, "", "x", 0, -1, 1.5, True, [None], {"id": None}, "2024-13-45", 10**30, "\ud800", [{"x": 1}]]
    try:
        data = json.loads(told)
    except ValueError:
        return told
    where = data
    while isinstance(where, (dict, list)) and where:
        key = chance.choice(list(where) if isinstance(where, dict) else range(min(len(where), 3)))
        if chance.random() < 0.5 or not isinstance(where[key], (dict, list)):
            where[key] = chance.choice(odd)
            if isinstance(where, dict) and chance.random() < 0.3:
                del where[key]
            break
        where = where[key]
    return json.dumps(data).encode()


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(12))
def test_another_shape_ends_in_a_sentence_when_it_is_read(subject: Subject, seed: int) -> None:
    chance = random.Random(seed)
    with subject.start(ROWS) as crm:
        first = chance.randint(1, 12)
        spoil(crm, body(lambda told: mutated(told, chance)), which=range(first, 100_000).__contains__)
        assert "Traceback" not in read(config_of(subject, crm)).words


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(12))
def test_another_shape_doubles_nothing_when_it_is_written(subject: Subject, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with subject.start(5) as crm:
        incoming = [{"key": f"k{n}", **subject.values(n)} for n in range(NEW)]
        messages = [
            schema(subject.entity, incoming[0], ["key"]),
            *(record(subject.entity, **each) for each in incoming),
        ]
        config = {**subject.config(crm), "ledger_url": f"sqlite:///{tmp_path}/l.sqlite", "identify_by": "ledger"}
        proper, number = crm.answer, chance.randint(1, 15)
        spoil(crm, body(lambda told: mutated(told, chance)), which=number.__eq__)
        assert "Traceback" not in write(config, messages).everything
        crm.answer = proper
        assert write(config, messages).exit == ""
        there = Counter(str(row.get(subject.match)) for row in records(crm, subject.entity))
        assert [there[str(subject.values(n)[subject.match])] for n in range(NEW)] == [1] * NEW
