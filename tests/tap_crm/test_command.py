"""The command ends with exit code 1 and says why, about its settings too."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from tests.running import SLOW, command, finished, run
from tests.tap_crm.leads import leads, live, on_page, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator
    from tests.running import Run

    Start = Callable[..., VtigerSimulator]


def test_every_problem_with_the_settings_at_once() -> None:
    config = {
        "system": "vtiger",
        "url": "crm.example.com",
        "access_key": "KeyThatNobodySees",
        "parallel_requests": 0,
        "timezone": "Mars/Olympus",
        "start_date": "yesterday",
        "deletions": "maybe",
        "lookback_seconds": "soon",
    }
    result = run(config)
    for name in ("url", "username", "parallel_requests", "timezone", "start_date", "deletions", "lookback_seconds"):
        assert f"`{name}`" in result.exit
    assert "KeyThatNobodySees" not in result.everything
    assert "`system` must be one of vtiger, simplycrm" in run({"system": "salesforce"}).exit


@pytest.mark.parametrize("options", [[], ["--discover"], ["--test"]], ids=" ".join)
def test_what_a_newcomer_reads_is_the_same_whatever_was_asked_for(options: list[str]) -> None:
    result, code = finished(command("--config=ENV", *options))
    assert code == 1
    assert result.log == (
        "tap-crm: `system` is missing: Which CRM it is, one of vtiger, simplycrm, alfacrm, intouch, egito.\n"
        "tap-crm: `url` is missing: The CRM's base address, for example https://crm.example.com.\n"
    )


def test_two_taps_at_once(vtiger: Start) -> None:
    simulator = vtiger(rows=600)
    simulator.latency = SLOW
    processes = [command("--config", "ENV", **as_environment(leads(simulator))) for _ in range(2)]
    results: list[tuple[Run, int]] = []
    threads = [threading.Thread(target=lambda each=each: results.append(finished(each))) for each in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(set(live(result)), code) for result, code in results] == [(stored(simulator), 0)] * 2


def as_environment(config: dict[str, Any]) -> dict[str, str]:
    """The settings as environment variables."""
    return {
        f"TAP_CRM_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
    }


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"username": "nobody"}, "there is no such user (ACCESS_DENIED): check `username`."),
        ({"entities": ["Nothing"]}, "`entities` names Nothing"),
        ({"url": "nonsense"}, "`url` must be an address"),
    ],
)
@pytest.mark.parametrize("arguments", [["--discover"], []])
def test_the_command_says_so_too(
    vtiger: Start, tmp_path: Path, wrong: dict[str, Any], sentence: str, arguments: list[str]
) -> None:
    config = {**vtiger().config(), **wrong}
    (tmp_path / "config.json").write_text(json.dumps(config))
    result, code = finished(command("--config", tmp_path / "config.json", *arguments))
    assert (code, result.output) == (1, "")
    assert sentence in result.log
    assert "Traceback" not in result.log
    assert config["access_key"] not in result.log


def test_the_command_ends_badly_when_a_stream_is_not_complete(vtiger: Start, tmp_path: Path) -> None:
    simulator = vtiger(rows=600)
    (tmp_path / "config.json").write_text(json.dumps(leads(simulator)))

    def redirect() -> None:
        simulator.answer = lambda call: Answer(b"", 302, headers={"Location": "/"})  # noqa: ARG005 - whatever is asked

    on_page(simulator, 2, redirect)
    result, code = finished(command("--config", tmp_path / "config.json"))
    assert code == 1
    assert "tap-crm: Vtiger: Leads: read: the server redirects to another address (HTTP 302)" in result.log
    assert "Traceback" not in result.log


@pytest.mark.parametrize("option", ["--state", "--catalog"])
def test_a_file_that_is_broken(vtiger: Start, tmp_path: Path, option: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(vtiger().config()))
    (tmp_path / "broken.json").write_text('{"bookmarks": ')
    result, code = finished(command("--config", tmp_path / "config.json", option, tmp_path / "broken.json"))
    assert code == 1
    assert result.log.endswith("broken.json is no JSON.\n")
    assert "Traceback" not in result.log


def test_a_test_reads_one_record_of_each_stream(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    result, code = finished(command("--config=ENV", "--test", **as_environment(simulator.config())))
    assert code == 0
    assert "error" not in result.log.lower()
    host = simulator.url.removeprefix("http://")
    assert (
        f"Logged in to Vtiger 8.4.0 at {host} as admin (19x1): 35 entities, 33 writable, deletions: yes." in result.log
    )
    assert {stream: len(records) for stream, records in result.records.items()}.get("Leads") == 1
    assert max(map(len, result.records.values())) == 1


def test_a_test_says_why_deletions_are_not_told(vtiger: Start) -> None:
    result, code = finished(command("--config=ENV", "--test", **as_environment(vtiger(sync=False).config())))
    assert code == 0
    assert "deletions: no (its operation `sync` does not work" in result.log


def test_a_test_opens_the_database_of_the_keys(vtiger: Start, tmp_path: Path) -> None:
    config = {**vtiger().config(), "keys_url": f"sqlite:///{tmp_path}/no-folder/keys.sqlite"}
    result, code = finished(command("--config=ENV", "--test", **as_environment(config)))
    assert code == 1
    assert "tap-crm: Vtiger: The database of the keys that were sent cannot be opened" in result.log
    assert result.output == ""


def test_the_log_of_a_thousand_records_fits_on_a_screen(vtiger: Start, tmp_path: Path) -> None:
    simulator = vtiger(rows=1000)
    (tmp_path / "config.json").write_text(json.dumps({**simulator.config(), "entities": ["Contacts", "Leads"]}))
    result, code = finished(command("--config", tmp_path / "config.json"))
    assert code == 0
    assert "Contacts: 990 records" in result.log
    assert "METRIC" not in result.log
    assert len(result.log.splitlines()) < 10
    config = tmp_path / "config.json"
    result, code = finished(command("--config", config, TAP_CRM_LOGLEVEL="debug"))
    assert "METRIC" in result.log, "who wants it all has it"


def test_a_shell_can_complete_options() -> None:
    asked = {"_TAP_CRM_COMPLETE": "bash_complete", "COMP_WORDS": "tap-crm --disc", "COMP_CWORD": "1"}
    result, _code = finished(command(**asked))
    assert result.output.strip() == "plain,--discover"


def test_a_test_that_fails_says_so_and_ends_with_1(vtiger: Start) -> None:
    simulator = vtiger(rows=20)
    environment = as_environment({**simulator.config(), "entities": ["Leads", "Contacts"]})
    answer = simulator.answer

    def broken(call: Call) -> Answer:
        return Answer(b"[]") if "from Leads where" in call.query.get("query", "") else answer(call)

    simulator.answer = broken
    result, code = finished(command("--config=ENV", "--test", **environment))
    assert code == 1
    assert "tap-crm: not complete:" in result.log
    assert "unhandled" not in result.log
    assert len(result.records["Contacts"]) == 1
