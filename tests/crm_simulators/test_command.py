"""The command ``crm-simulator``: prints settings, serves, and ends without a word."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators import SIMULATORS
from crm_simulators.__main__ import main
from crm_systems import SYSTEMS
from crm_systems.errors import NotOffered
from crm_systems.settings import load
from tests.running import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).with_name("crm-simulator")


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with the settings that it printed."""
    with subprocess.Popen(
        [COMMAND, *arguments, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stdout.readline if process.stdout else str, "")
            yield process, json.loads("".join(takewhile(lambda line: line != "}\n", lines)) + "}")
        finally:
            process.kill()


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_the_settings_that_it_prints_log_in(name: str) -> None:
    with serving(name, "--rows", "3") as (_, config):
        _, problems = load(config, (), SYSTEMS)
        assert problems == []
        with client_for(config) as client:
            client.log_in()


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_an_interruption_ends_it_without_a_word(interruption: signal.Signals) -> None:
    with serving("egito", "--rows", "1") as (process, _):
        process.send_signal(interruption)
        output, errors = process.communicate(timeout=20)
        assert (output, errors, process.returncode) == ("", "", 0)


@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_settings_that_nobody_can_read(output: str) -> None:
    script = f'"$0" egito --rows 1 --port 0 {output}'
    done = subprocess.run(["sh", "-c", script, COMMAND], capture_output=True, check=False, text=True, timeout=20)
    assert done.stderr.startswith("crm-simulator: Standard output ")
    assert done.stderr.count("\n") == 1


def test_vtiger_tells_deletions_where_it_is_asked_to() -> None:
    assert tells_deletions("--deletions")
    assert not tells_deletions()


def tells_deletions(*arguments: str) -> bool:
    with serving("vtiger", "--rows", "3", *arguments) as (_, config), client_for(config) as client:
        contacts = client.system.describe(client.call, "Contacts")
        try:
            return list(client.system.deletions(client.call, contacts, client.server_time())) == []
        except NotOffered:
            return False


def test_an_error_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", ["crm-simulator", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        return exited.value.code

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    flavours = "vtiger-8.4, vtiger-8.0, corebos, simplycrm"
    assert (
        said("vtiger", "--flavour", "9", "--rows", "0") == f"crm-simulator: vtiger has the flavours {flavours}, not 9."
    )
    assert said("egito", "--deletions", "--rows", "0") == "crm-simulator: egito has no switch for deletions."
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = f"crm-simulator: port {port} cannot be used (Address already in use): choose another `--port`."
        assert said("egito", "--rows", "0", "--port", port) == words
