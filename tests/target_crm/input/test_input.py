"""Whatever comes in is right, or one sentence that says where it stands; exit code 0 only where all was written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from crm_simulators.vtiger import VtigerSimulator
from target_crm.input import termination
from tests.target_crm.writing import one, pipe, record, run, schema, settings, state, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

ANN = {"id": 1, "lastname": "Nováková", "email": "ann@example.com"}
LINES = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [*pipe("Contacts", [ANN]), state(1)])


def command(
    crm: VtigerSimulator, folder: Path, told: bytes, *, shell: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs the installed ``target-crm``; ``shell`` says what becomes of its input and output."""
    config = folder / "target.json"
    config.write_text(json.dumps({**settings(crm, folder), "identify_by": "ledger"}))
    script = str(Path(sys.executable).with_name("target-crm"))
    return subprocess.run(
        ["/bin/sh", "-c", f'"$0" --config "$1" {shell}', script, str(config)],
        input=told,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
        cwd=folder,
    )


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}], ids=str
)
def test_input_and_output_are_utf_8_whatever_the_locale(
    crm: VtigerSimulator, tmp_path: Path, environment: dict[str, str]
) -> None:
    told = b"\xef\xbb\xbf" + LINES.encode() + b"\n"
    result = command(crm, tmp_path, told, **environment)
    assert (result.returncode, result.stdout) == (0, b'{"at":1}\n')
    assert "Contacts → Contacts: 1 create" in result.stderr.decode()
    assert one(crm, "Contacts", email="ann@example.com")["lastname"] == "Nováková"


