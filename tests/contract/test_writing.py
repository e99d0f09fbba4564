"""What a user may expect of every system when it is written to."""

from __future__ import annotations

from collections import Counter
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import SLOW, Call, Fault
from tests.contract.subjects import Subject, records, turns
from tests.target_crm.writing import Run, record, run, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulators.base import Simulator

NEW = 4
FAULTS = [fault for fault in Fault if fault not in SLOW]


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(10) as simulator:
        yield simulator


def load(subject: Subject, crm: Simulator, folder: Path, **settings: Any) -> Run:
    """Writes the new records."""
    incoming = [{"key": f"k{n}", **subject.values(n)} for n in range(NEW)]
    messages = [
        schema(subject.entity, incoming[0], ["key"]),
        *(record(subject.entity, **each) for each in incoming),
        state("end"),
    ]
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger"}
    return run({**config, **settings}, messages)


def times_there(subject: Subject, crm: Simulator) -> Counter[str]:
    """How often each new record is in the CRM, by the field that identifies it."""
    wanted = {subject.values(n)[subject.match] for n in range(NEW)}
    return Counter(row[subject.match] for row in records(crm, subject.entity) if row.get(subject.match) in wanted)


def each_once(subject: Subject) -> Counter[str]:
    return Counter(subject.values(n)[subject.match] for n in range(NEW))


@pytest.mark.parametrize("by_fields", [False, True], ids=["ledger", "match"])
def test_new_records_are_created_once(subject: Subject, crm: Simulator, tmp_path: Path, *, by_fields: bool) -> None:
    identify_by = [subject.match] if by_fields else "ledger"
    first = load(subject, crm, tmp_path, identify_by=identify_by)
    assert (first.exit, first.states) == ("", [{"at": "end"}])
    assert times_there(subject, crm) == each_once(subject)
    second = load(subject, crm, tmp_path, identify_by=identify_by)
    assert f"{NEW} unchanged" in second.line(subject.entity)
    assert times_there(subject, crm) == each_once(subject)


def test_a_dry_run_changes_nothing(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    before = records(crm, subject.entity)
    result = load(subject, crm, tmp_path, dry_run=True)
    assert f"{NEW} create" in result.line(subject.entity)
    assert records(crm, subject.entity) == before
    assert result.states == []


@cache
def requests_of_a_load(subject: Subject) -> int:
    with TemporaryDirectory() as folder, subject.start(5) as crm:
        load(subject, crm, Path(folder))
        return len(crm.calls)


@pytest.mark.sweep
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())
def test_a_fault_at_any_request_doubles_nothing(subject: Subject, tmp_path: Path, fault: Fault) -> None:
    # Every third, each fault at others.
    for number in turns(subject, range(1 + FAULTS.index(fault) % 3, requests_of_a_load(subject) + 1, 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with subject.start(5) as crm:
            crm.fault = partial(_fault_at, number, fault)
            load(subject, crm, folder)
            crm.fault = _no_fault
            assert load(subject, crm, folder).exit == ""
            assert times_there(subject, crm) == each_once(subject), f"{fault.name} at request {number}"


def _fault_at(number: int, fault: Fault, call: Call) -> Fault | None:
    return fault if call.number == number else None


def _no_fault(_call: Call) -> None:
    return None


def test_a_deletion_is_applied_or_refused_in_words(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    load(subject, crm, tmp_path)
    gone = {"key": "k0", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    fields = ["key", *subject.values(0)]
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite", "identify_by": "ledger"}
    result = run(
        {**config, "deletes": "apply"}, [schema(subject.entity, fields, ["key"]), record(subject.entity, **gone)]
    )
    left = times_there(subject, crm)[subject.values(0)[subject.match]]
    assert (left, "does not let it be deleted" in result.exit) in {(0, False), (1, True)}
