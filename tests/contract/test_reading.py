"""What a user may expect of every system when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from crm_simulators.base import SLOW, Call, Fault
from tests.contract.subjects import Subject, change, records
from tests.running import discover, only, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulators.base import Simulator

ROWS = 130
PASSING = [fault for fault in Fault if fault not in {Fault.EXPIRED_SESSION, *SLOW}]


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(ROWS) as simulator:
        yield simulator


@pytest.fixture
def config(subject: Subject, crm: Simulator) -> dict[str, Any]:
    return {**subject.config(crm), "entities": [subject.entity]}


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row["id"]) for row in rows)


def test_every_record_comes_once(subject: Subject, crm: Simulator, config: dict[str, Any]) -> None:
    result = run(config)
    assert result.exit == ""
    assert ids(result.records[subject.entity]) == ids(records(crm, subject.entity))


def test_records_fit_their_schema(subject: Subject, config: dict[str, Any]) -> None:
    result = run(config)
    schema = result.schemas[subject.entity]["schema"]
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    for record in result.records[subject.entity]:
        validator.validate({name: float(v) if type(v).__name__ == "Decimal" else v for name, v in record.items()})


def test_a_second_run_brings_only_what_was_changed(subject: Subject, crm: Simulator, config: dict[str, Any]) -> None:
    catalog = only(discover(config), subject.entity)
    first = run(config, catalog=catalog)
    if first.schemas[subject.entity].get("bookmark_properties"):
        assert run(config, catalog=catalog, state=first.state).records == {}
    changed = ids(first.records[subject.entity])[7]
    change(crm, subject.entity, changed, {subject.text: "changed meanwhile"})
    second = run(config, catalog=catalog, state=first.state)
    found = {str(record["id"]): record for record in second.records[subject.entity]}
    assert found[changed][subject.text] == "changed meanwhile"
    assert len(found) == 1 or not first.schemas[subject.entity].get("bookmark_properties")


def test_an_empty_crm_is_no_mistake(subject: Subject) -> None:
    with subject.start(0) as simulator:
        assert run({**subject.config(simulator), "entities": [subject.entity]}).exit == ""


def test_a_wrong_key_gives_one_sentence(subject: Subject, config: dict[str, Any]) -> None:
    result = run({**config, subject.secret: "not-the-secret"})
    assert result.exit.count("\n") == 0
    assert f"`{subject.secret}`" in result.exit
    assert "not-the-secret" not in result.everything
    assert "Traceback" not in result.everything


def test_an_expired_session_is_renewed(subject: Subject, crm: Simulator, config: dict[str, Any]) -> None:
    crm.fault = lambda call: Fault.EXPIRED_SESSION if call.number % 7 == 0 else None
    result = run(config)
    assert result.exit == ""
    assert ids(result.records[subject.entity]) == ids(records(crm, subject.entity))


@pytest.mark.sweep
@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name.lower())
def test_a_passing_fault_loses_nothing(subject: Subject, crm: Simulator, config: dict[str, Any], fault: Fault) -> None:
    hit: set[int] = set()

    def now_and_then(call: Call) -> Fault | None:
        if call.number % 3 or call.number in hit:
            return None
        hit.add(call.number)
        return fault

    crm.fault = now_and_then
    result = run(config)
    assert hit
    assert result.exit == ""
    assert ids(result.records[subject.entity]) == ids(records(crm, subject.entity))


def test_a_hopeless_server_gives_one_sentence(subject: Subject, crm: Simulator, config: dict[str, Any]) -> None:
    crm.fault = lambda _call: Fault.HTML
    result = run(config)
    assert "a web page instead of data" in result.exit
    assert config[subject.secret] not in result.everything
