"""Deletions that a CRM does not tell are found in full, and none is made up, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator
from crm_simulators.alfacrm import Switches as AlfaCrmSwitches
from crm_simulators.base import SLOW, Answer, Fault
from crm_simulators.vtiger import VtigerSimulator
from tests.contract.subjects import SUBJECTS, Subject, change, records
from tests.contract.test_shrinking_lists import LIES, LISTS, is_list, lying
from tests.running import Run, discover, only, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Call, Simulator

ROWS = 60
SEEDS = range(int(os.environ.get("DELETION_SEEDS", "2")))
"""More of them take longer: each is some ten runs."""
RUNS = 5
FAULTS = tuple(fault for fault in Fault if fault not in SLOW)


def mute(subject: Subject) -> Any:
    """A simulator that does not tell deletions."""
    if subject is SUBJECTS["alfacrm"]:
        denied = AlfaCrmSwitches(requests_per_second=None, denied=frozenset({"log"}))
        return AlfaCrmSimulator(rows=ROWS, switches=denied)
    crm = subject.start(ROWS)
    if isinstance(crm, VtigerSimulator):
        crm.switches = replace(crm.switches, sync_registered=False)
        crm.store.flavour = replace(crm.store.flavour, syncs=False)
    return crm


class Crm:
    """A CRM in which others work, and what has arrived of it somewhere else."""

    def __init__(self, subject: Subject, crm: Any, seed: int) -> None:
        self.subject = subject
        self.crm = crm
        self.random = Random(seed)
        self.arrived: set[str] = set()
        self.edits = self.faults = 0.0
        """How likely they are at a request."""
        self.deleted: set[str] = set()
        crm.fault = self._fault
        crm.answer = self._answer

    @property
    def there(self) -> set[str]:
        return {str(row["id"]) for row in records(self.crm, self.subject.entity)}

    def delete(self, key: str) -> None:
        self.deleted.add(key)
        if isinstance(self.crm, VtigerSimulator):
            self.crm.store.delete(key)
        else:
            self.crm.delete(self.subject.entity, int(key))

    def _edit(self) -> None:
        key = self.random.choice(sorted(self.there))
        work = self.random.choice(["delete", "change", "create"])
        if work == "delete" and len(self.there) > ROWS / 2:
            self.delete(key)
        elif work == "change":
            change(self.crm, self.subject.entity, key, {self.subject.text: f"changed {self.random.random()}"})
        elif work == "create":
            self.create()

    def create(self) -> None:
        store = self.crm.store if isinstance(self.crm, VtigerSimulator) else self.crm
        store.insert(self.subject.entity, self.subject.values(self.random.randrange(10**9)))

    def _fault(self, _call: Call) -> Fault | None:
        if self.random.random() < self.edits:
            self._edit()
        return self.random.choice(FAULTS) if self.random.random() < self.faults else None

    def _answer(self, call: Call) -> Answer:
        answer: Answer = type(self.crm).answer(self.crm, call)
        if not is_list(call) or answer.status != 200 or self.random.random() >= self.faults:
            return answer
        told = json.loads(answer.body, strict=False)
        lie = self.random.choice([LIES["empty"], LIES["a total of zero"], clipped, holed])
        return Answer(json.dumps(lie(told)).encode())

    def take(self, result: Run) -> None:
        """What a run gave arrives."""
        for row in result.records[self.subject.entity]:
            if row.get("_sdc_deleted_at"):
                assert str(row["id"]) not in self.there, "a deletion was made up"
                self.arrived.discard(str(row["id"]))
            else:
                self.arrived.add(str(row["id"]))


def clipped(told: Any) -> Any:
    """Half of the rows, and all that is said beside them."""
    return _kept(told, lambda rows: rows[: len(rows) // 2])


def holed(told: Any) -> Any:
    """A row is left out in the middle."""
    return _kept(told, lambda rows: rows[: len(rows) // 2] + rows[len(rows) // 2 + 1 :])


def _kept(told: Any, keep: Any) -> Any:
    if isinstance(told, list):
        return keep(told)
    return {**told, **{name: keep(told[name]) for name in LISTS if isinstance(told.get(name), list)}}


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[str(request.param)]


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with mute(subject) as simulator:
        yield simulator


def config_of(subject: Subject, crm: Simulator, folder: Path) -> dict[str, Any]:
    keys = f"sqlite:///{folder}/keys.sqlite"
    more = {"entities": [subject.entity], "deletions": "compare", "keys_url": keys, "page_size": 20}
    return {**subject.config(crm), **more, "most_deletions": 60, "deletion_records": "marked"}


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("faults", [0, 0.1], ids=["edits", "edits and faults"])
def test_found_in_full_and_none_made_up(
    subject: Subject, crm: Simulator, tmp_path: Path, seed: int, faults: float
) -> None:
    config = config_of(subject, crm, tmp_path)
    world = Crm(subject, crm, seed)
    state: dict[str, Any] = {}
    for _ in range(RUNS):
        world.edits, world.faults = 0.4, faults
        crm.clock.advance(600)
        result = run(config, state=state)
        world.take(result)
        state = result.state or state
    world.edits = world.faults = 0
    while len(world.there) % 2 == 0 or len(world.there) % 5 == 0:
        world.create()  # a list that ends at a round number may have been cut
    crm.clock.advance(600)
    for _ in range(2):
        result = run(config, state=state)
        assert result.exit == ""
        world.take(result)
        state = result.state
    whole = run({**config, "deletions": "off"}).records[subject.entity]
    there = {str(row["id"]) for row in whole}
    assert world.deleted
    # A record that a lying server leaves out of what was changed is beyond us; one that is gone is not.
    assert world.arrived <= there if faults else world.arrived == there
    assert run(config, state=state).records[subject.entity] == []


@pytest.mark.parametrize("subject", ["vtiger", "intouch"], indirect=True)
def test_a_list_that_lacks_a_record_once_is_not_believed(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    config = config_of(subject, crm, tmp_path)
    catalog = only(discover(config), subject.entity)
    first = run(config, catalog=catalog)
    with lying(crm, holed) as counted:
        assert run(config, catalog=catalog, state=first.state).records[subject.entity] == []
    for number in range(1, counted.asked + 1):
        with lying(crm, holed, number, forever=False):
            result = run(config, catalog=catalog, state=first.state)
        assert [row for row in result.records[subject.entity] if row["_sdc_deleted_at"]] == [], f"request {number}"


@pytest.mark.parametrize("subject", ["vtiger", "intouch"], indirect=True)
def test_what_a_first_run_sent_that_left_no_state_is_told_in_the_end(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    config, world = config_of(subject, crm, tmp_path), Crm(subject, crm, 0)
    world.take(run(config))  # and it was killed before its state left
    world.delete(min(world.there))
    state: dict[str, Any] = {}
    for _round in range(2):
        crm.clock.advance(600)
        result = run(config, state=state)
        world.take(result)
        state = result.state
    assert world.arrived == world.there


@pytest.mark.parametrize("subject", ["vtiger", "alfacrm"], indirect=True)
def test_what_a_first_run_sent_that_failed_is_told_by_the_next(subject: Subject) -> None:
    """Where the CRM tells deletions itself, also if the next run cannot go on, but begins anew."""
    with subject.start(ROWS) as crm:
        config = {**subject.config(crm), "entities": [subject.entity], "page_size": 20, "deletion_records": "marked"}
        config["parallel_requests"] = 1
        catalog, world = only(discover(config), subject.entity), Crm(subject, crm, 0)
        crm.calls.clear()
        run(config, catalog=catalog)
        last = [call.number for call in crm.calls if is_list(call)][-1]
        crm.calls.clear()
        crm.fault = lambda call: Fault.ERROR_BEFORE if call.number >= last and is_list(call) else None
        first = run(config, catalog=catalog)
        crm.fault = lambda _call: None
        assert first.exit
        world.take(first)
        world.delete(min(world.arrived))
        crm.clock.advance(600)
        world.take(run(config, catalog=catalog, state=first.state))
        assert world.arrived == world.there
