"""The parts together are the whole, each record exactly once, and each part goes on where it was."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import yaml

from tests.orchestrate.conftest import ORCHESTRATE, PARTS, STREAMS, say

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

LOADER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]))
    elif message["type"] == "RECORD" and message["stream"] in ("accounts", "contacts"):
        with open("taken", "a") as taken:
            print(message["record"]["id"], file=taken)
"""
"""Writes down which records it takes."""


def read(environment: dict[str, str], folder: Path, shard: str) -> subprocess.CompletedProcess[str]:
    return say([sys.executable, ORCHESTRATE / "part.py", "read", shard, *STREAMS], environment, folder)


def taken(folder: Path) -> list[str]:
    """The ids that the loader took since it was last asked."""
    path = folder / "taken"
    found = sorted(path.read_text().split()) if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def ids(crm: VtigerSimulator) -> list[str]:
    return sorted(each["id"] for stream in STREAMS for each in crm.store.records(stream))


def test_the_parts_are_the_whole_exactly_once(
    crm: VtigerSimulator, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "loader.py").write_text(LOADER)
    environment |= {"CRM_LOADER": f"{sys.executable} {tmp_path / 'loader.py'}"}
    counts = [json.loads(read(environment, tmp_path, f"{number}/{PARTS}").stdout) for number in range(1, PARTS + 1)]
    assert taken(tmp_path) == ids(crm)
    assert {stream: sum(each[stream] for each in counts) for stream in STREAMS} == {
        stream: len(crm.store.records(stream)) for stream in STREAMS
    }
    assert all(each["Contacts"] > 0 for each in counts), "each has its share"

    crm.clock.advance(3600)
    changed = ids(crm)[:2]
    for identifier in changed:
        crm.store.change(identifier, {"phone": "1"})
    for number in range(1, PARTS + 1):
        assert read(environment, tmp_path, f"{number}/{PARTS}").returncode == 0
    assert taken(tmp_path) == changed


def test_a_loader_that_fails_costs_nothing(crm: VtigerSimulator, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "loader.py").write_text(LOADER)
    done = read({**environment, "CRM_LOADER": "false"}, tmp_path, "1/1")
    assert done.returncode == 1
    assert "the loader with 1." in done.stderr
    assert "Traceback" not in done.stderr
    assert read({**environment, "CRM_LOADER": f"{sys.executable} loader.py"}, tmp_path, "1/1").returncode == 0
    assert taken(tmp_path) == ids(crm)


def test_kubernetes_runs_each_part_once(crm: VtigerSimulator, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "loader.py").write_text(LOADER)
    _claim, cron = yaml.safe_load_all((ORCHESTRATE / "cronjob.yaml").read_text("utf-8"))
    job: dict[str, Any] = cron["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert {each["name"] for each in container["env"]} <= environment.keys() | {"CRM_LOADER"}
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    shell, option, script = container["command"]
    # Fewer parts, on this machine's paths.
    script = script.replace("/16", f"/{PARTS}").replace("/part/", f"{ORCHESTRATE}/").replace("python", sys.executable)
    assert f"/{job['completions']}" in container["command"][2]
    for index in range(PARTS):
        loader = f"{sys.executable} {tmp_path / 'loader.py'}"
        more = {**environment, "CRM_LOADER": loader, "JOB_COMPLETION_INDEX": str(index)}
        done = say([shell, option, script], more, tmp_path)
        assert done.returncode == 0, done.stderr
    assert taken(tmp_path) == ids(crm)
