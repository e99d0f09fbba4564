"""Streams that are read side by side: what they cost, in whose name they fail, and that they end at once."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Answer
from crm_simulators.vtiger import VtigerSimulator
from tests.running import SLOW, command, discover, finished, only, operation, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Call

STREAMS = ("Accounts", "Contacts", "HelpDesk", "Potentials", "Products")


@pytest.fixture
def server() -> Iterator[VtigerSimulator]:
    """A small Vtiger."""
    with VtigerSimulator(rows=60) as simulator:
        yield simulator


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_catalog_that_is_given_is_enough(server: VtigerSimulator, parallel: int) -> None:
    catalog = only(discover(server.config()), *STREAMS)
    server.calls.clear()
    result = run({**server.config(), "parallel_requests": parallel}, catalog=catalog)
    assert result.exit == ""
    for stream in STREAMS:
        assert {row["id"] for row in result.records[stream]} == {row["id"] for row in server.store.records(stream)}
    counts = Counter(map(operation, server.calls))
    assert counts["describe"] == 0
    assert counts["query"] == 2 * len(STREAMS)
    assert counts["getchallenge"] == 1, "one serves all logins"
    assert counts["login"] == counts["logout"] <= parallel


def test_records_are_the_same_with_and_without_a_catalog(server: VtigerSimulator) -> None:
    catalog = only(discover(server.config()), *STREAMS)
    told = run(server.config(), catalog=catalog)
    described = run({**server.config(), "entities": list(STREAMS)})
    for stream in STREAMS:
        by_id = [sorted(each.records[stream], key=lambda row: str(row["id"])) for each in (told, described)]
        assert by_id[0] == by_id[1]


def test_a_catalog_written_by_hand_is_described(server: VtigerSimulator) -> None:
    catalog = only(discover(server.config()), "Contacts")
    stream = next(each for each in catalog["streams"] if each["tap_stream_id"] == "Contacts")
    for facts in stream["schema"]["properties"].values():
        facts.pop("description", None)
    server.calls.clear()
    result = run(server.config(), catalog=catalog)
    assert result.exit == ""
    assert len(result.records["Contacts"]) == len(server.store.records("Contacts"))
    assert "describe" in map(operation, server.calls)


def test_an_error_is_that_of_its_stream(server: VtigerSimulator) -> None:
    catalog = only(discover(server.config()), *STREAMS)
    proper = server.answer

    def denying(call: Call) -> Answer:
        if " HelpDesk " in call.query.get("query", ""):
            return Answer(b'{"success":false,"error":{"code":"ACCESS_DENIED","message":""}}')
        return proper(call)

    server.answer = denying
    result = run({**server.config(), "parallel_requests": 8}, catalog=catalog)
    assert "HelpDesk: " in result.exit
    assert [stream for stream in STREAMS if stream in result.exit] == ["HelpDesk"]
    for stream in STREAMS:
        assert bool(result.records[stream]) == (stream != "HelpDesk")
    assert "replication_key_value" not in result.bookmark("HelpDesk")
    assert "replication_key_value" in result.bookmark("Products")


def test_streams_that_fail_before_they_take_a_page_leave_room_for_the_others(
    server: VtigerSimulator, tmp_path: Path
) -> None:
    settings = {**server.config(), "parallel_requests": 2, "entities": list(STREAMS)}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    bookmark = {"replication_key": "modifiedtime", "replication_key_value": "later"}
    (tmp_path / "state.json").write_text(json.dumps({"bookmarks": dict.fromkeys(STREAMS, bookmark)}))
    server.latency = SLOW
    result, code = finished(command("--config", tmp_path / "config.json", "--state", tmp_path / "state.json"))
    assert code == 1
    assert result.log.count("is no time") == 2 * len(STREAMS), "once each, and once more at the end"


def test_keys_that_cannot_be_kept_stop_the_run_at_once(server: VtigerSimulator, tmp_path: Path) -> None:
    settings = {**server.config(), "parallel_requests": 2, "deletions": "compare", "keys_url": "sqlite:////no/where"}
    (tmp_path / "config.json").write_text(json.dumps({**settings, "entities": list(STREAMS)}))
    server.latency = SLOW
    result, code = finished(command("--config", tmp_path / "config.json"))
    assert code == 1
    assert result.log == (
        "tap-crm: Vtiger: The database of the keys that were sent cannot be opened (No such file or directory): "
        "check `keys_url`, the room on its disk, and that no other run holds it.\n"
    )


def test_a_termination_ends_readers_that_hang(server: VtigerSimulator, tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text(json.dumps(only(discover(server.config()), *STREAMS)))
    (tmp_path / "config.json").write_text(json.dumps({**server.config(), "parallel_requests": 8}))
    proper, hanging, done = server.answer, threading.Event(), threading.Event()

    def slow(call: Call) -> Answer:
        if "select * from " in call.query.get("query", ""):
            hanging.set()
            done.wait(50)
        return proper(call)

    server.answer, server.latency = slow, SLOW
    process = command("--config", tmp_path / "config.json", "--catalog", tmp_path / "catalog.json")
    assert hanging.wait(50)
    process.send_signal(signal.SIGTERM)
    try:
        result, code = finished(process)
    finally:
        done.set()
    assert code == 128 + signal.SIGTERM
    assert "Traceback" not in result.log
