"""A database, a web server or a network that is away for a minute, in the middle of a read and of a write."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Call, Fault
from crm_simulators.outage import Outage
from tests.contract.subjects import Subject, records, turns
from tests.running import QuietTap, Run
from tests.running import run as read
from tests.target_crm.writing import QuietTarget, record, schema, state
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Simulator

NEW = 4
AWAY: dict[str, tuple[Fault | None, Fault | None]] = {
    "database": (Fault.ERROR_BEFORE, Fault.ERROR_AFTER),
    "database, nothing done": (Fault.ERROR_BEFORE, None),
    "web server": (None, Fault.LOST_ANSWER),
    "web server, nothing done": (None, None),
    "behind a proxy": (Fault.GATEWAY, Fault.GATEWAY_AFTER),
    "network": (Fault.REFUSED, Fault.TRUNCATED),
    "maintenance page": (Fault.HTML, None),
}
"""What every request meets, and the first one."""


@pytest.fixture(params=AWAY)
def away(request: pytest.FixtureRequest) -> tuple[Fault | None, Fault | None]:
    return AWAY[request.param]


def at(number: int) -> Callable[[Call], bool]:
    return lambda call: call.number == number


def load(subject: Subject, crm: Simulator, folder: Path, outage: Outage | None = None) -> Any:
    """Writes new records, and changes the first of them."""
    values = [subject.values(n) for n in range(NEW)]
    incoming = [{"key": f"k{n}", **each} for n, each in enumerate(values)]
    incoming.append({**incoming[0], subject.text: "changed"})
    messages = [
        schema(subject.entity, incoming[-1], ["key"]),
        *(record(subject.entity, **each) for each in incoming),
        state("end"),
    ]

    class Patient(QuietTarget):
        @staticmethod
        def sleep(seconds: float) -> None:
            if outage:
                outage.sleep(seconds)

    config = {**subject.config(crm), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger"}
    return write(config, messages, target=Patient)


def assert_told(words: str, outage: Outage) -> None:
    """It is said once that it waits, for what and how long at the most, and once that it goes on."""
    assert outage.begun
    assert words.count("Waiting for it, 300 s at the most (`patience_seconds`).") == 1
    assert words.count("answers again; going on.") == 1
    assert "Traceback" not in words


def in_order(result: Run) -> dict[str, list[str]]:
    """All records, in an order that does not tell which reader was the first."""
    return {stream: sorted(map(repr, rows)) for stream, rows in result.records.items()}


@pytest.mark.sweep
@pytest.mark.parametrize("part", [0.4, 0.8])
def test_a_read_goes_on(subject: Subject, away: tuple[Fault | None, Fault | None], part: float) -> None:
    with subject.start(130) as crm:
        config = {**subject.config(crm), "entities": [subject.entity], "page_size": 20}
        complete = in_order(read(config))
        outage = Outage(crm, at(len(crm.calls) + int(len(crm.calls) * part)), away[0], first=away[1])
        crm.fault = outage

        class Patient(QuietTap):
            sleep = staticmethod(outage.sleep)  # type: ignore[assignment]  # it does not sleep

        result = read(config, tap=Patient)
        assert result.exit == ""
        assert in_order(result) == complete
        assert_told(result.log, outage)


@cache
def requests_of_a_write(subject: Subject) -> int:
    with TemporaryDirectory() as folder, subject.start(5) as crm:
        load(subject, crm, Path(folder))
        return len(crm.calls)


@pytest.mark.sweep
def test_a_write_goes_on(subject: Subject, away: tuple[Fault | None, Fault | None], tmp_path: Path) -> None:
    requests = requests_of_a_write(subject)
    for number in turns(subject, range(3, requests, max(requests // 7, 1))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with subject.start(5) as crm:
            outage = crm.fault = Outage(crm, at(number), away[0], first=away[1])
            result = load(subject, crm, folder, outage)
            assert (result.exit, result.states) == ("", [{"at": "end"}]), f"at request {number}"
            rows = [row for row in records(crm, subject.entity) if row.get(subject.match) in matches(subject)]
            assert Counter(row[subject.match] for row in rows) == Counter(matches(subject)), f"at request {number}"
            first = next(row for row in rows if row[subject.match] == matches(subject)[0])
            assert first[subject.text] == "changed"
            assert "reject" not in result.line(subject.entity)
            assert_told(result.log, outage)


def matches(subject: Subject) -> list[str]:
    """The values by which the new records are told."""
    return [subject.values(n)[subject.match] for n in range(NEW)]
