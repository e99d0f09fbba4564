"""The SDK's own suite against a simulator, a connection test, and the command's other faces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk.testing import get_target_test_class, target_test_streams

from crm_simulators.vtiger import VtigerSimulator
from tests.target_crm.writing import QuietTarget, run, schema, settings, writes

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERED = {"id": "lastname"}
FIELDS: dict[str, dict[str, str]] = {
    "test_array_data": {**NUMBERED, "fruits": "description"},
    "TestCamelcase": {"Id": "lastname", "clientName": "description"},
    "ForecastingTypeToCategory": {"Id": "lastname"},
    "test_duplicate_records": {**NUMBERED, "metric": "cf_857"},
    "test_strings": {**NUMBERED, "info": "description"},
    "test_strings_in_objects": {**NUMBERED, "info": "description"},
    "test_strings_in_arrays": {**NUMBERED, "strings": "description"},
    "test_invalid_schema": NUMBERED,
    "test_no_pk": {**NUMBERED, "metric": "cf_857"},
    "test_optional_attributes": {**NUMBERED, "optional": "description"},
    "example_stream": {"name": "lastname", "email": "email"},
    "test_record_before_schema": NUMBERED,
    "test_record_missing_key_property": NUMBERED,
    "record_missing_fields": {**NUMBERED, "optional": "description"},
    "test_object_schema_with_properties": {"object_store": "lastname"},
    "test_object_schema_no_properties": {"object_store": "lastname"},
    "test_schema_updates": {**NUMBERED, "a1": "cf_855", "a2": "description"},
    "test:SpecialChars!in?attributes": {"_id": "lastname", "d": "description"},
}
"""The suite's streams, and the fields of a contact that theirs are written to."""
MAPPED = {
    "identify_by": "ledger",
    "unknown_fields": "drop",
    "default_owner": "admin",
    "streams": {stream: {"entity": "Contacts", "fields": fields} for stream, fields in FIELDS.items()},
}

# The SDK wants the settings when the class is made, so this one simulator runs from then on.
SIMULATOR = VtigerSimulator(rows=5, invoices=0).start()


@pytest.fixture(scope="session", autouse=True)
def stopped() -> Iterator[None]:
    """At the end of all, since a worker may come back to this file."""
    yield
    SIMULATOR.stop()


class EndingTarget(QuietTarget):
    """Can be told to end, as the command does where it fails."""

    made: ClassVar[list[EndingTarget]] = []

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.made.append(self)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    while EndingTarget.made:
        EndingTarget.made.pop().run.finish()


TestSuite = get_target_test_class(
    EndingTarget, config={**SIMULATOR.config(), **MAPPED, "ledger_url": "sqlite://"}, parse_env_config=False
)


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("duplicate_records", "cf_857", {"1": "100", "2": "20"}),
        ("array_data", "description", {"1": '["apple", "orange", "pear"]', "3": '["pear"]'}),
        ("encoded_string_data", "description", {"2": "απλή συμβολοσειρά", "5": 'quoted "string"'}),
        ("optional_attributes", "description", {"1": "This is optional", "2": ""}),
        ("camelcase", "description", {"1": "Gitter Windows Desktop App", "2": "Gitter iOS App"}),
        ("schema_updates", "cf_855", {"1": "101.000", "3": "103.000", "4": "104.000"}),
        ("no_primary_keys", "cf_857", {"1": "11", "2": "22", "3": "33"}),
    ],
)
def test_what_the_suite_sends_is_in_the_crm(
    crm: VtigerSimulator, tmp_path: Path, name: str, field: str, expected: dict[str, str]
) -> None:
    lines = files(target_test_streams).joinpath(f"{name}.singer").read_text("utf-8").splitlines()
    lines = [line for line in lines if "test_strings_in" not in line]
    assert run(settings(crm, tmp_path, **MAPPED), lines).exit == ""
    written = {row["lastname"]: row[field] for row in crm.store.records("Contacts")}
    assert expected.items() <= written.items()


def test_a_connection_test_says_who_and_where_and_writes_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    # It needs no answer to how records are recognised.
    message = {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": 1}}
    result = run(settings(crm, tmp_path), [schema("meltano_test_stream", ["id"]), message])
    assert result.exit == ""
    assert f"Logged in to Vtiger at {crm.url.removeprefix('http://')} as admin (19x1)" in result.log
    assert writes(crm) == []
    assert list(tmp_path.iterdir()) == []
    wrong = run({**crm.config(), "access_key": "wrong"}, [schema("meltano_test_stream", ["id"])])
    assert "user name or access key is wrong" in wrong.exit
    away = run({**crm.config(), "ledger_url": "mongodb://nowhere"}, [schema("meltano_test_stream", ["id"])])
    assert "The ledger cannot be opened" in away.exit


def command(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs the installed ``target-crm``."""
    script = Path(sys.executable).with_name("target-crm")
    return subprocess.run(
        [script, *arguments], capture_output=True, text=True, encoding="utf-8", check=False, timeout=60, **more
    )


def test_about_names_every_setting() -> None:
    told = json.loads(command("--about", "--format=json").stdout)
    assert (told["name"], "stream-maps" in told["capabilities"]) == ("target-crm", True)
    settings_told = told["settings"]["properties"]
    for name in ("system", "url", "identify_by", "streams", "max_rejects", "ledger_url", "dry_run", "report_path"):
        assert settings_told[name]["description"]
    assert settings_told["access_key"]["secret"]


@pytest.mark.parametrize("identify_by", ['["email"]', "ledger"])
def test_settings_from_the_environment(crm: VtigerSimulator, tmp_path: Path, identify_by: str) -> None:
    named: dict[str, Any] = {
        **crm.config(),
        "identify_by": identify_by,
        "ledger_url": f"sqlite:///{tmp_path}/ledger",
        "default_owner": "admin",
        "max_rejects": "-1",
        "rejects_path": str(tmp_path / "rejects"),
        "dry_run": "false",
        "settle_seconds": "0.5",
        "batch_size_rows": "5",
    }
    environment = {**os.environ, **{f"TARGET_CRM_{name.upper()}": str(value) for name, value in named.items()}}
    people = [schema("Contacts", ["id", "lastname", "email"])]
    people += [{"type": "RECORD", "stream": "Contacts", "record": {"id": 1, "lastname": "Env", "email": "e@x.cz"}}]
    told = "".join(json.dumps(each) + "\n" for each in people)
    result = command("--config=ENV", input=told, env=environment, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Contacts → Contacts: 1 create" in result.stderr
    assert crm.store.records("Contacts")[-1]["email"] == "e@x.cz"
    assert any("email = " in call.query.get("query", "") for call in crm.calls) == (identify_by != "ledger")


def test_stream_maps_of_the_sdk(crm: VtigerSimulator, tmp_path: Path) -> None:
    maps = {"people": {"__alias__": "Contacts", "lastname": "name.upper()", "name": None, "__else__": None}}
    maps["people"] |= {"id": "id", "assigned_user_id": "'19x1'"}
    person = {"type": "RECORD", "stream": "people", "record": {"id": "1", "name": "Novák"}}
    people = schema("people", [])
    people["schema"]["properties"] = {"id": {"type": "string"}, "name": {"type": "string"}}
    result = run(settings(crm, tmp_path, identify_by="ledger", stream_maps=maps), [people, person])
    assert result.exit == ""
    assert crm.store.records("Contacts")[-1]["lastname"] == "NOVÁK"
