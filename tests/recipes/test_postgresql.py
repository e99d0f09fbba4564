"""A CRM lands in a real PostgreSQL and a table of it in a CRM, by the commands that the recipes print."""

from __future__ import annotations

import os
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
