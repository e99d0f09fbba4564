"""One record is one, however its key is spelled: in its own stream, in references to it, and by earlier versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_systems.wire import spelled
from target_crm.ledger import Ledger, Written
from target_crm.mapping.keys import key_of, older_keys_of
from tests.contract.subjects import Subject, records
from tests.target_crm.writing import Run, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from crm_simulators.base import Simulator

NUMBER, TEXT, ANYTHING = {"type": ["integer", "null"]}, {"type": "string"}, dict[str, Any]()
MOMENT = {"type": ["string", "null"], "format": "date-time"}
SPELLINGS: dict[str, tuple[list[dict[str, Any]], list[list[str]]]] = {
    "integer": ([NUMBER], [["11"], ["11.0"], ['"11"'], ["1.1e1"]]),
    "number": ([{"type": "number"}], [["1.5"], ["1.50"], ['"1.50"']]),
    "large": ([NUMBER], [["12345678901234567890123"], ['"12345678901234567890123"'], ["12345678901234567890123.0"]]),
    "undeclared": ([ANYTHING], [["11"], ["11.0"], ['"11"']]),
    "boolean": ([{"type": "boolean"}], [["true"], ['"true"']]),
    "moment": (
        [MOMENT],
        [['"2026-01-31T10:00:00Z"'], ['"2026-01-31T10:00:00.000+00:00"'], ['"2026-01-31T12:00:00+02:00"']],
    ),
    "two numbers": ([NUMBER, NUMBER], [["1", "2"], ["1.0", "2"], ['"1"', '"2"']]),
    "undeclared two": ([ANYTHING, ANYTHING], [["1", '"a"'], ['"1"', '"a"'], ["1.0", '"a"']]),
    "one of several": ([{"anyOf": [NUMBER, {"type": "null"}]}], [["11"], ['"11.0"']]),
}
"""Declared types of a key, and values, as JSON, that are one key."""
APART = [
    (TEXT, '"11"', '"11.0"'),
    (TEXT, '"01"', '"1"'),
    (ANYTHING, '"01"', "1"),
    (NUMBER, "1", "2"),
    (TEXT, '"a"', '"A"'),
    (TEXT, r'"a\u0000"', r'"a\\x00"'),
]


@pytest.fixture
def crm(subject: Subject) -> Iterator[Simulator]:
    with subject.start(3) as simulator:
        yield simulator


def load(
    subject: Subject,
    crm: Simulator,
    folder: Path,
    declared: Sequence[dict[str, Any]],
    keys: Sequence[Sequence[str]],
    **more: Any,
) -> Run:
    """Sends the same record under each of these keys, given as JSON."""
    values = subject.values(1)
    names = [f"k{number}" for number in range(len(declared))]
    properties = {**dict(zip(names, declared, strict=True)), **dict.fromkeys(values, ANYTHING)}
    schema = {"type": "SCHEMA", "stream": subject.entity, "schema": {"properties": properties}, "key_properties": names}
    lines = [json.dumps(schema)]
    for each in keys:
        written = ", ".join(f'"{name}": {value}' for name, value in zip(names, each, strict=True))
        lines.append(
            f'{{"type": "RECORD", "stream": "{subject.entity}", "record": {{{written}, {json.dumps(values)[1:-1]}}}}}'
        )
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger"}
    return run({**config, **more}, lines)


def there(subject: Subject, crm: Simulator) -> int:
    wanted = subject.values(1)[subject.match]
    return sum(row.get(subject.match) == wanted for row in records(crm, subject.entity))


@pytest.mark.sweep
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_key_in_several_spellings_is_one_record(
    subject: Subject, crm: Simulator, tmp_path: Path, spelling: str
) -> None:
    declared, keys = SPELLINGS[spelling]
    result = load(subject, crm, tmp_path, declared, keys)
    assert result.exit == ""
    assert f"1 create, {len(keys) - 1} unchanged" in result.line(subject.entity)
    # A run for each of them knows the record as well.
    for each in keys:
        assert "1 unchanged" in load(subject, crm, tmp_path, declared, [each]).line(subject.entity)
    assert there(subject, crm) == 1


@pytest.mark.parametrize(("declared", "one", "other"), APART)
def test_different_keys_stay_apart(declared: dict[str, Any], one: str, other: str) -> None:
    assert key_of([json.loads(one)], [declared]) != key_of([json.loads(other)], [declared])


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("declared", "old", "new"), [(NUMBER, "11.0", "11.0"), (NUMBER, "11.0", "11"), (NUMBER, "11", '"11"')]
)
def test_a_record_that_an_earlier_version_wrote_is_known(
    subject: Subject, crm: Simulator, tmp_path: Path, declared: dict[str, Any], old: str, new: str
) -> None:
    load(subject, crm, tmp_path, [TEXT], [[f'"{old}"']])
    result = load(subject, crm, tmp_path, [declared], [[new]])
    assert "1 unchanged" in result.line(subject.entity)
    assert there(subject, crm) == 1
    gone = load(subject, crm, tmp_path, [declared], [["11.0"]], deletes="apply", dry_run=True)
    assert "1 unchanged" in gone.line(subject.entity)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "null", '""'])
def test_a_key_that_is_none_is_rejected(subject: Subject, crm: Simulator, tmp_path: Path, value: str) -> None:
    result = load(subject, crm, tmp_path, [ANYTHING], [[value]])
    assert "its key is empty" in result.exit
    assert there(subject, crm) == 0


def test_older_spellings_of_composites_and_moments() -> None:
    assert older_keys_of(["1", "a"], key_of(["1", "a"], [NUMBER, TEXT])) == ('["1", "a"]',)
    assert key_of([1, "a"], [NUMBER, TEXT]) == '[1, "a"]', "as earlier versions spelled it"
    zulu = "2026-01-31T10:00:00Z"
    assert older_keys_of([zulu], key_of([zulu], [MOMENT])) == (zulu,)


def test_a_stream_key_that_looks_like_metadata(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    values = subject.values(1)
    schema = {"properties": dict.fromkeys(["_sdc_sequence", *values], ANYTHING)}
    lines: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": subject.entity, "schema": schema, "key_properties": ["_sdc_sequence"]},
        *({"type": "RECORD", "stream": subject.entity, "record": {"_sdc_sequence": 7, **values}} for _ in range(2)),
    ]
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    result = run({**subject.config(crm), "ledger_url": url, "identify_by": "ledger"}, lines)
    assert "1 create, 1 unchanged" in result.line(subject.entity)


def test_a_ledger_keeps_what_it_knows_under_a_new_spelling(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger", destination="d", source="s")
    ledger.note("a", "11.0", Written("A", "1", "x"))
    ledger.rename("a", "11.0", spelled(11))
    known = ledger.written("a", "11")
    assert known is not None
    assert (known.crm_id, ledger.written("a", "11.0")) == ("1", None)
    ledger.close()
