"""What a reader may meet, by chance: rows change and go, also between two pages, and it is stopped and goes on."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crm_simulators.base import Call, Fault
from proof.checker import Findings, judge
from proof.history import History
from proof.runs import read_run
from proof.server import Watched
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = "rows that change and go while they are read"
rows_chosen = st.integers(0, 10**6)
"""Which of the rows that are there: by its place, round and round."""


class Reader(RuleBasedStateMachine):
    """One CRM, changed between reads and while they run; at the end a read in peace knows what the CRM holds."""

    system: ClassVar[str] = "vtiger"

    @initialize(rows=st.integers(0, 45))
    def start(self, rows: int) -> None:
        """A CRM of some rows."""
        self.subject = SUBJECTS[self.system]
        self.crm = self.subject.start(rows).start()
        self.folder = tempfile.TemporaryDirectory()
        self.history = History(Path(self.folder.name) / "history.jsonl")
        self.watched = Watched(self.crm, self.subject, self.history, {})
        self.state: dict[str, Any] = {}
        self.runs = 0
        self.edits = 0

    @rule(which=rows_chosen, seconds=st.sampled_from([0, 1, 59, 3600]))
    def edit(self, which: int, seconds: int) -> None:
        """Another user changes a row, a while later."""
        self.crm.clock.advance(seconds)
        if numbers := self._numbers():
            self.edits += 1
            self.watched.edit(numbers[which % len(numbers)], f"edit {self.edits}")

    @rule(which=rows_chosen)
    def delete(self, which: int) -> None:
        """Another user deletes a row."""
        if numbers := self._numbers():
            self.watched.delete(numbers[which % len(numbers)])

    @rule(stop=st.integers(3, 20) | st.none(), between=st.lists(st.tuples(st.integers(3, 20), rows_chosen), max_size=3))
    def read(self, stop: int | None, between: list[tuple[int, int]]) -> None:
        """A read, during which rows change, and which the server may leave at one of its requests for good."""
        first, left = len(self.crm.calls), dict(between)

        def meet(call: Call) -> Fault | None:
            if which := left.pop(call.number - first, None):
                self.edit(which, 0)
            return Fault.REFUSED if stop and call.number - first >= stop else None

        self.crm.fault = meet
        before = self._bookmark()
        self._read()
        assert before is None or self._bookmark() >= before, "the bookmark went back"

    def _read(self) -> None:
        self.runs += 1
        config = {**self.subject.config(self.crm), "entities": [self.subject.entity], "page_size": 10}
        config |= {"parallel_requests": 1 + self.runs % 2, "patience_seconds": 1}
        who = f"tap {self.runs}"
        self.state = read_run(self.history, who, self.subject, config, self.state)

    def _bookmark(self) -> Any:
        return self.state.get("bookmarks", {}).get(self.subject.entity, {}).get("replication_key_value")

    def _numbers(self) -> list[Any]:
        return [number for number, row in self.watched.rows.items() if not getattr(row, "deleted", False)]

    def teardown(self) -> None:
        """Reads once more in peace, and judges."""
        if not hasattr(self, "crm"):
            return
        self.crm.fault = lambda _call: None
        try:
            self._read()
            self.watched.holds_what_is_read()
            found = judge(self.history.close()).all
            assert found == [], found
        finally:
            self.crm.stop()
            self.folder.cleanup()


def reader_of(name: str, number: int = 0) -> type[Reader]:
    """The machine for a system; the number decides what it does."""

    @seed(number)
    class OfSystem(Reader):
        system = name

    return OfSystem


@dataclass(frozen=True)
class Case:
    """So many histories of one system."""

    system: str
    seed: int
    examples: int

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"{self.system}, seed {self.seed}"

    def run(self, folder: Path) -> Verdict:
        """Tries them all, and judges each."""
        machine, findings = reader_of(self.system, self.seed), Findings()
        limits = settings(
            max_examples=self.examples,
            stateful_step_count=12,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(machine, settings=limits)
        except AssertionError as error:
            findings.lost.append(str(error))
        return Verdict(PART, self.name, findings, Figures(cases=self.examples))


def cases(examples: int, chunk: int = 20) -> Iterator[Case]:
    """So many histories, the systems in turn."""
    for number in range(max(examples // chunk, 1)):
        yield Case(list(SUBJECTS)[number % len(SUBJECTS)], number, min(chunk, examples))
