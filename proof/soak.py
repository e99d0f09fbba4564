"""Thousands of records from one CRM into another, while both fail, the records change and the processes are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulators.base import SLOW, Call, Fault
from proof.checker import judge
from proof.endings import end_of_read, end_of_write
from proof.history import History
from proof.processes import Command
from proof.runs import SECONDS_TO_HANG, Given, messages, note_invoked
from proof.server import Watched
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS
from tests.target_crm.processes import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.subjects import Subject

PART = "a soak"
FAULTS = [fault for fault in Fault if fault not in SLOW]
FAULT_RATE = 0.01
"""The share of the requests that go wrong, besides the kills."""
ROUNDS = 3
"""How often the source is read; before each but the first, a hundredth of it is edited and some is deleted."""
KILLS = 3
"""How often the tap, and how often the target, is killed in a round before it is left alone."""
EVERY = 100
"""Records between two states."""


@dataclass(frozen=True)
class Case:
    """One soak; the seed decides everything but what the scheduler does."""

    seed: int
    rows: int

    @property
    def system(self) -> str:
        """The systems take turns."""
        return list(SUBJECTS)[self.seed % len(SUBJECTS)]

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"{self.system}, seed {self.seed}, {self.rows} records"

    def run(self, folder: Path) -> Verdict:
        """Moves the records, and judges."""
        return Soak(self, folder).run()


def cases(seeds: int, rows: int) -> Iterator[Case]:
    """One a seed."""
    for seed in range(seeds):
        yield Case(seed, rows)


class Trouble:
    """What goes wrong at one server, by chance; set it as ``simulator.fault``."""

    def __init__(self, chance: random.Random, history: History) -> None:
        self.kills = 0
        self._chance, self._history = chance, history
        self._pid = 0
        self._left = 0
        self._lock = threading.Lock()

    def aim(self, pid: int, requests: int) -> None:
        """The process is killed after so many more requests, if it lives that long; 0 spares it."""
        with self._lock:
            self._pid, self._left = pid, requests

    def __call__(self, call: Call) -> Fault | None:
        """What a request meets."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.kills += 1
                name = self._chance.choice(["SIGKILL", "SIGTERM"])
                self._history.note("user", "did", "kill", value=name)
                os.kill(self._pid, signal.Signals[name])
                return self._chance.choice([Fault.REFUSED, Fault.LOST_ANSWER])
        return self._chance.choice(FAULTS) if self._chance.random() < FAULT_RATE else None


class Soak:
    """The two servers, and what was done so far."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder = case, folder
        self.subject: Subject = SUBJECTS[case.system]
        self.chance = random.Random(case.seed)
        self.history = History(folder / "history.jsonl")
        self.figures = Figures(cases=1)
        self.state = ""
        self._runs = 0

    def run(self) -> Verdict:
        """All rounds; the last run of each connector is left in peace."""
        with self.subject.start(self.case.rows) as source, self.subject.start(5) as there:
            self.source = Watched(source, self.subject, self.history, {})
            self.there = Watched(there, self.subject, self.history, _Keys(self.subject))
            troubles = Trouble(self.chance, self.history), Trouble(self.chance, self.history)
            source.fault, there.fault = troubles
            for number in range(ROUNDS):
                if number:
                    self._edit()
                self._move(troubles, last=number == ROUNDS - 1)
            self.source.holds_what_is_read()
            self.there.holds_what_was_written()
            self.figures.kills = sum(each.kills for each in troubles)
            self.figures.disturbed_requests = len(source.calls) + len(there.calls)
            self.figures.resent = self.there.resent
        return Verdict(PART, self.case.name, judge(self.history.close()), self.figures)

    def _edit(self) -> None:
        with self.source.crm.lock:
            numbers = [number for number, row in self.source.rows.items() if not getattr(row, "deleted", False)]
            for number in self.chance.sample(numbers, max(len(numbers) // 100, 1)):
                self.source.edit(number, f"edit {self.chance.randrange(10**6)}")
            for number in self.chance.sample(numbers, 3):
                self.source.delete(number)

    def _move(self, troubles: tuple[Trouble, Trouble], *, last: bool) -> None:
        """Reads what is new and writes it, killed now and then, until both end by themselves."""
        for attempt in range(KILLS + 1):
            spared = attempt == KILLS
            if last and spared:
                self.source.crm.fault = self.there.crm.fault = lambda _call: None
            taken, code = self._read(troubles[0], spared=spared)
            self._write(taken, troubles[1], spared=spared)
            if code == 0 and not last:
                return

    def _read(self, trouble: Trouble, *, spared: bool) -> tuple[list[Given], int | None]:
        self._runs += 1
        who, subject = f"tap {self._runs}", self.subject
        config = {**subject.config(self.source.crm), "entities": [subject.entity], "page_size": 100}
        self.history.note(who, "invoke", "run", value="from a state" if self.state else "")
        process = Command("tap", config, self.folder / who, self.state)
        trouble.aim(process.pid, 0 if spared else self.chance.randint(3, max(self.case.rows // 100, 6)))
        result, self.state, code = end_of_read(self.history, who, subject, process, self.state, SECONDS_TO_HANG * 4)
        records = [
            Given(_key(row["id"]), _values(subject, row["id"], text), text)
            for row in result.records[subject.entity]
            if not row.get("_sdc_deleted_at")
            for text in [str(row.get(subject.text) or "")]
        ]
        self.figures.disturbed_records += len(records)
        return records, code

    def _write(self, records: list[Given], trouble: Trouble, *, spared: bool) -> None:
        """Writes what a run of the tap gave; killed as often as may be, then to the end."""
        if not records:
            return
        for attempt in range(KILLS + 1):
            self._runs += 1
            who = f"target {self._runs}"
            note_invoked(self.history, who, records)
            told = lines_of(messages(self.subject, records, EVERY))
            process = Command("target", self._config_there(), self.folder / who, told)
            kill = 0 if spared or attempt == KILLS else self.chance.randint(5, 2 * len(records) + 10)
            trouble.aim(process.pid, kill)
            if end_of_write(self.history, who, process, records, SECONDS_TO_HANG * 4) == 0:
                return

    def _config_there(self) -> dict[str, Any]:
        more = {"identify_by": "ledger", "ledger_url": f"sqlite:///{self.folder}/ledger.sqlite", "settle_seconds": 0}
        return {**self.subject.config(self.there.crm), **more}


def _number(identifier: Any) -> int:
    return int(str(identifier).rpartition("x")[2])


def _key(identifier: Any) -> str:
    return f"k{_number(identifier)}"


def _values(subject: Subject, identifier: Any, text: str) -> dict[str, Any]:
    number = _number(identifier)
    return {"key": f"k{number}", **subject.values(number), subject.text: text}


class _Keys(dict[str, str]):
    """The key of a match value, which holds its number."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        before, _, after = str(subject.values(7)[subject.match]).partition("7")
        self._ends = before, after

    def get(self, value: Any, default: Any = None) -> Any:
        """The key, or nothing where the record is none of ours."""
        before, after = self._ends
        number = str(value).removeprefix(before).removesuffix(after)
        return f"k{number}" if number.isdigit() and f"{before}{number}{after}" == value else default
