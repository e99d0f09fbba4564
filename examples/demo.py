"""``make demo``: a simulated Vtiger, read twice through Meltano into JSONL, edited, planned and written back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crm_simulators.vtiger import Switches, VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "demo-output"
PROJECT = OUTPUT / "project"
"""The Meltano project; it stays, so that the next demo need not install target-jsonl again."""
MELTANO = ROOT / ".venv-meltano" / "bin" / "meltano"
COMMANDS = Path(sys.executable).parent
ENTITIES = ("Accounts", "Contacts", "Potentials")


def main() -> None:
    """Runs the whole demo; ends by itself and leaves only ``demo-output/`` behind."""
    start_project()
    say("Installing target-jsonl into Meltano …")
    run("install", [MELTANO, "install", "loader", "target-jsonl"], {})
    with VtigerSimulator(rows=1000, switches=Switches(sync_registered=True)) as crm:
        say(f"A simulated Vtiger 8.4 with {len(crm.store.records('Contacts'))} contacts is up.\n")
        read_twice(crm)
        write_back(crm)
    say(f"\nAll of it lies in {OUTPUT.relative_to(ROOT)}/.")


def start_project() -> None:
    """An empty ``demo-output/``, and the project of meltano.yml with the tap of this checkout in place of PyPI's."""
    PROJECT.mkdir(parents=True, exist_ok=True)
    for path in OUTPUT.iterdir():
        if path.is_dir() and path != PROJECT:
            shutil.rmtree(path)
        elif path != PROJECT:
            path.unlink()
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    tap = project["plugins"]["extractors"][0]
    del tap["pip_url"]
    tap["executable"] = str(COMMANDS / "tap-crm")
    (PROJECT / "meltano.yml").write_text(yaml.safe_dump(project, sort_keys=False), "utf-8")


def read_twice(crm: VtigerSimulator) -> None:
    """All records first, then only what was changed and deleted in between."""
    extract(crm, "first", "--full-refresh")
    contacts = [record["id"] for record in crm.store.records("Contacts")]
    say("Run 1, everything:    " + counted("first"))
    for contact in contacts[10:13]:
        crm.store.change(contact, {"title": "Head of Everything"})
    crm.store.delete(contacts[20])
    say("Now three contacts are changed in the CRM, and one is deleted.")
    extract(crm, "second")
    say("Run 2, changes only:  " + counted("second"))
    for record in rows("second", "Contacts"):
        say(f"  {record['id']} is now {record['title']}")
    for record in rows("second", "deleted_records"):
        say(f"  {record['id']} was deleted")


def extract(crm: VtigerSimulator, name: str, *options: str) -> None:
    """``meltano run tap-crm target-jsonl``."""
    settings = {f"TAP_CRM_{key.upper()}": value for key, value in crm.config().items()}
    settings |= {
        "TAP_CRM_ENTITIES": json.dumps(ENTITIES),
        "TAP_CRM__SELECT": json.dumps(["*.*", "!picklists.*", "!fields.*"]),
        "TARGET_JSONL_DESTINATION_PATH": str(OUTPUT / name),
    }
    (OUTPUT / name).mkdir()
    run(name, [MELTANO, "run", "--state-id-suffix", "demo", *options, "tap-crm", "target-jsonl"], settings)


def write_back(crm: VtigerSimulator) -> None:
    """The changed contacts, edited, planned, written, and once more to see that nothing happens."""
    edited = [record | {"title": "Chief of Everything"} for record in rows("second", "Contacts") if record.get("title")]
    schema = {"type": "object", "properties": {name: {} for name in edited[0]}}
    messages = [{"type": "SCHEMA", "stream": "Contacts", "schema": schema, "key_properties": ["id"]}]
    messages += [{"type": "RECORD", "stream": "Contacts", "record": record} for record in edited]
    (OUTPUT / "edited.singer").write_text("".join(json.dumps(message) + "\n" for message in messages), "utf-8")
    say("\nNow the way back: their titles are edited in the file and sent to target-crm.")
    say("Plan (dry run):       " + load(crm, "plan", dry_run=True))
    say("Written:              " + load(crm, "written"))
    say("Written once more:    " + load(crm, "again"))
    ids = {record["id"] for record in edited}
    titles = {record["title"] for record in crm.store.records("Contacts") if record["id"] in ids}
    say(f"  in the CRM they are now {', '.join(titles)}; see demo-output/plan.html and written.html")


def load(crm: VtigerSimulator, name: str, **settings: Any) -> str:
    """``target-crm``; gives its own summary of what it did."""
    ledger = f"sqlite:///{OUTPUT / 'ledger.sqlite'}"
    report = {"report_path": str(OUTPUT / f"{name}.html"), "ledger_url": ledger}
    config = OUTPUT / f"{name}.config.json"
    config.write_text(json.dumps(crm.config() | report | {"identify_by": "id"} | settings), "utf-8")
    run(name, [COMMANDS / "target-crm", "--config", config, "--input", OUTPUT / "edited.singer"], {})
    counts = json.loads((OUTPUT / f"{name}.json").read_text("utf-8"))["streams"]["Contacts"]["counts"]
    return ", ".join(f"{count} {action}" for action, count in counts.items() if count)


def rows(name: str, stream: str) -> list[dict[str, Any]]:
    """What a run wrote of a stream."""
    path = OUTPUT / name / f"{stream}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def counted(name: str) -> str:
    """How many records of each stream a run wrote."""
    return ", ".join(f"{len(rows(name, stream))} {stream}" for stream in ENTITIES)


def run(name: str, command: Iterable[str | Path], settings: dict[str, str]) -> None:
    """Runs a command quietly; shows what it said only if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=PROJECT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    (OUTPUT / f"{name}.log").write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode:
        sys.exit(f"{done.stdout}\n{done.stderr}\nThe demo failed at: {name}")


def say(line: str) -> None:
    """Prints at once, so that a person sees how far it is."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
