"""The project to copy does what its page says, for each of the five systems."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.contract.subjects import SUBJECTS, records
from tests.recipes.conftest import BUILT, QUICKLY
from tests.recipes.reader import DOCS, follow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recipes.conftest import Postgres

READ = {"simplycrm": "Contacts", "alfacrm": "customer", "intouch": "parties", "egito": "Account"}
"""A stream that the project selects of each system beside Vtiger."""


def test_the_project_to_copy_reads_all_five_systems(postgres: Postgres, tmp_path: Path) -> None:
    shutil.copy(DOCS.parent / "meltano.yml", tmp_path)
    environment: dict[str, str] = {**BUILT, **QUICKLY}
    with ExitStack() as stack:
        crms = {name: stack.enter_context(subject.start(12)) for name, subject in SUBJECTS.items()}
        for name, subject in SUBJECTS.items():
            for setting, value in subject.config(crms[name]).items():
                text = value if isinstance(value, str) else json.dumps(value)
                environment[f"TAP_{name}_{setting}".upper()] = text
        follow("recipes/meltano.md", tmp_path, {}, texts=postgres.texts, installing=True, environment=environment)
        blocks = [part for name in READ for part in (f"tap-{name}", "target-jsonl")]
        _meltano(tmp_path, environment, "run", *blocks)
        there = {name: len(records(crms[name], stream)) for name, stream in READ.items()}
        contacts = {each["id"] for each in records(crms["vtiger"], "Contacts")}
    files = {name: tmp_path / "output" / f"{stream}.jsonl" for name, stream in READ.items()}
    assert {name: len(path.read_text("utf-8").splitlines()) for name, path in files.items()} == there
    assert _in_duckdb(tmp_path) == contacts
    # In `dev`, as the file has it.
    assert {key for (key,) in postgres.ask("select id from crm_dev.contacts")} == contacts
    assert postgres.ask("select state_id from public.state") == [["dev:tap-vtiger-to-target-postgres"]]
    assert (tmp_path / "state" / "dev:tap-vtiger-to-target-duckdb" / "state.json").exists()


def _meltano(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    command: list[str | Path] = [folder / "meltano" / "bin" / "meltano", *arguments]
    everything = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=everything, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _in_duckdb(folder: Path) -> set[str]:
    python = next(folder.glob(".meltano/loaders/target-duckdb/venv/bin/python"))
    query = "import duckdb; print(duckdb.connect('warehouse.duckdb').execute('select id from crm.contacts').fetchall())"
    found = subprocess.run([python, "-c", query], cwd=folder, capture_output=True, text=True, check=True)
    return {each for (each,) in ast.literal_eval(found.stdout)}
