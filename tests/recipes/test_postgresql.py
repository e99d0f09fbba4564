"""A CRM lands in a real PostgreSQL and a table of it in a CRM, by the commands that the recipes print."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.recipes.reader import DOCS, follow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

    Start = Callable[..., VtigerSimulator]

PRINTED = "postgresql://crm:secret@localhost:5432/warehouse"
# What `make dist` built stands for the package index.
BUILT = {"PIP_FIND_LINKS": f"{DOCS.parent / 'dist'} {os.environ.get('PIP_FIND_LINKS', '')}".strip()}
BUILT["UV_FIND_LINKS"] = str(DOCS.parent / "dist")


def test_a_crm_lands_in_postgresql(vtiger: Start, postgres: Postgres, tmp_path: Path) -> None:
    crm = vtiger(rows=60)
    login = crm.config()
    # Meltano takes the log-in from the environment before it looks into its files.
    environment = {f"TAP_CRM_{name.upper()}": value for name, value in login.items()}
    follow(
        "recipes/postgresql.md",
        tmp_path,
        {"vtiger": login},
        texts={PRINTED: postgres.url, "TAP_CRM_ACCESS_KEY=…": f"TAP_CRM_ACCESS_KEY={login['access_key']}"},
        installing=True,
        WAREHOUSE=postgres.url,
        **environment,
        **BUILT,
    )
    contacts = {each["id"]: each["lastname"] for each in crm.store.records("Contacts")}
    for schema in ("crm", "meltano"):
        (table,) = postgres.ask(
            f"select table_name from information_schema.tables where table_schema = '{schema}'"  # noqa: S608
            " and lower(table_name) = 'contacts'"
        )
        found = postgres.ask(f'select id, lastname from {schema}."{table[0]}"')  # noqa: S608
        assert dict(found) == contacts
        assert len(found) == len(contacts)
    assert postgres.ask("select count(*) from crm.live_contacts") == [[str(len(contacts))]]


def test_a_table_goes_into_a_crm_once(vtiger: Start, postgres: Postgres, tmp_path: Path) -> None:
    crm = vtiger()
    before = len(crm.store.records("Contacts"))
    postgres.ask("create table people (mail text primary key, first_name text, surname text)")
    postgres.ask(
        "insert into people values ('eva@example.com', 'Eva', 'Nováková'), ('jan@example.com', 'Jan', 'Novák')"
    )
    texts = {PRINTED: postgres.url}
    follow("recipes/table.md", tmp_path, {"vtiger": crm.config()}, texts=texts, installing=True)
    people = {each["email"]: each["lastname"] for each in crm.store.records("Contacts")}
    assert len(crm.store.records("Contacts")) == before + 2
    assert people["eva@example.com"] == "Nováková"


def test_the_project_to_copy_works_in_both_environments(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger(rows=30)
    shutil.copy(DOCS.parent / "meltano.yml", tmp_path)
    login = {f"TAP_VTIGER_{name.upper()}": value for name, value in crm.config().items()}
    state = {"MELTANO_STATE_BACKEND_URI": (tmp_path / "state").as_uri()}
    environment: dict[str, str] = {**login, **BUILT, **state}
    follow("recipes/meltano.md", tmp_path, {}, texts={}, installing=True, **environment)
    python = next(tmp_path.glob(".meltano/loaders/target-duckdb/venv/bin/python"))
    query = "import duckdb; print(duckdb.connect('warehouse.duckdb').execute('select id from crm.contacts').fetchall())"
    found = subprocess.run([python, "-c", query], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603
    assert {each for (each,) in ast.literal_eval(found.stdout)} == {
        each["id"] for each in crm.store.records("Contacts")
    }
    assert {path.parent.name for path in (tmp_path / "state").glob("*/state.json")} == {
        "dev:tap-vtiger-to-target-duckdb",
        "prod:tap-vtiger-to-target-duckdb",
    }
