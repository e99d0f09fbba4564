"""A Vtiger with odd texts, deletions and a changed schema, loaded by real loaders: nothing lost, blanked or stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.running import discover

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

    Start = Callable[..., VtigerSimulator]

LOADERS = Path(__file__).parent.parent.parent / ".venv-loaders"
ODD = {
    "a\0b": "a\ufffdb",
    "\\u0000": "\\u0000",
    "\u2028\u0085 \x01 \x7f": "\u2028\u0085 \x01 \x7f",
    "\U0001f600 \u202e'\"; drop table": "\U0001f600 \u202e'\"; drop table",
    "žluť\r\n\t|": "žluť\r\n\t|",
    "long " * 20_000: "long " * 20_000,
}
"""Texts, and what has to arrive of them (their ends are trimmed by the CRM)."""


class Warehouse(ABC):
    """Where a loader puts what it takes."""

    loader: str
    command: str
    expected: ClassVar[dict[str, str]]
    """The types of some columns."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres = folder, postgres

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The settings of the loader."""

    @abstractmethod
    def rows(self, table: str, *columns: str) -> list[list[Any]]:
        """Some columns of a table, as texts."""

    @abstractmethod
    def types(self, table: str) -> dict[str, str]:
        """The columns of a table with their types, as far as there are such."""

    def load(self, lines: bytes) -> dict[str, Any]:
        """Loads Singer messages and gives the last state that the loader let out."""
        path = self.folder / "loader.json"
        path.write_text(json.dumps(self.config()))
        command = LOADERS / self.loader / "bin" / self.command
        done = subprocess.run([command, "--config", path], input=lines, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        state: dict[str, Any] = json.loads(done.stdout.decode().strip().split("\n")[-1])
        return state


class OfPostgres(Warehouse):
    loader, command = "meltanolabs-target-postgres", "target-postgres"
    expected: ClassVar = {"id": "text", "birthday": "date", "donotcall": "boolean"}

    def config(self) -> dict[str, Any]:
        return {"sqlalchemy_url": self.postgres.url, "default_target_schema": "crm", "load_method": "upsert"}

    def rows(self, table: str, *columns: str) -> list[list[Any]]:
        (found,) = self.postgres.ask(f"select jsonb_agg(jsonb_build_array({', '.join(columns)})) from crm.{table}")
        return list(json.loads(found[0] or "[]"))

    def types(self, table: str) -> dict[str, str]:
        query = f"select column_name, data_type from information_schema.columns where table_name = '{table}'"
        return dict(self.postgres.ask(query))


class OfDuckDb(Warehouse):
    loader, command = "target-duckdb", "target-duckdb"
    expected: ClassVar = {"id": "VARCHAR", "modifiedtime": "TIMESTAMP", "donotcall": "BOOLEAN"}

    def config(self) -> dict[str, Any]:
        return {"filepath": str(self.folder / "warehouse.duckdb"), "default_target_schema": "crm"}

    def _ask(self, query: str) -> list[list[Any]]:
        script = (
            "import duckdb, json, sys\n"
            "rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall()\n"
            "print(json.dumps(rows, default=str))"
        )
        python = LOADERS / self.loader / "bin" / "python"
        command: list[str | Path] = [python, "-c", script, str(self.folder / "warehouse.duckdb"), query]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return list(json.loads(done.stdout))

    def rows(self, table: str, *columns: str) -> list[list[Any]]:
        return self._ask(f"select {', '.join(columns)} from crm.{table}")

    def types(self, table: str) -> dict[str, str]:
        return {each[0]: each[1] for each in self._ask(f"describe crm.{table}")}


class OfFiles(Warehouse):
    loader, command = "target-jsonl", "target-jsonl"
    expected: ClassVar = {}

    def config(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def rows(self, table: str, *columns: str) -> list[list[Any]]:
        path = self.folder / f"{table}.jsonl"
        lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
        records = [json.loads(line) for line in lines]
        # A file keeps every version.
        last = {json.dumps([each.get("entity"), each.get("id"), each.get("field")]): each for each in records}
        return [[each.get(name) for name in columns] for each in last.values()]

    def types(self, table: str) -> dict[str, str]:
        return dict.fromkeys(json.loads((self.folder / f"{table}.jsonl").read_text("utf-8").split("\n")[-2]), "")


def read(crm: VtigerSimulator, folder: Path, state: dict[str, Any], *, without: str = "", **more: Any) -> bytes:
    """What the command says of contacts, from before a field was made or after it."""
    config = {**crm.config(), "entities": ["Contacts"], "names": "snake_case", **more}
    catalog = discover(config)
    for stream in catalog["streams"]:
        stream["schema"]["properties"].pop(without, None)
        stream["metadata"] = [each for each in stream["metadata"] if each["breadcrumb"][-1:] != [without]]
    (folder / "crm.json").write_text(json.dumps(config))
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "catalog.json").write_text(json.dumps(catalog))
    command: list[str | Path] = [Path(sys.executable).with_name("tap-crm"), "--config", folder / "crm.json"]
    command += ["--catalog", folder / "catalog.json", "--state", folder / "state.json"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("kind", [OfPostgres, OfDuckDb, OfFiles], ids=lambda kind: kind.loader)
def test_nothing_is_lost_blanked_or_stopped(
    vtiger: Start, postgres: Postgres, tmp_path: Path, kind: type[Warehouse]
) -> None:
    crm, warehouse = vtiger(rows=60), kind(tmp_path, postgres)
    texts = {crm.store.insert("Contacts", {"lastname": "odd", "description": text}): text for text in ODD}
    held = {each["id"]: each["lastname"] for each in crm.store.records("Contacts")}
    state = warehouse.load(read(crm, tmp_path, {}, without="title"))
    assert {key: name.replace("\ufffd", "\0") for key, name in warehouse.rows("contacts", "id", "lastname")} == held
    found = dict(warehouse.rows("contacts", "id", "description"))
    assert {key: found[key] for key in texts} == {key: ODD[text] for key, text in texts.items()}
    assert kind.expected.items() <= warehouse.types("contacts").items()
    assert ["Contacts", "lastname", "Last Name"] in warehouse.rows("fields", "entity", "field", "label")

    crm.clock.advance(3600)
    gone, changed = sorted(held)[:2]
    crm.store.delete(gone)
    crm.store.change(changed, {"lastname": "Changed", "title": "new"})
    state = warehouse.load(read(crm, tmp_path, state))
    after = dict(warehouse.rows("contacts", "id", "lastname"))
    assert len(after) == len(held)
    assert (after[gone], after[changed]) == (held[gone], "Changed")
    assert dict(warehouse.rows("contacts", "id", "title"))[changed] == "new"
    assert warehouse.rows("deleted_records", "entity", "id") == [["Contacts", gone]]
    nothing_new = read(crm, tmp_path, state)
    assert b'"RECORD","stream":"contacts"' not in nothing_new
    warehouse.load(nothing_new)
    assert dict(warehouse.rows("contacts", "id", "lastname")) == after


@pytest.mark.parametrize("hard", [False, True])
def test_a_full_table_forgets_what_has_vanished(vtiger: Start, postgres: Postgres, tmp_path: Path, hard: bool) -> None:
    class Forgetting(OfPostgres):
        def config(self) -> dict[str, Any]:
            return {**super().config(), "hard_delete": hard}

    crm, warehouse = vtiger(rows=20), Forgetting(tmp_path, postgres)
    more: dict[str, Any] = {"entities": ["Groups", "Contacts"], "emit_activate_version_messages": True}
    state = warehouse.load(read(crm, tmp_path, {}, **more))
    gone, *there = sorted(each["id"] for each in crm.store.records("Groups"))
    crm.store.delete(gone)
    warehouse.load(read(crm, tmp_path, state, **more))
    held = dict(warehouse.rows("groups", "id", "_sdc_deleted_at"))
    assert sorted(key for key, marked in held.items() if not marked) == there
    assert (gone in held) is not hard
    assert len(warehouse.rows("contacts", "id")) == len(crm.store.records("Contacts"))
