"""A history: users edit, create and delete on both sides while two pipelines alternate, overlap and are killed."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from crm_simulators.base import Fault
from crm_systems.model import Kind
from target_crm.writing.creation import may_be_stored_as
from tests.contract.subjects import SUBJECTS
from tests.running import database
from tests.two_ways.pipes import Pipe
from tests.two_ways.sides import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call

PAIRS = (("vtiger", "vtiger"), ("vtiger", "alfacrm"), ("vtiger", "egito"), ("intouch", "vtiger"))
MEMORY = Path("/dev/shm")
READS = frozenset({"query", "describe", "listtypes", "getchallenge", "login", "logout", "sync", "retrieve"})

SIDES = st.sampled_from(["a", "b"])
NTH = st.integers(0, 7)
ACTIONS = st.sampled_from(["edit"] * 10 + ["run"] * 5 + ["create", "delete", "overlap", "at once", "kill", "kill"])
NAMES = st.sampled_from(["first_name", "last_name", "email", "note"])
TEXTS = st.sampled_from(["plain", "long", "emoji", "markup", "blank", "empty", "earlier"])


class History(RuleBasedStateMachine):
    """One pair; a subclass names it."""

    pair: ClassVar[tuple[str, str]]

    @initialize()
    def start(self) -> None:
        """Two empty CRMs."""
        self.ends = ExitStack()
        folder = self.ends.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        self.folder = Path(folder)
        self.sides = {
            name: Side(system, name, self.ends.enter_context(SUBJECTS[system].start(0)))
            for name, system in zip("ab", self.pair, strict=True)
        }
        one, other = self.sides.values()
        self.pipes = {"a": Pipe(one, other, self.folder), "b": Pipe(other, one, self.folder)}
        self.common = [name for name in one.kind.fields if name in other.kind.fields]
        self.numbers = count()
        self.entered: set[str] = {""}
        self.held: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        """By side, id and field, all that was ever there."""
        self.edits: dict[tuple[str, str, str], str] = {}
        """By side, id and field, what a user entered last."""
        self.reported: list[dict[str, Any]] = []
        for side in "ab":
            self.create(side, "plain")
            self.create(side, "long")

    def text(self, side: Side, name: str, kind: str) -> str:
        """A text that was never there, as this CRM can hold it."""
        number = next(self.numbers)
        word = "".join("abcdefghij"[int(digit)] for digit in str(number)) + "x"
        if name == "email":
            return f"{word}@example.com"
        if name != "note":
            return f"{word} {'van Rijn ' * 20}"[: side.kind.widths[name]].strip() if kind == "long" else f"Name {word}"
        texts = {
            "long": f"{word} " + "much more " * 300,
            "emoji": f"up {word} " + ("!" if side.system == "vtiger" else "\U0001f680"),
            "markup": f"<b>{word}</b> &amp; co",
            "blank": f" {word}  ",
            "empty": "",
        }
        return texts.get(kind, f"note {word}")

    @rule(action=ACTIONS, side=SIDES, nth=NTH, name=NAMES, kind=TEXTS)
    def edit_or_run(self, action: str, side: str, nth: int, name: str, kind: str) -> None:
        """One step; in one rule, since Hypothesis leaves out some rules of each history altogether."""
        for each in self.sides.values():
            # What is changed and changed back within a second has not changed, as far as a CRM tells.
            each.simulator.clock.advance(1)
        if action == "create":
            self.create(side, kind)
        elif action == "edit":
            self.edit(side, nth, name, kind)
        elif action == "delete":
            self.delete(side, nth)
        elif action == "run":
            self.carry(side, self.pipes[side].read())
        elif action == "overlap":
            self.overlap(side, then=nth > 1)
        elif action == "at once":
            self.at_once()
        else:
            self.kill(side, 3 + nth, Fault.LOST_ANSWER if kind == "plain" else Fault.REFUSED)

    def create(self, side: str, kind: str) -> None:
        """A user enters a person."""
        there = self.sides[side]
        values = {name: self.text(there, name, kind) for name in there.kind.fields}
        self.entered.update(values.values())
        self.notice(side, there.create(values))

    def edit(self, side: str, nth: int, name: str, kind: str) -> None:
        """A user edits a field."""
        there = self.sides[side]
        if name in self.common and (ids := list(there.people())):
            crm_id = ids[nth % len(ids)]
            value = self.held[side, crm_id, name][0] if kind == "earlier" else self.text(there, name, kind)
            self.entered.add(value)
            there.edit(crm_id, name, value)
            self.notice(side, crm_id)

    def delete(self, side: str, nth: int) -> None:
        """A user deletes a person, where both sides know of deletions."""
        both = all(each.kind.tells_deletions for each in self.sides.values())
        if both and (ids := list(self.sides[side].people())):
            self.sides[side].delete(ids[nth % len(ids)])

    def overlap(self, first: str, *, then: bool) -> None:
        """Both pipelines have read before either writes; a user may edit in between."""
        second = "b" if first == "a" else "a"
        read = {way: self.pipes[way].read() for way in (first, second)}
        self.carry(first, read[first])
        if then:
            self.edit(second, 0, "note", "plain")
        self.carry(second, read[second])

    def at_once(self) -> None:
        """Both pipelines run at the same time."""
        read = {way: pipe.read() for way, pipe in self.pipes.items()}

        def work() -> None:
            begun = {way: pipe.begin(read[way]) for way, pipe in self.pipes.items()}
            for way, pipe in self.pipes.items():
                pipe.end(begun[way])

        self.watched("ab", work)

    def kill(self, way: str, at: int, moment: Fault) -> None:
        """A pipeline is killed."""
        pipe = self.pipes[way]
        messages = pipe.read()
        self.watched(way, lambda: pipe.write_and_die(messages, at, moment))

    def carry(self, way: str, messages: list[str]) -> str:
        """A pipeline writes; it may ask for the other one to be run first."""
        ends: list[str] = []
        self.watched(way, lambda: ends.append(self.pipes[way].write(messages)))
        assert not ends[0] or "run that pipeline first" in ends[0], ends[0]
        return ends[0]

    def watched(self, ways: str, work: Callable[[], object]) -> None:
        """Does something in pipelines, and sees that they overwrite no edit that nobody is told of."""
        pipes = [self.pipes[way] for way in ways]
        before = {pipe: pipe.there.people() for pipe in pipes}
        work()
        for pipe in pipes:
            self.reported += pipe.conflicts()
            for crm_id in pipe.there.people():
                self.notice(pipe.there.name, crm_id, by_user=False)
        for pipe in pipes:
            self.check(pipe, before[pipe])

    def check(self, pipe: Pipe, before: dict[str, dict[str, str]]) -> None:
        """Each edit that is gone was held by the other side, or stands in a report."""
        there, after, twins = pipe.there.name, pipe.there.people(), self.twins(pipe.there.name)
        for crm_id, name, value in ((crm_id, name, each[name]) for crm_id, each in before.items() for name in each):
            is_edit = name in self.common and self.edits.get((there, crm_id, name)) == value
            if not value or not is_edit or after.get(crm_id, {}).get(name) == value:
                continue
            across = self.held[pipe.source.name, twins.get(crm_id, ""), name]
            reported = [*self.reported, *self.kept_for_the_next_report()]
            told = [str(each["theirs"] or "") for each in reported if each["id"] == crm_id]
            assert any(same(each, value) for each in (*across, *told)), f"{name} of {there} {crm_id}: {value!r} is lost"

    def kept_for_the_next_report(self) -> list[dict[str, Any]]:
        """What runs that were killed overwrote, which the next one tells."""
        with database(self.folder / "ledger.sqlite") as ledger:
            rows = ledger.execute("SELECT crm_id, told FROM conflicts").fetchall()
        return [{**each, "id": crm_id} for crm_id, told in rows for each in json.loads(told)]

    def notice(self, side: str, crm_id: str, *, by_user: bool = True) -> None:
        """Remembers what a record holds."""
        for name, value in self.sides[side].people()[crm_id].items():
            was = self.held[side, crm_id, name]
            if not was or was[-1] != value:
                was.append(value)
                if by_user:
                    self.edits[side, crm_id, name] = value

    def twins(self, side: str) -> dict[str, str]:
        """By the id of a record of one side, that of its twin."""
        with database(self.folder / "ledger.sqlite") as ledger:
            rows = ledger.execute("SELECT source, key, crm_id FROM written").fetchall()
        return {
            (crm_id if source != side else key): (key if source != side else crm_id) for source, key, crm_id in rows
        }

    def teardown(self) -> None:
        """After the last edit two rounds bring both sides together, and the third writes nothing."""
        if not hasattr(self, "sides"):
            return
        with self.ends:
            for _round in range(2):
                for way in "ab":
                    self.carry(way, self.pipes[way].read())
            calls = {name: len(side.simulator.calls) for name, side in self.sides.items()}
            for way in "ab":
                assert self.carry(way, self.pipes[way].read()) == ""
            for name, side in self.sides.items():
                written = [each for each in side.simulator.calls[calls[name] :] if is_write(each)]
                assert not written, f"the third round writes into {name}: {[each.body for each in written]}"
            self.compare()

    def compare(self) -> None:
        """Both sides hold the same people once, with the same values, all of which somebody entered."""
        one, other = (self.sides[name].people() for name in "ab")
        twins = {crm_id: twin for crm_id, twin in self.twins("a").items() if crm_id in one}
        assert sorted(twins.values()) == sorted(other), f"{twins}\n{one}\n{other}"
        for crm_id, twin in twins.items():
            for name in self.common:
                ours, theirs = one[crm_id][name], other[twin][name]
                assert same(ours, theirs), f"{name} of {crm_id} and {twin}: {ours!r} is not {theirs!r}"
                for value in (ours, theirs):
                    assert any(same(each, value) for each in self.entered), f"nobody entered {value!r}"


def same(one: str, other: str) -> bool:
    """Whether one value is the other, or what a server makes of it."""
    return one == other or any(may_be_stored_as(Kind.TEXT, *pair) for pair in ((one, other), (other, one)))


def is_write(call: Call) -> bool:
    """Whether a request changes something."""
    if "operation" in call.form:
        return call.form["operation"] not in READS
    return (
        call.method not in {"GET", "HEAD"} and call.path.rsplit("/", 1)[-1] in {"create", "update", "delete", "parties"}
    ) or call.method in {"PATCH", "PUT", "DELETE"}
