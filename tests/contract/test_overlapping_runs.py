"""Two runs on one ledger: while one waits, whatever for, another never creates what the first is about to create."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Fault
from tests.contract.test_lost_answers import creates, incoming, load, there
from tests.running import database
from tests.target_crm.processes import lines_of
from tests.target_crm.writing import QuietTarget, record, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crm_simulators.base import Call, Simulator
    from tests.contract.subjects import Subject

WAYS: dict[str, tuple[Fault | None, float]] = {
    "retry_after": (Fault.THROTTLED_SECONDS, 1000),
    "carried out, no answer": (Fault.LOST_ANSWER, 1000),
    "not carried out, no answer": (Fault.REFUSED, 1000),
    "carried out, an error": (Fault.ERROR_AFTER, 1000),
    "between two attempts": (Fault.ERROR_BEFORE, 1000),
    "pace": (None, 0.1),
}
"""What the first run waits for: what goes wrong with its first create, its requests a second."""


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(5) as simulator:
        yield simulator


class Meanwhile:
    """Runs something while a run waits for the first time with a create under way."""

    def __init__(self, crm: Simulator, ledger: Path, fault: Fault | None, then: Callable[[], None]) -> None:
        self._ledger = ledger
        self._fault = fault
        self._then: Callable[[], None] | None = then
        crm.fault = self._first_create

    def _first_create(self, call: Call) -> Fault | None:
        fault, self._fault = (self._fault, None) if creates(call) else (None, self._fault)
        return fault

    def sleep(self, seconds: float) -> None:
        """How the run waits."""
        if self._then and self._fault is None and _has_intent(self._ledger):
            then, self._then = self._then, None
            then()

    @property
    def came(self) -> bool:
        """Whether the moment came."""
        return self._then is None


def waiting(meanwhile: Meanwhile) -> type[QuietTarget]:
    class Waiting(QuietTarget):
        sleep = staticmethod(meanwhile.sleep)

    return Waiting


def later(seconds: float) -> type[QuietTarget]:
    class Later(QuietTarget):
        now = staticmethod(lambda: QuietTarget.now() + seconds)

    return Later


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seconds", [0, 1000], ids=["within the lease", "after it"])
def test_a_run_that_waits_is_not_overtaken(
    subject: Subject, crm: Simulator, tmp_path: Path, way: str, seconds: float
) -> None:
    fault, pace = WAYS[way]
    ledger = tmp_path / "ledger"
    other = []

    def overtake() -> None:
        other.append(load(subject, crm, ledger, incoming(subject), target=later(seconds), parallel_requests=1))

    meanwhile = Meanwhile(crm, ledger, fault, overtake)
    more = {"parallel_requests": 1, "requests_per_second": pace}
    assert load(subject, crm, ledger, incoming(subject), target=waiting(meanwhile), **more).exit == ""
    assert meanwhile.came
    assert len(there(subject, crm)) == 1
    if seconds:
        assert other[0].exit == ""
    else:
        assert "another run is about to create it, process " in other[0].exit
    again = load(subject, crm, ledger, incoming(subject, 0, **{subject.text: "again"}))
    assert again.exit == ""
    assert [row[subject.text] for row in there(subject, crm)] == ["again"]


def test_a_run_waits_until_the_other_has_done(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    begun, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        begun.set()
        assert go_on.wait(30)

    meanwhile = Meanwhile(crm, ledger, Fault.REFUSED, pause)
    config = {
        **subject.config(crm),
        "identify_by": "ledger",
        "ledger_url": f"sqlite:///{ledger}",
        "parallel_requests": 1,
    }
    target = waiting(meanwhile)(config=config, parse_env_config=False)
    new = incoming(subject)
    messages = lines_of([schema(subject.entity, new, ["key"]), record(subject.entity, **new)])

    def feed() -> None:
        target.process_lines(io.StringIO(messages))
        target.process_endofpipe()

    first = threading.Thread(target=feed)
    first.start()
    assert begun.wait(30)

    class Patient(QuietTarget):
        @staticmethod
        def sleep(seconds: float) -> None:  # noqa: ARG004 - called as sleep is
            if _has_intent(ledger):
                go_on.set()
                first.join(30)

    second = load(subject, crm, ledger, new, target=Patient, parallel_requests=1)
    assert second.exit == ""
    assert second.line(subject.entity).endswith("1 unchanged")
    assert len(there(subject, crm)) == 1


def test_by_match_fields_what_another_run_made_meanwhile_is_not_made_again(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    ledger, by_match = tmp_path / "ledger", {"identify_by": [subject.match], "parallel_requests": 1}

    def overtake() -> None:
        load(subject, crm, ledger, incoming(subject, 1), **by_match)

    meanwhile = Meanwhile(crm, ledger, Fault.LOST_ANSWER, overtake)
    new = [incoming(subject, number) for number in range(2)]
    assert load(subject, crm, ledger, *new, target=waiting(meanwhile), **by_match).exit == ""
    assert meanwhile.came
    assert [len(there(subject, crm, number)) for number in range(2)] == [1, 1]


def _has_intent(ledger: Path) -> bool:
    if not ledger.exists():
        return False
    with database(ledger) as db:
        return bool(db.execute("SELECT 1 FROM intents").fetchall())
