"""The recipes that need nothing but the connectors."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from crm_simulators import SIMULATORS
from crm_simulators.vtiger.requests import SentFile
from tests.recipes.reader import COMMANDS, DOCS, follow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

EXAMPLES = DOCS.parent / "examples" / "any_to_any"


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a file of Singer messages."""
    messages = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [message["record"] for message in messages if message["type"] == "RECORD"]


def test_the_commands(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    texts = {"--port 8080 --rows 1000": "--port 0 --rows 5"}
    follow("command-line.md", tmp_path, {"vtiger": crm.config() | {"entities": ["Contacts", "Leads"]}}, texts=texts)
    assert len(json.loads((tmp_path / "simulated-catalog.json").read_text("utf-8"))["streams"]) > 10
    assert {each["id"] for each in crm.store.records("Contacts")} <= {
        each["id"] for each in records(tmp_path / "crm.jsonl") if "id" in each
    }
    again = [each for each in records(tmp_path / "changes.jsonl") if "modifiedtime" in each]
    assert again == []


def test_a_cleaned_field_is_written_back(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    before = {each["id"]: dict(each) for each in crm.store.records("Contacts")}
    dirty = next(iter(before))
    crm.store.change(dirty, {"phone": "+420 (601) 000-001"})
    follow("recipes/write-back.md", tmp_path, {"vtiger": crm.config()})
    after = {each["id"]: each for each in crm.store.records("Contacts")}
    assert after[dirty]["phone"] == "+420601000001"
    untouched = ("lastname", "email", "title")
    assert [[each[name] for name in untouched] for each in after.values()] == [
        [each[name] for name in untouched] for each in before.values()
    ]
    assert (tmp_path / "report.html").exists()


def test_a_csv_file_goes_into_a_crm_once(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    before = len(crm.store.records("Contacts"))
    follow("recipes/csv.md", tmp_path, {"vtiger": crm.config()})
    people = {each["email"]: each for each in crm.store.records("Contacts")}
    assert len(crm.store.records("Contacts")) == before + 2
    assert people["eva@example.com"]["lastname"] == "Nováková"


def test_one_crm_moves_to_another_once(vtiger: Start, tmp_path: Path) -> None:
    goal = vtiger(rows=0)
    with SIMULATORS["intouch"](rows=20, flavour=None) as origin:
        for name in ("intouch.tap.json", "vtiger.target.json"):
            shutil.copy(EXAMPLES / name, tmp_path)
        hurry = {"requests_per_second": 1000}
        logins = {"intouch": origin.config() | hurry, "vtiger": goal.config()}
        follow("recipes/move.md", tmp_path, logins)
    counts = json.loads((tmp_path / "moved.json").read_text("utf-8"))["streams"]
    again = [count for each in counts.values() for action, count in each["counts"].items() if action != "unchanged"]
    assert len(goal.store.records("Accounts")) > 5
    assert len(goal.store.records("Contacts")) > 5
    assert sum(again) == 0


def test_a_company_moves_with_its_files_and_members(vtiger: Start, tmp_path: Path) -> None:
    goal = vtiger(rows=0)
    with SIMULATORS["simplycrm"](rows=0) as origin:
        store: Any = origin.store  # type: ignore[attr-defined]  # each simulator has one
        campaign = store.insert("Campaigns", {"campaignname": "Spring", "closingdate": "2026-05-01"})
        people = [store.insert("Contacts", {"lastname": f"Person {n}"}) for n in range(3)]
        paper = store.insert("Documents", {"notes_title": "Deed", "filename": "deed.txt", "filelocationtype": "I"})
        store.attach(paper, SentFile("filename", "deed.txt", "text/plain", b"signed"))
        store.pairs |= {frozenset(pair) for pair in ((campaign, people[0]), (campaign, people[2]), (people[1], paper))}
        logins = {"simplycrm": origin.config() | {"requests_per_second": 1000}, "vtiger": goal.config()}
        follow("recipes/company.md", tmp_path, logins)
    label = {"Campaigns": "campaignname", "Contacts": "lastname", "Documents": "notes_title"}
    found = [[goal.store.find(each) for each in pair] for pair in goal.store.pairs]
    names = sorted(sorted(str(each.values[label[each.module]]) for each in pair) for pair in found)
    assert names == [["Deed", "Person 1"], ["Person 0", "Spring"], ["Person 2", "Spring"]]
    assert [each.content for each in goal.store.files.values()] == [b"signed"]
    counts = json.loads((tmp_path / "moved.json").read_text("utf-8"))["streams"]
    assert not any(each["counts"][action] for each in counts.values() for action in ("create", "update", "reject"))


def test_every_hour_what_was_changed(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    loader = tmp_path / "target-jsonl" / "bin" / "target-jsonl"
    loader.parent.mkdir(parents=True)
    # Takes what comes and, as targets do, lets out the states that it has stored.
    loader.write_text(
        "#!/usr/bin/env python3\n"
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    message = json.loads(line)\n"
        "    if message['type'] == 'STATE':\n"
        "        print(json.dumps(message['value']))\n"
        "    else:\n"
        "        open('taken.jsonl', 'a').write(line)\n",
        "utf-8",
    )
    loader.chmod(0o755)
    (tmp_path / "crm").symlink_to(COMMANDS.parent)
    follow("recipes/cron.md", tmp_path, {"vtiger": crm.config()}, texts={"/srv/crm": str(tmp_path)})
    taken = [each["id"] for each in records(tmp_path / "taken.jsonl") if str(each.get("id", "")).startswith("12x")]
    assert len(taken) == len(crm.store.records("Contacts"))
    assert json.loads((tmp_path / "state.json").read_text("utf-8"))["bookmarks"]
    target, line = (tmp_path / "crontab").read_text("utf-8").splitlines()
    name, _, value = target.partition("=")
    # As cron does it: with next to nothing in the environment, and elsewhere.
    done = subprocess.run(  # noqa: S602 - our own documentation
        line.split(maxsplit=5)[5],
        shell=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", name: value.strip('"')},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "picklists" in (tmp_path / "sync.log").read_text("utf-8")
