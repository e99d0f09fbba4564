"""Where what the tap says goes: UTF-8 whatever the locale, and one sentence where nobody takes it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import command, finished
from tests.tap_crm.leads import leads, live, on_page, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator


@pytest.mark.sweep
@pytest.mark.parametrize("more", ["", "--discover"])
@pytest.mark.parametrize(
    ("shell", "sentence"),
    [(">&-", "Standard output is closed"), ("> /dev/full", "Standard output cannot be written"), ("| head -c 1", "")],
)
def test_closed_and_full_output_is_said(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, shell: str, sentence: str, more: str
) -> None:
    crm = vtiger(rows=30)
    crm.store.insert("Contacts", {"lastname": "Žluťoučký"})
    config = tmp_path / "tap.json"
    config.write_text(json.dumps({**crm.config(), "entities": ["Contacts"]}))
    script = str(Path(sys.executable).with_name("tap-crm"))
    result = subprocess.run(
        ["/bin/sh", "-c", f'"$0" --config "$1" {more} {shell}', script, str(config)],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert sentence in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert b"Exception ignored" not in result.stderr
    assert result.returncode == (1 if sentence else 0)


@pytest.mark.parametrize("nowhere", ["<&- 2>&-", "2> /dev/full"])
@pytest.mark.parametrize(("more", "code"), [({}, 0), ({"entities": ["Nonesuch"]}, 1)], ids=["whole", "wrong"])
def test_what_is_said_may_go_nowhere(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, nowhere: str, more: dict[str, Any], code: int
) -> None:
    config = tmp_path / "tap.json"
    config.write_text(json.dumps({**vtiger(rows=5).config(), "entities": ["Contacts"], **more}))
    script = str(Path(sys.executable).with_name("tap-crm"))
    result = subprocess.run(
        ["/bin/sh", "-c", f'"$0" --config "$1" {nowhere}', script, str(config)],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert result.returncode == code
    assert result.stdout.count(b'"type":"RECORD","stream":"Contacts"') == (0 if code else 5)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_no_line_in_its_middle(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, asked: signal.Signals
) -> None:
    crm = vtiger(rows=400)
    (tmp_path / "tap.json").write_text(json.dumps({**crm.config(), "entities": ["Leads"], "parallel_requests": 1}))
    # Under `nohup`, a command would inherit that SIGHUP is ignored.
    before = signal.signal(asked, signal.SIG_DFL)
    process = command("--config", tmp_path / "tap.json")
    signal.signal(asked, before)
    # Nobody reads yet, so that the pipe is full before the second page has left.
    on_page(crm, 3, lambda: process.send_signal(asked))
    result, code = finished(process)
    assert {message["type"] for message in result.messages} >= {"SCHEMA", "RECORD"}
    assert code == 128 + asked
    assert f"Ended by {asked.name}" in result.log
    assert "Traceback" not in result.log


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pause_in_the_middle_of_a_write_loses_nothing(
    vtiger: Callable[..., VtigerSimulator], tmp_path: Path, unbuffered: str
) -> None:
    crm = vtiger(rows=400)
    (tmp_path / "tap.json").write_text(json.dumps(leads(crm)))
    process = command("--config", tmp_path / "tap.json", PYTHONUNBUFFERED=unbuffered)
    assert process.stdout
    full = fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    waiting = array("i", [0])
    # Nobody reads yet, so that it waits within a write as soon as the pipe is full.
    while waiting[0] < full:
        fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    result, code = finished(process)
    assert code == 0
    assert set(live(result)) == stored(crm)
