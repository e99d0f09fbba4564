"""A list that does not deliver what it announced, or gave a moment ago, has failed; it has not ended."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from tests.contract.subjects import SUBJECTS, Subject, change, records, turns
from tests.running import Run, discover, only
from tests.running import run as read
from tests.target_crm.writing import record, schema
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crm_simulators.base import Call, Simulator

ROWS = 45
PAGE = 10
CHANGED = 25
LISTS = ("result", "items", "list")
"""What systems call the rows of an answer; some hand them out bare."""


def _with_rows(told: Any, rows: Any) -> Any:
    """The same answer with other rows and without a total."""
    if not isinstance(told, dict):
        return rows
    name = next(name for name in LISTS if name in told)
    return {**{key: value for key, value in told.items() if key not in {"total", "count"}}, name: rows}


def _rows(told: Any) -> Any:
    return next(told[name] for name in LISTS if name in told) if isinstance(told, dict) else told


def _zero(told: Any) -> Any:
    return {**_with_rows(told, []), "total": 0, "count": 0} if isinstance(told, dict) else []


LIES: dict[str, Callable[[Any], Any]] = {
    "empty": lambda told: _with_rows(told, []),
    "a bare empty list": lambda told: {**told, "result": []} if "result" in told else [],
    "a total of zero": _zero,
    "null": lambda told: _with_rows(told, None),
    "an object": lambda told: _with_rows(told, {}),
    "a row that is null": lambda told: _with_rows(told, [None, *_rows(told)[1:]]),
    "a row without its id": lambda told: _with_rows(told, [{"name": "?"}, *_rows(told)[1:]]),
}


@dataclass
class Liar:
    """Makes a simulator lie about its lists."""

    simulator: Simulator
    lie: Callable[[Any], Any]
    first: int
    """The list request from which on it lies."""
    forever: bool
    asked: int = field(default=0, init=False)

    def answer(self, call: Call) -> Answer:
        """What the simulator answers, or a lie."""
        answer = type(self.simulator).answer(self.simulator, call)
        if not is_list(call):
            return answer
        self.asked += 1
        if answer.status != 200 or self.asked < self.first or (self.asked > self.first and not self.forever):
            return answer
        return Answer(json.dumps(self.lie(json.loads(answer.body, strict=False))).encode())


def is_list(call: Call) -> bool:
    """Whether rows are asked for."""
    is_resource = call.method == "GET" and "/api/" in call.path and call.path.count("/") == 2
    return call.query.get("operation") == "query" or call.path.endswith(("/index", "/list")) or is_resource


@contextmanager
def lying(simulator: Any, lie: Callable[[Any], Any], first: int = 10**9, *, forever: bool = True) -> Iterator[Liar]:
    """The simulator lies within; far away by default, so that requests are counted only."""
    liar = Liar(simulator, lie, first, forever)
    simulator.answer = liar.answer
    try:
        yield liar
    finally:
        del simulator.answer


@pytest.fixture(params=sorted(SUBJECTS.keys() - {"egito"}))  # tests/systems has Egito's, whose paging is found out
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


def config_of(subject: Subject, crm: Simulator) -> dict[str, Any]:
    return {**subject.config(crm), "entities": [subject.entity], "page_size": PAGE}


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row["id"]) for row in rows)


@pytest.mark.sweep
@pytest.mark.parametrize("incremental", [False, True], ids=["in full", "changes"])
@pytest.mark.parametrize("forever", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("lie", LIES)
def test_a_read_is_complete_or_fails(subject: Subject, lie: str, *, forever: bool, incremental: bool) -> None:
    with subject.start(ROWS) as crm:
        config = config_of(subject, crm)
        with lying(crm, LIES[lie]) as looked:
            catalog = only(discover(config), subject.entity)
        before = read(config, catalog=catalog) if incremental else Run("", "")
        state = before.state or None
        for row in records(crm, subject.entity)[:CHANGED] if incremental else []:
            change(crm, subject.entity, str(row["id"]), {subject.text: "changed meanwhile"})
        with lying(crm, LIES[lie]) as counted:
            expected = ids(read(config, catalog=catalog, state=state).records[subject.entity])
        assert len(expected) >= (CHANGED if incremental else ROWS // 2)
        # A CRM that shows nothing from the first look on cannot be told from one that is empty.
        for number in turns(subject, range(looked.asked + 1 if forever else 1, counted.asked + 1)):
            with lying(crm, LIES[lie], number, forever=forever):
                result = read(config, catalog=catalog, state=state)
            assert "Traceback" not in result.everything
            where = f"request {number} of {counted.asked}"
            assert not result.exit or subject.entity in result.exit or "branch" in result.exit, where
            assert result.exit or ids(result.records[subject.entity]) == expected, where
            told = result.bookmark(subject.entity)
            if not incremental:
                # From when on deletions are wanted, a first read tells as it begins.
                told.pop("deletions_read_until", None)
            assert not result.exit or told == before.bookmark(subject.entity), where


@pytest.mark.sweep
@pytest.mark.parametrize("forever", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("lie", LIES)
def test_a_look_up_is_right_or_fails(subject: Subject, lie: str, tmp_path: Path, *, forever: bool) -> None:
    with subject.start(12) as crm:
        there = [row[subject.match] for row in records(crm, subject.entity) if row.get(subject.match)]
        unique = [value for value, times in Counter(there).items() if times == 1 and value.strip() == value][-2:]
        assert unique
        fields = {**subject.values(1), subject.text: "rewritten"}
        rows = [{**fields, "key": f"k{n}", subject.match: value} for n, value in enumerate(unique)]
        messages = [schema(subject.entity, rows[0], ["key"]), *(record(subject.entity, **row) for row in rows)]
        settings = {**subject.config(crm), "page_size": PAGE, "identify_by": [subject.match], "dry_run": True}
        with lying(crm, LIES[lie]) as looked:
            discover(config_of(subject, crm))
        with lying(crm, LIES[lie]) as counted:
            clean = write(settings, messages)
        assert f"{len(unique)} update" in clean.line(subject.entity)
        for number in turns(subject, range(looked.asked + 1 if forever else 1, counted.asked + 1)):
            with lying(crm, LIES[lie], number, forever=forever):
                result = write({**settings, "ledger_url": f"sqlite:///{tmp_path}/{number}.sqlite"}, messages)
            assert "Traceback" not in result.everything
            where = f"request {number} of {counted.asked}"
            assert result.exit or f"{len(unique)} update" in result.line(subject.entity), where
            assert " create" not in result.log, where
