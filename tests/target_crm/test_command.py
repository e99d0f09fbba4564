"""``target-crm --test`` says truly whether a run could begin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.subjects import SUBJECTS
from tests.target_crm.writing import is_write, settings

if TYPE_CHECKING:
    from crm_simulators.vtiger import VtigerSimulator


def tried(folder: Path, config: dict[str, Any]) -> tuple[int, str]:
    """The exit code and what was said."""
    (folder / "config.json").write_text(json.dumps(config))
    command: list[str | Path] = [
        Path(sys.executable).with_name("target-crm"),
        "--config",
        folder / "config.json",
        "--test",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_it_says_who_and_where_and_writes_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    code, said = tried(tmp_path, settings(crm, tmp_path, identify_by="id"))
    assert code == 0
    assert "Logged in to Vtiger 8.4.0 at 127.0.0.1" in said
    assert "as admin (19x1): 35 entities, 33 writable, deletions: " in said
    assert not any(is_write(call) for call in crm.calls)
    assert any(call.form.get("operation") == "logout" for call in crm.calls)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"access_key": "wrong"}, "check `username` and `access_key`"),
        ({"idetify_by": "id"}, "There is no setting `idetify_by`; did you mean `identify_by`?"),
        ({"url": "http://127.0.0.1:9", "patience_seconds": 0}, "nobody answers at the server's address"),
        ({"ledger_url": "postgresql://u:s3cret@127.0.0.1:9/crm"}, "target-crm: Vtiger: The ledger cannot be opened"),
        ({"ledger_url": "postgresql://u:s3cret@127.0.0.1:9/crm"}, "check `ledger_url`, that its server is up"),
        ({"ledger_url": "sqlite:////proc/sys/ledger"}, "its folder takes no new file from this user"),
    ],
)
def test_it_ends_with_1_where_a_run_could_not_begin(
    crm: VtigerSimulator, tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    code, said = tried(tmp_path, {**settings(crm, tmp_path, identify_by="id"), **wrong})
    assert code == 1
    assert words in said
    assert "s3cret" not in said


@pytest.mark.parametrize("system", ["alfacrm", "intouch", "egito"])
def test_each_system_says_it(tmp_path: Path, system: str) -> None:
    with SUBJECTS[system].start(5) as crm:
        host = crm.url.removeprefix("http://")
        code, said = tried(tmp_path, {**SUBJECTS[system].config(crm), "identify_by": "id"})
    assert code == 0
    assert f" at {host} as " in said
    assert " writable, deletions: " in said
