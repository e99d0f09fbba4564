"""``kill -9`` and SIGTERM of real processes, at each write and each page, and two runs at once."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulators.base import Call, Fault
from proof.checker import judge
from proof.endings import end_of_read, end_of_write
from proof.history import History
from proof.postgres import fresh_ledger
from proof.processes import Command
from proof.runs import given, keys_of, messages, note_invoked
from proof.server import LATE, Watched, writes
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS
from tests.target_crm.processes import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from proof.runs import Given
    from tests.contract.subjects import Subject

PART = "killed at every write"
WORKERS = (1, 4, 16)
NEW = {1: 8, 4: 16, 16: 24}
"""How many records are written, by the number of workers."""
POSITIONS = 8
"""Writes, or pages, at which a run is killed."""
ROWS, PAGE = 200, 20
MOMENTS = ("before it is carried out", "between it and its answer", "after its answer")


@dataclass(frozen=True)
class Case:
    """One process that is ended at one moment; ``way`` is ``written``, ``read``, or ``twice``: two runs at once."""

    system: str
    way: str
    signal: str
    moment: str
    position: int
    workers: int = 1
    ledger: str = "sqlite"
    """``sqlite``, or the address of a PostgreSQL."""
    installed: bool = False

    @property
    def name(self) -> str:
        """What the case is called."""
        ledger = "" if self.way == "read" else ", " + self.ledger.partition(":")[0].partition("+")[0]
        command = ", installed command" if self.installed else ""
        return (
            f"{self.system}, {self.way}, {self.signal} at {self.position} {self.moment}, "
            f"{self.workers} workers{ledger}{command}"
        )

    def run(self, folder: Path) -> Verdict:
        """Ends a run, lets another go on, and judges."""
        return _read(self, folder) if self.way == "read" else _written(self, folder)


def cases(systems: tuple[str, ...] = tuple(SUBJECTS), postgres: str = "") -> Iterator[Case]:
    """All of them; PostgreSQL where there is an address."""
    ledgers = ["sqlite", *([postgres] if postgres else [])]
    for system in systems:
        for ledger in ledgers:
            for workers in WORKERS:
                step = NEW[workers] // POSITIONS
                for position in range(1, NEW[workers] + 1, step):
                    for moment in MOMENTS:
                        yield Case(system, "written", "SIGKILL", moment, position, workers, ledger)
                    yield Case(system, "written", "SIGTERM", MOMENTS[0], position, workers, ledger)
                for position in range(1, 4):
                    yield Case(system, "twice", "SIGKILL", MOMENTS[1], position, workers, ledger)
        for number in ("SIGKILL", "SIGTERM"):
            for position in range(1, ROWS // PAGE + 3):
                yield Case(system, "read", number, MOMENTS[position % 3], position, WORKERS[position % 2])
            yield Case(system, "written", number, MOMENTS[1], 3, installed=True)


class Killer:
    """Ends a process at its n-th request of a kind; set it as ``simulator.fault``."""

    def __init__(self, case: Case, which: Callable[[Call], bool], history: History) -> None:
        self.is_done = False
        self._case, self._which, self._history = case, which, history
        self._count = 0
        self._pid = 0
        self._is_known = threading.Event()

    def aim(self, pid: int) -> None:
        """Says at whom."""
        self._pid = pid
        self._is_known.set()

    def __call__(self, call: Call) -> Fault | None:
        """What a request meets."""
        self._is_known.wait(10)
        if self.is_done:
            return None
        is_late = self._count == self._case.position
        self._count += self._which(call)
        if not is_late and (self._count != self._case.position or self._case.moment == MOMENTS[2]):
            return None
        self.is_done = True
        self._history.note("user", "did", "kill", value=self._case.signal)
        os.kill(self._pid, signal.Signals[self._case.signal])
        if self._case.signal == "SIGTERM":
            return None
        return Fault.LOST_ANSWER if self._case.moment == MOMENTS[1] else Fault.REFUSED


def _written(case: Case, folder: Path) -> Verdict:
    """A run that is killed, where the case says so beside another; then one in peace."""
    subject, history = SUBJECTS[case.system], History(folder / "history.jsonl")
    records = [given(subject, number) for number in range(NEW[case.workers])]
    told = lines_of(messages(subject, records))
    with subject.start(5) as crm:
        crm.latency = LATE if case.workers > 1 else 0.0
        watched = Watched(crm, subject, history, keys_of(subject, records))
        config = _config(subject, crm, case, folder)
        killer = crm.fault = Killer(case, writes, history)
        runs = {}
        for who in ("target 1", "target 0") if case.way == "twice" else ("target 1",):
            note_invoked(history, who, records)
            runs[who] = Command("target", config, folder / who, told, installed=case.installed)
        killer.aim(runs["target 1"].pid)
        for who, process in runs.items():
            end_of_write(history, who, process, records)
        requests = len(crm.calls)
        crm.fault = lambda _call: None
        seconds = _write_again(case, history, config, folder / "2", records)
        watched.holds_what_was_written()
    figures = _figures(killer, len(records), requests, seconds, watched.resent)
    return Verdict(PART, case.name, judge(history.close()), figures)


def _write_again(
    case: Case, history: History, config: Mapping[str, Any], folder: Path, records: Sequence[Given]
) -> float:
    """Goes on in peace; gives the seconds until it ended."""
    subject = SUBJECTS[case.system]
    note_invoked(history, "target 2", records)
    process = Command("target", config, folder, lines_of(messages(subject, records)), installed=case.installed)
    end_of_write(history, "target 2", process, records)
    return process.seconds


def _read(case: Case, folder: Path) -> Verdict:
    subject, history, requests = SUBJECTS[case.system], History(folder / "history.jsonl"), 0
    with subject.start(ROWS) as crm:
        crm.latency = LATE if case.workers > 1 else 0.0
        watched = Watched(crm, subject, history, {})
        config = {**subject.config(crm), "entities": [subject.entity], "page_size": PAGE}
        config |= {"parallel_requests": case.workers}
        killer = crm.fault = Killer(case, lambda _call: True, history)
        state = ""
        for who in ("tap 1", "tap 2"):
            history.note(who, "invoke", "run", value="from a state" if state else "")
            process = Command("tap", config, folder / who, state)
            killer.aim(process.pid)
            _, state, _ = end_of_read(history, who, subject, process, state)
            requests = requests or len(crm.calls)
            crm.fault = lambda _call: None
        watched.holds_what_is_read()
        rows = len(watched.rows)
    return Verdict(PART, case.name, judge(history.close()), _figures(killer, rows, requests, process.seconds))


def _config(subject: Subject, crm: Any, case: Case, folder: Path) -> dict[str, Any]:
    name = "case_" + "".join(each if each.isalnum() else "_" for each in folder.name)
    ledger = f"sqlite:///{folder}/ledger.sqlite" if case.ledger == "sqlite" else fresh_ledger(case.ledger, name)
    more = {"identify_by": "ledger", "ledger_url": ledger, "settle_seconds": 0, "parallel_requests": case.workers}
    return {**subject.config(crm), **more}


def _figures(killer: Killer, records: int, requests: int, seconds: float, resent: int = 0) -> Figures:
    return Figures(
        cases=1,
        kills=int(killer.is_done),
        resent=resent,
        disturbed_records=records,
        disturbed_requests=requests,
        recovered=1,
        recovery_seconds=seconds,
    )
