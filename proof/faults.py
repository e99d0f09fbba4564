"""Every kind of fault at every request of a run, for each system, when it is read and when it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from crm_simulators.base import SLOW, Fault
from proof.checker import judge
from proof.history import History
from proof.runs import given, keys_of, read_run, write_run
from proof.server import Watched
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS
from tests.contract.test_odd_answers import body, spoil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_simulators.base import Answer, Simulator
    from tests.contract.subjects import Subject

PART = "a fault at every request"
NEW = 4
ROWS = 60
PAGE = 20


def _without_values(proper: bytes) -> bytes:
    """JSON of the same shape whose values are gone."""
    try:
        told = json.loads(proper)
    except ValueError:
        return proper
    return json.dumps(dict.fromkeys(told) if isinstance(told, dict) else []).encode()


ODD: dict[str, Callable[[Answer], Answer]] = {
    "null": body(lambda _told: b"null"),
    "an empty object": body(lambda _told: b"{}"),
    "an empty list": body(lambda _told: b"[]"),
    "all values null": body(_without_values),
    "cut JSON": body(lambda told: told[: len(told) // 2]),
    "nothing": body(lambda _told: b""),
    "no gzip": lambda answer: replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"}),
    "HTTP 403": lambda answer: replace(answer, status=403),
    "HTTP 404": lambda answer: replace(answer, status=404),
    "a redirect": lambda answer: replace(answer, status=302, headers={**answer.headers, "Location": "/login"}),
}
"""Answers to requests that were carried out."""
KINDS = [*(fault.name for fault in Fault), *ODD]


@dataclass(frozen=True)
class Case:
    """One fault at one request; number 0 is a run that nothing disturbs."""

    system: str
    way: str
    kind: str
    number: int

    @property
    def name(self) -> str:
        """What the case is called."""
        fault = f"{self.kind} at request {self.number}" if self.number else "undisturbed"
        return f"{self.system}, {self.way}, {fault}"

    def run(self, folder: Path) -> Verdict:
        """Disturbs a run, lets another end in peace, and judges."""
        verdict, _requests = (_written if self.way == "written" else _read)(self, folder)
        return verdict


def cases(systems: tuple[str, ...] = tuple(SUBJECTS), step: int = 1) -> Iterator[Case]:
    """All of them, or every so many-th; and what undisturbed runs take."""
    yield from (Case(system, way, "", 0) for system in systems for way in ("read", "written"))
    every = (
        Case(system, way, kind, number)
        for system in systems
        for way in ("read", "written")
        for kind in KINDS
        for number in range(1, requests_of(system, way) + 1)
    )
    yield from (case for position, case in enumerate(every) if position % step == 0)


@cache
def requests_of(system: str, way: str) -> int:
    """How many requests an undisturbed run takes."""
    with TemporaryDirectory() as folder:
        return (_written if way == "written" else _read)(Case(system, way, "", 0), Path(folder))[1]


def disturb(crm: Simulator, kind: str, number: int) -> None:
    """One fault at the n-th request from now on."""
    if kind in ODD:
        spoil(crm, ODD[kind], which=number.__eq__)
    elif number:
        fault, at = Fault[kind], len(crm.calls) + number
        crm.fault = lambda call: fault if call.number == at else None


def settle(crm: Simulator, proper: Any) -> None:
    """Nothing goes wrong any more."""
    crm.fault = lambda _call: None
    crm.answer = proper


def _written(case: Case, folder: Path) -> tuple[Verdict, int]:
    subject = SUBJECTS[case.system]
    first = [given(subject, number) for number in range(NEW)]
    records = [*first, given(subject, 0, "version 2 of 0")]
    history = History(folder / "history.jsonl")
    with subject.start(5) as crm:
        watched = Watched(crm, subject, history, keys_of(subject, first))
        config = _config(subject, crm, case, identify_by="ledger", ledger_url=f"sqlite:///{folder}/ledger.sqlite")
        proper = crm.answer
        disturb(crm, case.kind, case.number)
        write_run(history, "target 1", subject, config, records)
        requests = len(crm.calls)
        if case.number:
            settle(crm, proper)
            write_run(history, "target 2", subject, config, records)
        watched.holds_what_was_written()
    return _verdict(case, history, requests, len(records), watched.resent), requests


def _read(case: Case, folder: Path) -> tuple[Verdict, int]:
    subject = SUBJECTS[case.system]
    history = History(folder / "history.jsonl")
    with subject.start(ROWS) as crm:
        watched = Watched(crm, subject, history, {})
        config = _config(subject, crm, case, entities=[subject.entity], page_size=PAGE)
        proper = crm.answer
        disturb(crm, case.kind, case.number)
        state = read_run(history, "tap 1", subject, config)
        requests, rows = len(crm.calls), len(watched.rows)
        if case.number:
            settle(crm, proper)
            read_run(history, "tap 2", subject, config, state)
        watched.holds_what_is_read()
    return _verdict(case, history, requests, rows, 0), requests


def _config(subject: Subject, crm: Simulator, case: Case, **more: Any) -> dict[str, Any]:
    slow = {"timeout_seconds": 0.1} if case.kind in {fault.name for fault in SLOW} else {}
    return {**subject.config(crm), "parallel_requests": 1, **slow, **more}


def _verdict(case: Case, history: History, requests: int, records: int, resent: int) -> Verdict:
    figures = Figures(cases=1, resent=resent)
    if case.number:
        figures = replace(figures, disturbed_records=records, disturbed_requests=requests)
    else:
        figures = replace(figures, records=records, requests=requests)
    return Verdict(PART, case.name, judge(history.close()), figures)
