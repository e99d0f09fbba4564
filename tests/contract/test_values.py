"""A value goes there and back as what it means, in whatever form it comes, or is refused by the name of its field."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.subjects import Subject, records
from tests.running import run as read
from tests.tap_crm.test_singer import assert_valid
from tests.target_crm.writing import Run, pipe, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crm_simulators.base import Simulator

FLATTENING: list[dict[str, Any]] = [
    {"flattening_enabled": True, "flattening_max_depth": depth, "flattening_separator": separator}
    for depth, separator in ((1, "__"), (3, "."))
]
WORDS = ("nan", "NaN", "inf", "Infinity", "None")


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(20) as simulator:
        yield simulator


def load(subject: Subject, crm: Simulator, folder: Path, values: Mapping[str, str]) -> Run:
    """Sends one record whose values, but for those that it needs, are given as JSON."""
    needed = {"key": 1, **subject.values(1)}
    schema: dict[str, Any] = {"properties": {name: {} for name in [*needed, *values]}}
    first = {"type": "SCHEMA", "stream": subject.entity, "schema": schema, "key_properties": ["key"]}
    written = {**{name: json.dumps(value) for name, value in needed.items()}, **values}
    inside = ", ".join(f"{json.dumps(name)}: {value}" for name, value in written.items())
    url = f"sqlite:///{folder}/ledger.sqlite"
    lines = [json.dumps(first), f'{{"type": "RECORD", "stream": "{subject.entity}", "record": {{{inside}}}}}']
    return run({**subject.config(crm), "ledger_url": url, "identify_by": "ledger"}, lines)


def newest(subject: Subject, crm: Simulator) -> dict[str, Any]:
    wanted = subject.values(1)[subject.match]
    return next(row for row in records(crm, subject.entity) if row.get(subject.match) == wanted)


@pytest.mark.parametrize("flattening", FLATTENING, ids=str)
def test_what_flattening_made_texts_of_is_unchanged(
    subject: Subject, crm: Simulator, tmp_path: Path, flattening: dict[str, Any]
) -> None:
    before = records(crm, subject.entity)
    told = read({**subject.config(crm), **flattening, "entities": [subject.entity]})
    count = len(told.records[subject.entity])
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    config = {
        **subject.config(crm),
        "ledger_url": url,
        "identify_by": "id",
        "unknown_fields": "drop",
    }
    result = run(config, told.output.splitlines())
    assert result.exit == ""
    assert f"{count} unchanged" in result.line(subject.entity)
    assert records(crm, subject.entity) == before


def test_what_is_flattened_is_as_the_schema_says(subject: Subject, crm: Simulator) -> None:
    told = read({**subject.config(crm), **FLATTENING[0], "skip_unreadable": True})
    assert told.exit == ""
    assert_valid(told)


@pytest.mark.parametrize("value", ["NaN", '[NaN, null, {"a": [NaN]}]'])
def test_nan_is_never_a_word(subject: Subject, crm: Simulator, tmp_path: Path, value: str) -> None:
    result = load(subject, crm, tmp_path, {subject.text: value})
    assert result.exit == ""
    stored = str(newest(subject, crm).get(subject.text) or "")
    assert not [word for word in WORDS if word in stored]


@pytest.mark.sweep
@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "[[Infinity]]"])
def test_infinity_is_refused_by_name(subject: Subject, crm: Simulator, tmp_path: Path, value: str) -> None:
    result = load(subject, crm, tmp_path, {subject.text: value})
    assert f"its {subject.text} is no " in result.exit


@pytest.mark.sweep
@pytest.mark.parametrize("place", ["value", "key", "name"])
def test_half_a_surrogate_pair_is_refused_and_kept(
    subject: Subject, crm: Simulator, tmp_path: Path, place: str
) -> None:
    record = {"key": 1, **subject.values(1)}
    odd: dict[str, dict[str, Any]] = {
        "value": {subject.text: ["\ud800"]},
        "key": {"key": "\ud800"},
        "name": {"\udc00": 1},
    }
    record |= odd[place]
    schema: dict[str, Any] = {"properties": {name: {} for name in ["key", *subject.values(1), subject.text]}}
    lines: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": subject.entity, "schema": schema, "key_properties": ["key"]},
        {"type": "RECORD", "stream": subject.entity, "record": record},
        {"type": "RECORD", "stream": subject.entity, "record": {"key": 2, **subject.values(2)}},
    ]
    more = {"ledger_url": f"sqlite:///{tmp_path}/l", "identify_by": "ledger", "max_rejects": -1}
    more |= {"rejects_path": str(tmp_path / "rejects"), "report_path": str(tmp_path / "report.html")}
    result = run({**subject.config(crm), **more}, lines)
    assert result.exit == ""
    assert result.everything.encode()
    assert "1 create, 1 reject" in result.line(subject.entity)
    assert "half a surrogate pair" in result.log
    kept = [json.loads(line) for line in (tmp_path / "rejects").read_text("utf-8").splitlines()]
    assert kept[-1]["record"] == record


def test_every_fault_of_a_record_is_named(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    mandatory = next(iter(subject.values(1)))
    result = load(subject, crm, tmp_path, {mandatory: "null", subject.text: "Infinity", subject.match: "-Infinity"})
    for name in {subject.text, subject.match}:
        assert f"its {name} is no " in result.exit


def test_a_few_fields_of_known_records_are_enough_by_ledger(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    assert load(subject, crm, tmp_path, {}).exit == ""
    few: dict[str, Any] = {"key": 1, subject.text: "a few"}
    schema: dict[str, Any] = {"properties": {name: {} for name in few}}
    lines: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": subject.entity, "schema": schema, "key_properties": ["key"]},
        {"type": "RECORD", "stream": subject.entity, "record": few},
    ]
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite", "identify_by": "ledger"}
    assert "1 update" in run(config, lines).line(subject.entity)
    stranger = {"type": "RECORD", "stream": subject.entity, "record": {**few, "key": 2}}
    assert f"{subject.entity}: the record 2 is rejected" in run(config, [lines[0], stranger]).exit
    # Where nothing is known, nothing can be created.
    assert run({**config, "source": "other"}, lines).exit


def test_a_composed_letter_is_its_parts(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    before, values = len(records(crm, subject.entity)), subject.values(1)
    written = values[subject.match].translate(str.maketrans({"e": "é", "и": "й"}))
    forms = [unicodedata.normalize(form, written) for form in ("NFC", "NFD")]
    people = [{"key": number, **values, subject.match: each} for number, each in enumerate([*forms, forms[0]])]
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite"}
    result = run({**config, "identify_by": [subject.match]}, pipe(subject.entity, people, ["key"], owner=None))
    assert (result.exit, len(records(crm, subject.entity))) == ("", before + 1)
