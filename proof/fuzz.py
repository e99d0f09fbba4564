"""Singer input and answers that nobody wrote by hand: each ends in a sentence, and nothing wrong is written."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from crm_simulators.vtiger import VtigerSimulator
from proof.checker import Findings, judge
from proof.history import History
from proof.runs import given as given_record
from proof.runs import keys_of, no_hang, note_end, read_run, write_run
from proof.server import Watched
from proof.verdict import Figures, Verdict
from tests.contract.subjects import SUBJECTS
from tests.contract.test_odd_answers import body, mutated, spoil
from tests.target_crm.input.test_input import anything
from tests.target_crm.input.test_input import messages as odd_messages
from tests.target_crm.writing import run as write
from tests.target_crm.writing import schema
from tests.target_crm.writing import settings as target_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART = "input and answers by chance"
ROWS = 30
NEW = 2


@dataclass(frozen=True)
class Case:
    """So many examples of one kind: of ``input``, or of the answers of a system."""

    way: str
    seed: int
    examples: int

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"{self.way}, seed {self.seed}"

    def run(self, folder: Path) -> Verdict:
        """Tries them all."""
        return Fuzz(self, folder).run()


def cases(examples: int, chunk: int = 50) -> Iterator[Case]:
    """``examples`` of input, and as many of answers."""
    for number in range(max(examples // chunk, 1)):
        yield Case("input", number, min(chunk, examples))
        yield Case(list(SUBJECTS)[number % len(SUBJECTS)], number, min(chunk, examples))


@dataclass
class Fuzz:
    """The examples of one case."""

    case: Case
    folder: Path
    findings: Findings = field(default_factory=Findings)
    tried: int = 0

    def run(self) -> Verdict:
        """Tries them all."""
        limits = settings(
            max_examples=self.case.examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        if self.case.way == "input":
            with VtigerSimulator(rows=2, invoices=0) as crm:
                self._try(
                    limits, st.tuples(st.lists(odd_messages | anything, max_size=3), st.booleans()), self._input, crm
                )
        else:
            self._try(limits, st.tuples(st.integers(0, 2**32), st.integers(1, 15), st.booleans()), self._answers)
        return Verdict(PART, self.case.name, self.findings, Figures(cases=self.tried))

    def _try(self, limits: settings, strategy: Any, example: Any, *more: Any) -> None:
        @seed(self.case.seed)
        @limits
        @given(strategy)
        def each(drawn: Any) -> None:
            self.tried += 1
            history = History(self.folder / f"{self.tried}.jsonl")
            example(history, *drawn, *more)
            found = judge(history.close())
            for name, sentences in vars(found).items():
                getattr(self.findings, name).extend(f"{sentence} ({drawn!r})" for sentence in sentences)
            history.path.unlink()

        each()

    def _input(self, history: History, odd: list[Any], described: bool, crm: VtigerSimulator) -> None:
        """Whatever comes in ends well or in a sentence, and makes no more records than it holds."""
        start = [schema("Contacts", ["id", "lastname", "email", "birthday"])] if described else []
        rejects = {"max_rejects": -1, "rejects_path": f"{self.folder}/{self.tried}.rejects"}
        config = target_settings(crm, self.folder, identify_by="ledger", default_owner="admin", unknown_fields="drop")
        before = len(crm.store.records("Contacts"))
        with no_hang(history, "target 1"):
            result = write({**config, **rejects}, [*start, *odd])
            note_end(history, "target 1", "", result.log)
            if result.exit and not result.exit.startswith("target-crm: "):
                self.findings.tracebacks.append(f"no sentence at the end: {result.exit!r}")
        made = len(crm.store.records("Contacts")) - before
        if made > sum(isinstance(each, dict) and each.get("type") == "RECORD" for each in odd):
            self.findings.doubled.append(f"{made} records were made of {odd!r}")

    def _answers(self, history: History, number: int, first: int, is_read: bool) -> None:
        """Answers from the ``first`` on, or that one alone when it is written, are of another shape."""
        subject = SUBJECTS[self.case.way]
        chance = random.Random(number)
        with subject.start(ROWS if is_read else 5) as crm:
            broken = body(lambda told: mutated(told, chance))
            if is_read:
                spoil(crm, broken, which=range(first, 100_000).__contains__)
                read_run(
                    history, "tap 1", subject, {**subject.config(crm), "entities": [subject.entity], "page_size": 10}
                )
                return
            records = [given_record(subject, each) for each in range(NEW)]
            ledger = f"sqlite:///{self.folder}/{self.tried}.sqlite"
            config = {**subject.config(crm), "identify_by": "ledger", "ledger_url": ledger}
            watched = Watched(crm, subject, history, keys_of(subject, records))
            proper = crm.answer
            spoil(crm, broken, which=first.__eq__)
            write_run(history, "target 1", subject, config, records)
            crm.answer = proper
            write_run(history, "target 2", subject, config, records)
            watched.holds_what_was_written()
