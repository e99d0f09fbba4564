"""Settings that nobody knows, numbers that are none, and objects in every spelling; for both connectors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crm_systems import SYSTEMS
from crm_systems.settings import load
from crm_systems.settings.objects import as_names, as_object, dropped
from tap_crm.options import OWN_SETTINGS as TAP_SETTINGS
from tap_crm.tap import CrmTap
from target_crm.options import OWN_SETTINGS, options_of, put_together
from tests.running import command, finished
from tests.running import run as read
from tests.target_crm.writing import pipe, run, settings
from tests.target_crm.writing import stored as kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

ANN = {"id": "1", "lastname": "Nova", "phone": "123"}


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("dry_runn", "`dry_run`"),
        ("delets", "`deletes`"),
        ("Dry-Run", "`dry_run`"),
        ("qqqqq", ""),
        ("max_reject", "max"),
    ],
)
def test_a_setting_that_does_not_exist_stops_the_target(vtiger: Start, tmp_path: Path, name: str, guess: str) -> None:
    crm = vtiger()
    result = run(settings(crm, tmp_path, identify_by="ledger", **{name: True}), pipe("Contacts", [ANN]))
    assert f"There is no setting `{name}`" in result.exit
    assert guess in result.exit
    assert crm.calls == []


def test_and_the_tap(vtiger: Start) -> None:
    crm = vtiger()
    result = read({**crm.config(), "start_dat": "2026-01-01", "entitys": ["Contacts"], "access_kay": "x"})
    assert "There is no setting `start_dat`; did you mean `start_date`?" in result.exit
    assert "There is no setting `entitys`; did you mean `entities`?" in result.exit
    assert "There is no setting `access_kay`; did you mean `access_key`?" in result.exit
    assert crm.calls == []


def test_the_tap_writes_no_files_of_batches_since_those_hold_what_is_not_selected(vtiger: Start) -> None:
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "file:///tmp"}}
    assert "There is no setting `batch_config`" in read({**vtiger().config(), "batch_config": batches}).exit


@pytest.mark.parametrize("name", ["stream_maps", "add_record_metadata", "load_method", "_catalog", "app_key", "types"])
def test_those_of_the_sdk_of_meltano_and_of_other_systems_are_known(vtiger: Start, tmp_path: Path, name: str) -> None:
    config = settings(vtiger(), tmp_path, identify_by="ledger", default_owner="admin", **{name: None})
    assert run(config, pipe("Contacts", [ANN])).exit == ""


def test_of_a_stream_too(vtiger: Start, tmp_path: Path) -> None:
    config = settings(vtiger(), tmp_path, identify_by="ledger", streams={"Contacts": {"write_mod": "create_only"}})
    said = run(config, pipe("Contacts", [ANN])).exit
    assert "`streams` for Contacts has `write_mod`, which means nothing there; did you mean `write_mode`?" in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timeout_seconds", "inf", 'must be a number, not "inf".'),
        ("timeout_seconds", float("nan"), "must be a number, not NaN."),
        ("requests_per_second", "-inf", "must be a number"),
        ("requests_per_second", -1, "must be at least 0.01"),
        ("parallel_requests", 1e9, "must be at most 100"),
        ("parallel_requests", "2.5", "must be a whole number"),
        ("timeout_seconds", "9" * 400, "must be a number"),
        ("settle_seconds", 1e300, "must be at most 1,000,000,000"),
        ("access_key", "b\n", "ends with a line break."),
        ("username", "a\r\n", "ends with a line break."),
        ("access_key", "\ufeffb", "begins or ends with a sign that nobody sees"),
        ("access_key", "b\u200b", "begins or ends with a sign that nobody sees"),
        ("username", "a\u00a0", "begins or ends with a sign that nobody sees"),
        ("dry_run", "ture", 'must be true or false, not "ture".'),
        ("dry_run", 2, "must be true or false"),
        ("deletions", False, "must be one of auto, compare, off, not false."),
        ("deletes", ["apply"], 'must be one of ignore, apply, not ["apply"].'),
        ("access_key", ["s3cret"], "must be a text."),
        ("owners", {"a": [1]}, "must be an object that gives each name a text"),
        ("streams", "[" * 100_000, "must be an object"),
        ("timezone", "Europe", 'must be a time zone such as Europe/Prague, not "Europe".'),
        ("start_date", "0001-01-01", "must be a date or a time"),
        ("start_date", "9999-12-31", "must be a date or a time"),
        ("start_date", "20240131", "must be a date or a time"),
        ("start_date", "0000-00-00", "must be a date or a time"),
    ],
)
def test_what_is_no_value_is_said_in_words(name: str, value: Any, words: str) -> None:
    config = {"system": "vtiger", "url": "https://crm.example.com", "username": "a", "access_key": "b", name: value}
    _, (problem,) = load(config, (*OWN_SETTINGS, *TAP_SETTINGS), SYSTEMS)
    assert problem.startswith(f"`{name}` {words}")
    assert len(problem) < 300


@pytest.mark.parametrize(("system", "name"), [("intouch", "case_types"), ("alfacrm", "branches")])
@pytest.mark.parametrize("value", [["1", "two"], "two", [True], {"1": 2}, 1])
def test_what_is_no_list_of_numbers(system: str, name: str, value: Any) -> None:
    _, problems = load({"system": system, name: value}, (), SYSTEMS)
    assert any(each.startswith(f"`{name}` must be a list of whole numbers, not ") for each in problems)
    assert load({"system": system, name: "1, 2"}, (), SYSTEMS)[0][name] == [1, 2]


def test_all_that_is_wrong_is_said_at_once(vtiger: Start) -> None:
    result = read({**vtiger().config(), "page_size": "x", "shard": "4/3", "files": "folder", "relations": 5})
    for name in ("page_size", "shard", "files_path", "relations"):
        assert f"`{name}` " in result.exit


@pytest.mark.parametrize("word", ["yes", "ON", " true ", 1, True])
def test_yes_is_true(word: Any) -> None:
    loaded, _ = load({"dry_run": word}, OWN_SETTINGS, SYSTEMS)
    assert loaded["dry_run"] is True


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@crm.example.com",
        "https://:s3cret@crm.example.com",
        "https://s3cret@crm.example.com",
        "https://crm.example.com?key=s3cret",
        "https://crm.example.com#s3cret",
        "s3cret@crm.example.com",
        "https://user:s3cret@crm.example.com:port",
        "https://user:s3cret@[crm.example.com",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    for config in ({"system": "vtiger", "url": url}, {"system": "egito", "url": url, "password": "s3cret"}):
        result = read(config)
        assert "`url` must be an address such as https://crm.example.com" in result.exit
        assert "s3cret" not in result.everything


def test_in_the_environment_a_misspelt_setting_stops_the_run_and_a_strange_one_is_named(vtiger: Start) -> None:
    crm = vtiger()
    environment = {f"TAP_CRM_{name.upper()}": value for name, value in crm.config().items()}
    environment |= {"TAP_CRM_LOGLEVEL": "info", "TAP_CRM__SELECT": '["*"]', "TAP_CRM_ENTITIES": "Leads,Contacts"}
    result, code = finished(command("--config=ENV", "--discover", **environment, TAP_CRM_SERVICE_HOST="10.0.0.1"))
    assert code == 0
    assert {each["tap_stream_id"] for each in json.loads(result.output)["streams"]} == {
        "Leads",
        "Contacts",
        "picklists",
        "fields",
        "deleted_records",
    }
    assert "TAP_CRM_SERVICE_HOST in the environment is no setting of tap-crm." in result.log
    assert "LOGLEVEL" not in result.log
    assert "10.0.0.1" not in result.log
    crm.calls.clear()
    result, code = finished(command("--config=ENV", **environment, TAP_CRM_SKIP_UNREADABL="1", TAP_CRM_PAGE_SIZE="x"))
    assert code == 1
    assert "There is no setting `skip_unreadabl`; did you mean `skip_unreadable`?" in result.log
    assert '`page_size` must be a whole number, not "x".' in result.log
    assert "Traceback" not in result.log
    assert crm.calls == []


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (No such file or directory)."),
        (b'{\n"access_key": "s3cret"\n', "is no JSON (line 3)."),
        (b'{"access_key": "s3cret\xff"}', "is neither UTF-8 nor UTF-16."),
        (b'{"access_key": "s3cret", "access_key": ""}', "says twice what `access_key` is."),
        (b'["s3cret"]', "is no JSON object."),
        (b'{"access_key": "s3cret", "timeout_seconds": Infinity}', "is no JSON."),
    ],
)
@pytest.mark.parametrize("name", ["tap-crm", "target-crm"])
def test_a_configuration_that_is_none_is_said_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    done = subprocess.run(
        [Path(sys.executable).with_name(name), "--config", path], capture_output=True, text=True, check=False, input=""
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"{name}: The configuration {path} {words}")
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("handed", ['{"access_key": "s3cret"}', '  {"access_key": "s3cret' + "x" * 5000 + '"}', ""])
def test_settings_in_place_of_the_name_of_their_file_are_not_repeated(handed: str) -> None:
    result, code = finished(command("--config", handed))
    assert code == 1
    assert "The configuration of `--config`, which takes the name of a file, cannot be read (" in result.log
    assert "s3cret" not in result.log
    assert result.log.count("\n") == 1


OBJECT = {"a.b": "c", "phone": None}


@pytest.mark.parametrize(
    "spelling",
    [
        OBJECT,
        json.dumps(OBJECT),
        [OBJECT],
        [{"a.b": "c"}, {"phone": None}],
        json.dumps([OBJECT]),
        {"a.b": "c", "phone": "__NULL__"},
        {"a": {"b": "c"}, "phone": "__NULL__"},
    ],
    ids=str,
)
def test_every_spelling_of_an_object_is_the_same(spelling: Any) -> None:
    assert as_names(spelling) == OBJECT
    streams = put_together(as_object([{"people": {"identify_by": "id", "fields": spelling}, "gone": "__NULL__"}]))
    assert streams["gone"] is None
    loaded, problems = load({"streams": streams}, OWN_SETTINGS, SYSTEMS)
    assert options_of(loaded, "people").fields == OBJECT
    assert not [each for each in problems if "streams" in each]


def test_streams_whose_names_were_nested_are_put_together() -> None:
    nested = {"public": {"people": {"entity": "Contacts"}, "x": {"y": {"fields": {"a": "b"}}}}, "z": {"entety": {}}}
    assert put_together(nested) == {
        "public.people": {"entity": "Contacts"},
        "public.x.y": {"fields": {"a": "b"}},
        "z": {"entety": {}},
    }


@pytest.mark.parametrize("doubled", [[{"a": "1"}, {"a": "2"}], {"a.b": "1", "a": {"b": "2"}}], ids=str)
def test_a_name_that_comes_twice_is_refused(doubled: Any) -> None:
    _, problems = load({"owners": doubled}, OWN_SETTINGS, SYSTEMS)
    assert "`owners` must be an object" in " ".join(problems)


def test_what_meltano_dropped_is_named() -> None:
    whole = {"people.entity": "Contacts", "people.fields.phone": None, "people.fields.e\\.mail": "email"}
    config = {"streams": {"people": {"entity": "Contacts", "fields": {"e.mail": "email"}}}, "owners": {"a": "b"}}
    environment = {
        "MELTANO_LOAD_STREAMS": json.dumps(whole),
        "MELTANO_LOAD_OWNERS": "[]",
        "MELTANO_EXTRACT_OWNERS": "{",
    }
    (problem,) = dropped(config, environment, "MELTANO_LOAD_")
    assert problem.startswith("`streams` came without people.fields.phone: Meltano drops")
    assert dropped(config, environment, "MELTANO_EXTRACT_") == []


def test_stream_maps_may_be_a_text(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    maps = json.dumps({"Contacts": {"lastname": "lastname.upper()"}})
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="admin", stream_maps=maps)
    assert run(config, pipe("Contacts", [ANN])).exit == ""
    assert kept(crm, "Contacts", lastname="NOVA")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_configuration_may_say_how_it_is_encoded(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "config").write_text('{"system": "none"}', encoding)
    result, code = finished(command("--config", tmp_path / "config"))
    assert code == 1
    assert "`system` must be one of" in result.log
    assert "Traceback" not in result.log


def test_a_dot_env_that_is_no_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TAP_CRM_USERNAME=caf\xe9")
    monkeypatch.setattr("singer_sdk.configuration._dict_config.find_dotenv", lambda: str(tmp_path / ".env"))
    with pytest.raises(SystemExit, match="cannot be read: it has to be UTF-8"):
        CrmTap(parse_env_config=True)


def test_a_configuration_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe_of_it = tmp_path / "config"
    os.mkfifo(pipe_of_it)
    process = command(f"--config={pipe_of_it}")
    pipe_of_it.write_text('{"system": "none"}')
    result, code = finished(process)
    assert code == 1
    assert "`system` must be one of" in result.log
    assert "Traceback" not in result.log
