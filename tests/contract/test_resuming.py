"""After a run that was cut off in many creates: one look at the CRM tells what became of all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.test_lost_answers import creates, incoming, load, no_fault, there
from tests.running import database
from tests.target_crm.writing import QuietTarget

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Call, Simulator
    from tests.contract.subjects import Subject

WORKERS = 8
DISTANT = json.dumps({"machine": "another", "started": "1", "run": "r", "host": "h", "pid": 1, "since": "then"})
"""A run on another machine, of which nobody knows whether it lives."""


def cut_off(subject: Subject, crm: Simulator, ledger: Path, number: int, **settings: Any) -> None:
    """Leaves what a run leaves that is killed when the CRM has carried so many creates out, and before it notes one."""
    noted = dict[str, tuple[Any, ...]]()

    def note(call: Call) -> None:
        if creates(call):
            with database(ledger) as db:
                noted.update({row[3]: row for row in db.execute("SELECT * FROM intents")})

    crm.fault = note
    load(subject, crm, ledger, *(incoming(subject, each) for each in range(number)), parallel_requests=1, **settings)
    crm.fault = no_fault
    with database(ledger) as db:
        db.execute("DELETE FROM written")
        db.executemany(f"INSERT INTO intents VALUES ({', '.join('?' * len(noted['k0']))})", noted.values())


def resumed(subject: Subject, crm: Simulator, ledger: Path, number: int, **settings: Any) -> int:
    """How many requests a run sends that brings the same records."""
    before = len(crm.calls)
    coming = (incoming(subject, each) for each in range(number))
    assert load(subject, crm, ledger, *coming, **settings).exit == ""
    assert [len(there(subject, crm, each)) for each in range(number)] == [1] * number
    return len(crm.calls) - before


class Clock:
    """Moves when a run waits."""

    def __init__(self) -> None:
        self.now = QuietTarget.now()

    def target(self) -> type[QuietTarget]:
        def wait(seconds: float) -> None:
            self.now += seconds

        class Patient(QuietTarget):
            sleep = staticmethod(wait)
            now = staticmethod(lambda: self.now)

        return Patient


@pytest.mark.parametrize(
    "is_distant", [False, True], ids=["its lease is over", "its lease ends while it is waited for"]
)
def test_what_many_creates_made_costs_one_list(subject: Subject, tmp_path: Path, *, is_distant: bool) -> None:
    requests = {}
    for number in (1, WORKERS):
        ledger, clock = tmp_path / str(number), Clock()
        with subject.start(5) as crm:
            cut_off(subject, crm, ledger, number)
            with database(ledger) as db:
                until = clock.now + (20 if is_distant else -1)
                db.execute("UPDATE intents SET holder = ?, owner = 'r', lease_until = ?", (DISTANT, until))
            requests[number] = resumed(subject, crm, ledger, number, target=clock.target())
    # What was found is read once more, when its record comes.
    assert requests[WORKERS] - requests[1] <= WORKERS - 1


def test_by_match_fields_none_of_them_is_looked_up_by_itself(subject: Subject, tmp_path: Path) -> None:
    more, by_match = dict[int, int](), {"identify_by": [subject.match]}
    for number in (2, WORKERS):
        ledger = tmp_path / str(number)
        with subject.start(5) as crm:
            cut_off(subject, crm, ledger, number, **by_match)
            with database(ledger) as db:
                db.execute("UPDATE intents SET holder = ?, owner = 'r', lease_until = 0", (DISTANT,))
            requests = resumed(subject, crm, ledger, number, **by_match)
            more[number] = requests - resumed(subject, crm, ledger, number, **by_match)
    assert 0 < more[WORKERS] == more[2]
