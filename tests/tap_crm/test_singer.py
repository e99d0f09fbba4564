"""The tap keeps to the Singer protocol and to what the SDK promises its users."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from singer_sdk.testing import get_tap_test_class

from crm_simulators.vtiger import VtigerSimulator
from tap_crm.handed_in import catalog_of
from tests.running import SLOW, QuietTap, command, discover, finished, only, run
from tests.tap_crm.leads import leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.running import Run

    Start = Callable[..., VtigerSimulator]

# The SDK makes its tests while this module is imported, so that their server has to be there by then.
_server = VtigerSimulator(rows=20).start()

TestSdkSuite = pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")(
    get_tap_test_class(
        QuietTap,
        # The stream of deletions has no records in a first run.
        config={
            **_server.config(),
            "entities": ["Leads", "Contacts", "Invoice", "Groups"],
            "deletion_records": "marked",
        },
        parse_env_config=False,
    )
)


@pytest.fixture(scope="session", autouse=True)
def stop_the_server() -> Any:
    """At the end of all, since a worker may come back to this file."""
    yield
    _server.stop()


HIGH_WATER = re.compile(r"VmHWM:\s+([0-9]+) kB")
FORMATS = FormatChecker(["date"])


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    """RFC 3339 with a zone, as far as the tap writes it."""
    return not isinstance(value, str) or datetime.fromisoformat(value).utcoffset() == timedelta()


def assert_valid(result: Run) -> None:
    """Each record fits the SCHEMA before it, formats included, and has its keys."""
    validators: dict[str, Draft202012Validator] = {}
    known: dict[str, set[str]] = {}
    for message in result.messages:
        if message["type"] == "SCHEMA":
            schema = {**message["schema"], "required": message["key_properties"]}
            Draft202012Validator.check_schema(schema)
            validators[message["stream"]] = Draft202012Validator(schema, format_checker=FORMATS)
            known[message["stream"]] = set(schema["properties"])
        elif message["type"] == "RECORD":
            validators[message["stream"]].validate(message["record"])
            assert message["record"].keys() <= known[message["stream"]]


@pytest.mark.parametrize("flavour", VtigerSimulator.flavours)
def test_every_record_is_valid(vtiger: Start, flavour: str) -> None:
    simulator = vtiger(flavour, rows=200)
    result = run({**simulator.config(), "skip_unreadable": True})
    assert len(result.messages) > 1000
    assert_valid(result)


@pytest.mark.parametrize("enums", [True, False])
def test_pick_lists_as_enums(vtiger: Start, enums: bool) -> None:
    simulator = vtiger(rows=0)
    simulator.store.insert("Leads", {"lastname": "x", "leadstatus": "Cold", "leadsource": None, "rating": ""})
    result = run(leads(simulator, picklist_enums=enums))
    assert_valid(result)
    status = result.schemas["Leads"]["schema"]["properties"]["leadstatus"]
    assert ("Cold" in status.get("enum", [])) is enums
    assert "Cold" in status["description"]


def test_deletions_are_valid(vtiger: Start) -> None:
    simulator = vtiger()
    first = run(leads(simulator))
    simulator.store.delete(next(iter(live(first))))
    second = run(leads(simulator), state=first.state)
    assert [set(record) for record in second.records["Leads"]] == [{"id", "_sdc_deleted_at"}]
    assert_valid(second)


def test_deselected_fields_are_absent(vtiger: Start) -> None:
    simulator = vtiger(rows=60)
    catalog = only(discover(leads(simulator)), "Leads")
    for part in catalog["streams"][0]["metadata"]:
        if part["breadcrumb"] in (["properties", "email"], ["properties", "lastname"], ["properties", "id"]):
            part["metadata"]["selected"] = False
    result = run(leads(simulator), catalog=catalog)
    assert set(live(result)) == stored(simulator), "a key cannot be deselected"
    assert not any({"email", "lastname"} & record.keys() for record in result.records["Leads"])
    assert not {"email", "lastname"} & result.schemas["Leads"]["schema"]["properties"].keys()


def test_a_field_that_is_newer_than_the_catalog(vtiger: Start) -> None:
    simulator = vtiger()
    catalog = only(discover(leads(simulator)), "Leads")
    stream = catalog["streams"][0]
    del stream["schema"]["properties"]["city"]
    stream["metadata"] = [part for part in stream["metadata"] if part["breadcrumb"] != ["properties", "city"]]
    result = run(leads(simulator), catalog=catalog)
    assert not any("city" in record for record in result.records["Leads"])
    assert "Leads: fields that discovery did not see are left out: city" in result.log


def test_a_catalog_spares_questions(vtiger: Start) -> None:
    simulator = vtiger()
    catalog = only(discover(simulator.config()), "Leads")
    simulator.calls.clear()
    result = run(simulator.config(), catalog=catalog)
    assert list(result.records) == ["Leads"]
    assert not {"describe", "listtypes"} & {call.query.get("operation") for call in simulator.calls}


def test_keys_and_bookmarks_in_the_catalog(vtiger: Start) -> None:
    streams = {stream["tap_stream_id"]: stream for stream in discover(vtiger(rows=60).config())["streams"]}
    leads_ = streams["Leads"]
    assert (leads_["key_properties"], leads_["replication_key"]) == (["id"], "modifiedtime")
    assert streams["Groups"]["replication_method"] == "FULL_TABLE"
    assert streams["picklists"]["key_properties"] == ["entity", "field", "value"]
    assert not {"accesskey", "user_password"} & streams["Users"]["schema"]["properties"].keys()
    assert leads_["schema"]["properties"]["assigned_user_id"]["title"] == "Assigned To"
    assert "refers to" in streams["Contacts"]["schema"]["properties"]["account_id"]["description"]


def test_the_replication_method_that_somebody_chose(vtiger: Start) -> None:
    """In the metadata, as Singer has it, or beside it, as Meltano writes it as well."""
    with vtiger(rows=20) as crm:
        plain = only(discover(leads(crm)), "Leads")
        first = run(leads(crm), catalog=plain)
        assert run(leads(crm), catalog=plain, state=first.state).records["Leads"] == []
        chosen = json.loads(json.dumps(plain))
        next(each for each in chosen["streams"][0]["metadata"] if not each["breadcrumb"])["metadata"] |= {
            "replication-method": "FULL_TABLE"
        }
        catalog = catalog_of(BytesIO(json.dumps(chosen).encode()))
        assert run(leads(crm), catalog=catalog, state=first.state).records["Leads"] == first.records["Leads"]


@pytest.mark.parametrize("key", ["lastname", "annualrevenue", "id", "gone"])
def test_a_replication_key_that_is_no_time(vtiger: Start, key: str) -> None:
    with vtiger(rows=5) as crm:
        result = run(leads(crm), catalog=only(discover(leads(crm)), "Leads", replication_key=key))
        assert f"Leads: the replication key `{key}` is no time: let the catalog" in result.exit
        assert result.records["Leads"] == []


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"id": None}, "tap-crm: `stream_maps` cannot be applied: Removing key property 'id'"),
        ({"x": "nope("}, "tap-crm: `stream_maps` cannot be applied: Failed to parse"),
        ({"x": "int(lastname)"}, "tap-crm: Leads: a record cannot be sent: `stream_maps` fails on it (ValueError)."),
        ({"x": "import os"}, "tap-crm: Leads: a record cannot be sent: `stream_maps` fails on it: "),
        ({"__filter__": "nope"}, "tap-crm: Leads: a record cannot be sent: `stream_maps` fails on it: "),
    ],
)
def test_stream_maps_that_fail(vtiger: Start, maps: dict[str, Any], words: str) -> None:
    simulator = vtiger(rows=0)
    simulator.store.insert("Leads", {"lastname": "Sicretova"})
    result = run(leads(simulator, stream_maps={"Leads": maps}))
    assert result.exit.startswith(words)
    assert "Sicretova" not in result.log + result.exit
    assert result.records["Leads"] == []


def test_a_stream_map_that_nothing_goes_through_is_named(vtiger: Start) -> None:
    maps = {"Lead": {"x": "1"}, "L*s": {"y": "1"}, "people": {"__source__": "Contact"}, "__else__": None}
    log = run(leads(vtiger(rows=0), stream_maps=maps)).log
    assert "`stream_maps` names Lead, which is no stream here." in log
    assert "`stream_maps` names Contact, which is no stream here." in log
    assert log.count("which is no stream here") == 2


def test_stream_maps(vtiger: Start) -> None:
    simulator = vtiger()
    maps = {"Leads": {"__alias__": "people", "shout": "lastname.upper()", "email": None}}
    result = run(leads(simulator, stream_maps=maps))
    assert {record["id"] for record in result.records["people"]} == stored(simulator)
    assert all(record["shout"] == record["lastname"].upper() for record in result.records["people"])
    assert not any("email" in record for record in result.records["people"])


def test_about() -> None:
    result, code = finished(command("--about", "--format=json"))
    assert code == 0
    about = json.loads(result.output)
    settings = about["settings"]["properties"]
    assert {"system", "url", "access_key", "lookback_seconds", "skip_unreadable"} <= settings.keys()
    assert settings["access_key"]["writeOnly"] is True
    assert "batch" not in about["capabilities"]


def test_settings_from_the_environment(vtiger: Start) -> None:
    simulator = vtiger()
    environment = {
        f"TAP_CRM_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in leads(simulator, parallel_requests=2, timeout_seconds=30.5, deletions="off").items()
    }
    result, code = finished(command("--config=ENV", **environment))
    assert code == 0, result.log
    assert set(live(result)) == stored(simulator)


def test_the_command_discovers_and_reads(vtiger: Start, tmp_path: Path) -> None:
    simulator = vtiger()
    config, catalog, state = (tmp_path / name for name in ("config.json", "catalog.json", "state.json"))
    config.write_text(json.dumps(simulator.config()))
    discovered, code = finished(command("--config", config, "--discover"))
    assert code == 0
    catalog.write_text(json.dumps(only(json.loads(discovered.output), "Leads")))
    state.write_text("{}")
    result, code = finished(command("--config", config, "--catalog", catalog, "--state", state))
    assert code == 0
    assert set(live(result)) == stored(simulator)
    assert any(call.form.get("operation") == "logout" for call in simulator.calls)


def peak_kilobytes(simulator: VtigerSimulator, folder: Path, **more: Any) -> int:
    """The most memory that the command held while it read all leads, as told meanwhile.

    What is told at its end includes the memory of who started it: ours, with the simulator's.
    """
    (folder / "config.json").write_text(json.dumps(leads(simulator, **more)))
    simulator.latency = SLOW
    process = command("--config", folder / "config.json")
    assert process.stdout
    assert process.stderr
    with process.stdout, process.stderr:
        count, most = 0, 0
        for line in process.stdout:
            count += '"type":"RECORD","stream":"Leads"' in line
            if not count % 500 and (told := HIGH_WATER.search(Path(f"/proc/{process.pid}/status").read_text())):
                most = int(told[1])
    assert (process.wait(), count) == (0, len(stored(simulator)))
    return most


def test_memory_does_not_grow(vtiger: Start, tmp_path: Path) -> None:
    few = peak_kilobytes(vtiger(rows=0, leads=2_000), tmp_path, parallel_requests=2)
    many = peak_kilobytes(vtiger(rows=0, leads=20_000), tmp_path, parallel_requests=2)
    assert many < few + 12_000
