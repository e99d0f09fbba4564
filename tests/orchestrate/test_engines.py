"""Dagster and Airflow load all shards into a real PostgreSQL, compare it with the CRM, and see what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.orchestrate.conftest import ORCHESTRATE, ROOT, STREAMS, say

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

DAGSTER = """
import json, sys
import dagster as dg
import dagster_crm

with dg.DagsterInstance.ephemeral() as instance:
    reading = dagster_crm.defs.resolve_job_def("reading")
    counts = {}
    for shard in dagster_crm.shards.get_partition_keys() if sys.argv[1] == "read" else ():
        done = reading.execute_in_process(partition_key=shard, instance=instance)
        for each in done.asset_materializations_for_node("crm"):
            name = each.asset_key.path[-1]
            counts[name] = counts.get(name, 0) + each.metadata["records"].value
    done = dagster_crm.defs.resolve_job_def("comparing").execute_in_process(instance=instance)
    checks = {each.asset_key.path[-1]: each.passed for each in done.get_asset_check_evaluations()}
    print(json.dumps([counts, checks]))
"""


def lose_one(crm: VtigerSimulator, postgres: Postgres) -> None:
    gone = crm.store.records("Contacts")[0]["id"]
    postgres.ask(f"delete from crm.contacts where id = '{gone}'")  # noqa: S608


def test_dagster(crm: VtigerSimulator, postgres: Postgres, with_warehouse: dict[str, str], tmp_path: Path) -> None:
    python = ROOT / ".venv-dagster" / "bin" / "python"
    environment = {**with_warehouse, "PYTHONPATH": str(ORCHESTRATE), "DAGSTER_HOME": ""}
    crm.store.delete(crm.store.records("Contacts")[0]["id"])
    for what, passes in (("read", True), ("compare", False)):
        done = say([python, "-c", DAGSTER, what], environment, tmp_path)
        assert done.returncode == 0, done.stderr
        counts, checks = json.loads(done.stdout.splitlines()[-1])
        assert checks == {"Accounts": True, "Contacts": passes}
        if what == "read":
            assert counts == {stream: len(crm.store.records(stream)) for stream in STREAMS}
            lose_one(crm, postgres)


def test_airflow(crm: VtigerSimulator, postgres: Postgres, with_warehouse: dict[str, str], tmp_path: Path) -> None:
    airflow = ROOT / ".venv-airflow" / "bin" / "airflow"
    environment = {
        **with_warehouse,
        "PATH": f"{airflow.parent}:{with_warehouse['PATH']}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ORCHESTRATE),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    for command in (["db", "migrate"], ["pools", "set", "crm", "4", "the CRM"]):
        done = say([airflow, *command], environment, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = say([airflow, "dags", "test", "crm"], environment, tmp_path)
    assert "state=success" in done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]
    assert dict(postgres.ask("select id, lastname from crm.contacts")).keys() == {
        each["id"] for each in crm.store.records("Contacts")
    }
    lose_one(crm, postgres)
    done = say([airflow, "dags", "test", "crm"], environment, tmp_path)
    assert "Contacts: 1 records are missing, 0 are there in vain" in done.stdout + done.stderr
