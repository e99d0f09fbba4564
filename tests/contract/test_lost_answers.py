"""After a lost answer the record is looked for by what the CRM shows, never by our clock, nor taken from a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Call, Fault
from tests.contract.subjects import Subject, records
from tests.running import database
from tests.target_crm.writing import QuietTarget, Run, record, run, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crm_simulators.base import Simulator

ZONES = ["Etc/GMT+12", "Etc/GMT+3", "UTC", "Asia/Kolkata", "Etc/GMT-14"]
"""Hours west and east of where the simulators' walls are."""


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(10) as simulator:
        yield simulator


def creates(call: Call) -> bool:
    """Whether a request creates a record, in any of the systems."""
    by_path = call.path.endswith("/create") or (call.method == "POST" and call.path.endswith("/parties"))
    return call.form.get("operation") == "create" or by_path


def nth_create(fault: Fault, number: int) -> Callable[[Call], Fault | None]:
    """The fault at one create only."""
    left = [None] * number

    def at(call: Call) -> Fault | None:
        if not creates(call) or not left:
            return None
        left.pop()
        return None if left else fault

    return at


def no_fault(_call: Call) -> None:
    """Nothing goes wrong."""


def load(subject: Subject, crm: Simulator, ledger: Path, *incoming: dict[str, Any], **settings: Any) -> Run:
    """Writes records by ledger."""
    target = settings.pop("target", QuietTarget)
    config = {**subject.config(crm), "identify_by": "ledger", "ledger_url": f"sqlite:///{ledger}", **settings}
    fields = dict.fromkeys(["key", *(name for each in incoming for name in each)])
    messages = [schema(subject.entity, fields, ["key"]), *(record(subject.entity, **each) for each in incoming)]
    return run(config, messages, target=target)


def there(subject: Subject, crm: Simulator, number: int = 0) -> list[dict[str, Any]]:
    """The records that hold the values of the n-th new one."""
    wanted = subject.values(number)[subject.match]
    return [row for row in records(crm, subject.entity) if row.get(subject.match) == wanted]


def incoming(subject: Subject, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"key": f"k{number}", **subject.values(number), **more}


@pytest.mark.sweep
@pytest.mark.parametrize(("lost", "zone"), list(zip([1, 3, 1, 3, 3], ZONES, strict=True)))
def test_a_wrong_zone_doubles_nothing(subject: Subject, crm: Simulator, tmp_path: Path, zone: str, lost: int) -> None:
    crm.fault = nth_create(Fault.LOST_ANSWER, lost)
    new = [incoming(subject, number) for number in range(4)]
    assert load(subject, crm, tmp_path / "ledger", *new, timezone=zone, parallel_requests=1).exit == ""
    crm.fault = no_fault
    assert "4 unchanged" in load(subject, crm, tmp_path / "ledger", *new, timezone=zone).line(subject.entity)
    assert [len(there(subject, crm, number)) for number in range(4)] == [1, 1, 1, 1]


def test_by_match_fields_what_a_lost_create_made_is_found_again(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    crm.fault = nth_create(Fault.LOST_ANSWER, 2)
    new = [incoming(subject), incoming(subject, 1), {**incoming(subject, 1), "key": "of the same name"}]
    assert load(subject, crm, tmp_path / "ledger", *new, identify_by=[subject.match]).exit == ""
    assert len(there(subject, crm, 1)) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("zone", [ZONES[0], "Asia/Kolkata", ZONES[-1]])
def test_a_wrong_zone_doubles_nothing_after_a_killed_run(
    subject: Subject, crm: Simulator, tmp_path: Path, zone: str
) -> None:
    killed(subject, crm, tmp_path / "ledger", timezone=zone)
    crm.clock.advance(600)
    assert load(subject, crm, tmp_path / "ledger", incoming(subject), timezone=zone).exit == ""
    assert len(there(subject, crm)) == 1


def killed(subject: Subject, crm: Simulator, ledger: Path, fault: Fault = Fault.LOST_ANSWER, **settings: Any) -> None:
    """A run that ends, as if killed, when the answer to its first create is lost."""
    before = len(crm.calls)

    class Killed(BaseException):
        pass

    def die(seconds: float) -> None:  # noqa: ARG001 - called as sleep is
        if any(map(creates, crm.calls[before:])):
            raise Killed

    class Dying(QuietTarget):
        sleep = staticmethod(die)

    crm.fault = nth_create(fault, 1)
    with pytest.raises(Killed):
        load(subject, crm, ledger, incoming(subject), target=Dying, **settings)
    crm.fault = no_fault


@pytest.mark.sweep
@pytest.mark.parametrize(("old", "first"), [(0, True), (3600, False), (7200, True), (86_400 * 3, False)])
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_ANSWER], ids=lambda fault: fault.name.lower())
def test_a_strangers_record_is_not_taken_for_ours(
    subject: Subject, crm: Simulator, tmp_path: Path, old: int, fault: Fault, *, first: bool
) -> None:
    load(subject, crm, tmp_path / "stranger", incoming(subject))
    stranger = there(subject, crm)[0]
    crm.clock.advance(old)
    if not first:
        load(subject, crm, tmp_path / "ledger", incoming(subject, 1))
    crm.fault = nth_create(fault, 1)
    assert load(subject, crm, tmp_path / "ledger", incoming(subject)).exit == ""
    crm.fault = no_fault
    assert load(subject, crm, tmp_path / "ledger", incoming(subject, 0, **{subject.text: "ours"})).exit == ""
    found = {str(row["id"]): row for row in there(subject, crm)}
    assert len(found) == 2
    assert found[str(stranger["id"])].get(subject.text) == stranger.get(subject.text)
    assert sum(row.get(subject.text) == "ours" for row in found.values()) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_ANSWER], ids=lambda fault: fault.name.lower())
def test_a_strangers_record_is_not_taken_for_that_of_a_killed_run(
    subject: Subject, crm: Simulator, tmp_path: Path, fault: Fault
) -> None:
    load(subject, crm, tmp_path / "stranger", incoming(subject))
    stranger = there(subject, crm)[0]
    killed(subject, crm, tmp_path / "ledger", fault)
    assert load(subject, crm, tmp_path / "ledger", incoming(subject, 0, **{subject.text: "ours"})).exit == ""
    found = {str(row["id"]): row for row in there(subject, crm)}
    assert len(found) == 2
    assert found[str(stranger["id"])].get(subject.text) == stranger.get(subject.text)
    assert sum(row.get(subject.text) == "ours" for row in found.values()) == 1


def test_a_record_of_another_pipeline_is_not_taken_for_that_of_a_killed_run(
    subject: Subject, crm: Simulator, tmp_path: Path
) -> None:
    killed(subject, crm, tmp_path / "ledger", Fault.REFUSED)
    for source in ("another", "default"):
        assert load(subject, crm, tmp_path / "ledger", incoming(subject), source=source).exit == ""
    assert len(there(subject, crm)) == 2


@pytest.mark.sweep
@pytest.mark.parametrize("zone", ZONES)
def test_a_wrong_zone_doubles_nothing_that_an_earlier_version_left(
    subject: Subject, crm: Simulator, tmp_path: Path, zone: str
) -> None:
    killed(subject, crm, tmp_path / "ledger", timezone=zone)
    with database(tmp_path / "ledger") as ledger:
        ledger.execute("UPDATE intents SET shown = NULL, owner = NULL, holder = NULL, lease_until = NULL")
    ledger.close()
    crm.clock.advance(600)
    load(subject, crm, tmp_path / "ledger", incoming(subject), timezone=zone)
    assert len(there(subject, crm)) == 1
