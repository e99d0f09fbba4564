"""A CRM lands in a real PostgreSQL and a table of it in a CRM, by the commands that the pages print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.recipes.conftest import BUILT, QUICKLY
from tests.recipes.reader import follow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

    Start = Callable[..., VtigerSimulator]


def test_the_first_page_fills_a_database(server: Postgres, tmp_path: Path) -> None:
    # Another port than others use; and the demo, which `make demo` itself shows.
    texts = server.texts | {"--rows 1000": "--rows 60 --port 0", "$ make demo": ""}
    environment = server.environment | BUILT
    follow("../README.md", tmp_path, {}, texts=texts, installing=True, environment=environment)
    (count,) = server.ask('select count(*) from crm."Contacts"')
    sent = [json.loads(line) for line in (tmp_path / "one-of-each.jsonl").read_text("utf-8").splitlines()]
    assert sum(each["type"] == "RECORD" and each["stream"] == "Contacts" for each in sent) == 1
    assert int(count[0]) > 50


def test_a_crm_lands_in_postgresql(vtiger: Start, server: Postgres, tmp_path: Path) -> None:
    crm = vtiger(rows=60)
    login = crm.config()
    # Meltano takes the log-in from the environment before it looks into its files.
    environment = {f"TAP_CRM_{name.upper()}": value for name, value in login.items()}
    environment |= server.environment | BUILT | QUICKLY
    texts = server.texts | {"TAP_CRM_ACCESS_KEY=…": f"TAP_CRM_ACCESS_KEY={login['access_key']}"}
    logins = {"vtiger": login}
    follow("recipes/postgresql.md", tmp_path, logins, texts=texts, installing=True, environment=environment)
    contacts = {each["id"]: each["lastname"] for each in crm.store.records("Contacts")}
    for schema in ("crm", "meltano"):
        (table,) = server.ask(
            f"select table_name from information_schema.tables where table_schema = '{schema}'"
            " and lower(table_name) = 'contacts'"
        )
        found = server.ask(f'select id, lastname from {schema}."{table[0]}"')
        assert dict(found) == contacts
        assert len(found) == len(contacts)
    assert server.ask("select count(*) from crm.live_contacts") == [[str(len(contacts))]]


def test_a_table_goes_into_a_crm_once(vtiger: Start, postgres: Postgres, tmp_path: Path) -> None:
    crm = vtiger()
    before = len(crm.store.records("Contacts"))
    logins = {"vtiger": crm.config()}
    follow("recipes/table.md", tmp_path, logins, texts=postgres.texts, installing=True, environment=QUICKLY)
    people = {each["email"]: each["lastname"] for each in crm.store.records("Contacts")}
    assert len(crm.store.records("Contacts")) == before + 2
    assert people["eva@example.com"] == "Nováková"