BYTES: dict[str, tuple[bytes, str]] = {
    "latin-1": (LINES.encode("latin-1"), "Line 2 of the input (stream Contacts): it holds a byte that is no UTF-8"),
    "utf-16": (LINES.encode("utf-16"), "Line 1 of the input: it is UTF-16"),
    "utf-16 without a mark": (LINES.encode("utf-16-le"), "Line 1 of the input: it is UTF-16"),
    "brackets": (LINES.encode() + b"[" * 100_000, "Line 4 of the input: it is nested too deep"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_text_stop_the_run_in_a_sentence(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    told, sentence = BYTES[case]
    result = command(crm, tmp_path, told)
    assert sentence in result.stderr.decode()
    assert (result.returncode, b"Traceback" in result.stderr) == (1, False)


@pytest.mark.parametrize(
    ("shell", "sentence"),
    [
        ("<&-", "The input: it is closed"),
        ("--input - <&-", "A file cannot be opened: standard input is closed"),
        ("--input /proc/self/mem", "The input: what follows cannot be read (Input/output error)"),
        (">&-", "Standard output is closed"),
        ("> /dev/full", "Standard output cannot be written (No space left on device)"),
        ("| true", ""),
    ],
)
def test_closed_and_full_ends_are_said(crm: VtigerSimulator, tmp_path: Path, shell: str, sentence: str) -> None:
    result = command(crm, tmp_path, LINES.encode(), shell=shell)
    assert sentence in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert b"Exception ignored" not in result.stderr
    assert result.returncode == (0 if shell == "| true" else 1)


NO_FIELDS = "the SCHEMA of the stream Contacts names no fields"
ODD: dict[str, tuple[Any, str]] = {
    "no properties": ({"type": "SCHEMA", "stream": "Contacts", "schema": {"type": "object"}}, NO_FIELDS),
    "null properties": ({"type": "SCHEMA", "stream": "Contacts", "schema": {"properties": None}}, NO_FIELDS),
    "null schema": ({"type": "SCHEMA", "stream": "Contacts", "schema": None}, "the SCHEMA holds no object"),
    "keys that are a word": ({**schema("Contacts", ["id"]), "key_properties": "id"}, "`key_properties`"),
    "null record": (
        {"type": "RECORD", "stream": "Contacts", "record": None},
        "(stream Contacts): the RECORD holds no object",
    ),
    "list record": ({"type": "RECORD", "stream": "Contacts", "record": [1]}, "the RECORD holds no object"),
    "no record": ({"type": "RECORD", "stream": "Contacts"}, "the RECORD holds no object"),
    "no stream": ({"type": "RECORD", "record": {}}, "the RECORD names no stream"),
    "unknown stream": (record("Leads", id=1), "(stream Leads): there are records of a stream before its SCHEMA"),
    "batch": ({"type": "BATCH", "stream": "Contacts", "encoding": {}, "manifest": []}, "BATCH"),
    "state without value": ({"type": "STATE"}, "the STATE has no value"),
    "unknown type": ({"type": "LOG", "stream": "Contacts"}, "its type is none of"),
    "type list": ({"type": ["RECORD"]}, "its type is none of"),
    "half a pair in a stream": ({**schema("\ud800", ["id"])}, "half a surrogate pair"),
    "half a pair in a field": (schema("Contacts", ["id", "\ud800"]), "half a surrogate pair"),
    "number": ('{"type": "STATE", "value": 1e99999999999999999999}', "it holds a number beyond all measure"),
    "deep": (record("Contacts", id=1, description=json.loads("[" * 300 + "]" * 300)), "nested too deep"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_messages_are_said_with_their_line(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    message, sentence = ODD[case]
    result = run(settings(crm, tmp_path, identify_by="ledger"), [*pipe("Contacts", [ANN])[:1], message, state(1)])
    assert "Line 2 of the input" in result.exit
    assert sentence in result.exit
    assert result.states == []


@pytest.mark.parametrize(
    "message",
    [
        "",
        "  ",
        {"type": "ACTIVATE_VERSION", "stream": "Contacts"},
        {"type": "ACTIVATE_VERSION", "stream": "Nobody", "version": 1},
        {"type": "STATE", "value": None},
    ],
    ids=str,
)
def test_messages_that_mean_nothing_here_are_passed_over(crm: VtigerSimulator, tmp_path: Path, message: Any) -> None:
    result = run(settings(crm, tmp_path, identify_by="ledger"), [*pipe("Contacts", [ANN]), message, state(1)])
    assert (result.exit, result.states) == ("", [{"at": 1}])
    assert len(stored(crm, "Contacts", email="ann@example.com")) == 1


def test_that_nothing_comes_is_said(crm: VtigerSimulator, tmp_path: Path) -> None:
    result = run(settings(crm, tmp_path, identify_by="ledger"), [])
    assert "Nothing came in." in result.log
    assert (result.exit, crm.calls) == ("", [])


@pytest.mark.parametrize("keys", [None, []], ids=str)
def test_a_stream_without_a_key_is_written(crm: VtigerSimulator, tmp_path: Path, keys: Any) -> None:
    messages = pipe("Contacts", [ANN])
    result = run(settings(crm, tmp_path, identify_by="ledger"), [{**messages[0], "key_properties": keys}, messages[1]])
    assert "1 create" in result.line("Contacts")


def test_an_enormous_line_is_a_line(crm: VtigerSimulator, tmp_path: Path) -> None:
    person = {**ANN, "title": "x", "description": "x" * 2_000_000}
    assert "1 create" in run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [person])).line("Contacts")


def test_a_line_without_an_end_is_not_waited_for(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(termination, "LONGEST", 1000)
    endless = {**ANN, "title": "x", "description": "x" * 1000}
    result = run(settings(crm, tmp_path, identify_by="ledger"), [*pipe("Contacts", [endless]), state(1)])
    assert "Line 2 of the input: it is longer than" in result.exit
    assert result.states == []


words = st.sampled_from(
    ["Contacts", "Leads", "id", "lastname", "email", "", "\ud800", "type", "_sdc_deleted_at"]
) | st.text(max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)
types = st.sampled_from(["string", "null", "integer", "array", ["string", "null"], ["object"], "boat"]) | anything
properties = st.dictionaries(
    words, st.fixed_dictionaries({}, optional={"type": types, "format": words}) | anything, max_size=4
)
schemas = st.fixed_dictionaries({}, optional={"properties": properties | anything, "type": types})
persons = st.fixed_dictionaries(
    {"id": scalars, "lastname": scalars}, optional={"email": anything, "birthday": anything}
)
messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION", "BATCH"]) | anything},
    optional={
        "stream": st.just("Contacts") | words | anything,
        "schema": schemas | anything,
        "record": persons | anything,
        "key_properties": st.just(["id"]) | st.lists(words, max_size=2) | anything,
        "value": anything,
        "version": anything,
    },
)


right = st.builds(record, st.just("Contacts"), id=st.integers(0, 9), lastname=st.just("Ann"))
"""Without some of these, next to no input would end well."""


@pytest.fixture(scope="module")
def busy() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=2, invoices=0) as simulator:
        yield simulator


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(right | messages | anything, max_size=3), st.booleans(), st.sampled_from([-1, 0]))
def test_fuzzed_input_ends_in_a_sentence(
    busy: VtigerSimulator, tmp_path_factory: pytest.TempPathFactory, odd: list[Any], described: bool, rejects: int
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    start = [schema("Contacts", ["id", "lastname", "email", "birthday"])] if described else []
    config = settings(busy, folder, identify_by="ledger", default_owner="admin", unknown_fields="drop")
    more = {"max_rejects": rejects, "rejects_path": str(folder / "rejects"), "report_path": str(folder / "report.html")}
    result = run({**config, **more}, [*start, *odd])
    records = [each for each in odd if isinstance(each, dict) and each.get("type") == "RECORD"]
    assert result.exit.startswith("target-crm: ") or result.exit == ""
    if not result.exit and records:
        assert "nothing to do" not in result.line("Contacts")


@pytest.mark.parametrize(
    ("described", "end"), [(True, ""), ([], "SCHEMA"), (None, "SCHEMA"), ("text", "SCHEMA"), (5, "SCHEMA")]
)
def test_a_field_that_is_described_oddly_is_said_or_taken(
    crm: VtigerSimulator, tmp_path: Path, described: Any, end: str
) -> None:
    told = pipe("Contacts", [{"id": "1", "lastname": "Odd", "title": "T"}])
    told[0]["schema"]["properties"]["title"] = described
    flattening = {"flattening_enabled": True, "flattening_max_depth": 2}
    result = run(settings(crm, tmp_path, identify_by="ledger", **flattening), told)
    assert end in result.exit if end else result.exit == ""


@pytest.mark.parametrize(
    "described",
    [
        {"type": "integer", "maximum": 10, "exclusiveMaximum": True},
        {"type": "integer", "required": True},
        {"type": 1, "format": 5, "anyOf": 5, "oneOf": [5, None]},
        {"type": ["integer", 5, {}], "anyOf": {"type": "integer"}, "format": None},
    ],
    ids=["draft 4", "draft 3", "no draft", "a little of one"],
)
def test_json_schema_of_any_draft_is_taken(crm: VtigerSimulator, tmp_path: Path, described: dict[str, Any]) -> None:
    told = pipe("Contacts", [{"id": 1, "lastname": "Draft"}])
    told[0]["schema"] |= {"required": True, "properties": told[0]["schema"]["properties"] | {"id": described}}
    result = run(settings(crm, tmp_path, identify_by="ledger"), told)
    assert result.exit == ""
    assert one(crm, "Contacts", lastname="Draft")


def test_a_field_that_comes_undeclared_and_means_nothing_is_named(crm: VtigerSimulator, tmp_path: Path) -> None:
    messages = [schema("Contacts", ("id", "lastname", "assigned_user_id"))]
    messages.append(record("Contacts", id=1, lastname="New", assigned_user_id="19x1", title="CEO", shoe_size=45))
    messages.append(record("Contacts", id=2, _sdc_deleted_at="2026-01-01T00:00:00Z", _sdc_batched_at="now"))
    result = run(settings(crm, tmp_path, identify_by="ledger"), messages)
    assert "shoe_size comes without being declared" in result.log
    assert result.log.count("comes without being declared") == 1
    assert one(crm, "Contacts", lastname="New")["title"] == "CEO"
