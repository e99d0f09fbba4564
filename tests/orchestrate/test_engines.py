"""Dagster and Airflow, as their pages print it, load a CRM into a real PostgreSQL, and see what is missing there."""

from __future__ import annotations

import json
import shutil
import socket
from typing import TYPE_CHECKING

from tests.orchestrate.conftest import ORCHESTRATE, ROOT, STREAMS, say
from tests.recipes.reader import follow

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

DAGSTER = """
import json, subprocess, sys
import dagster as dg
import dagster_crm

with dg.DagsterInstance.ephemeral() as instance:
    counts = {}
    done = dagster_crm.defs.resolve_job_def("reading").execute_in_process(partition_key="2/2", instance=instance)
    for each in done.asset_materializations_for_node("crm"):
        counts[each.asset_key.path[-1]] = each.metadata["records"].value
    passed = []
    for change in ("select 1", "delete from crm.contacts where id = (select min(id) from crm.contacts)"):
        subprocess.run(["psql", sys.argv[1], "--quiet", "--output=/dev/null", "--command", change], check=True)
        done = dagster_crm.defs.resolve_job_def("comparing").execute_in_process(instance=instance)
        passed.append({each.asset_key.path[-1]: each.passed for each in done.get_asset_check_evaluations()})
    print(json.dumps([counts, passed]))
"""


def lay(folder: Path, *names: str, **environments: str) -> None:
    """Files of ``orchestrate/``, and environments that ``make orchestrate`` installed by the commands of the pages."""
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(ORCHESTRATE / name, folder)
    for name, place in environments.items():
        (folder / name).symlink_to(ROOT / place)


def held(postgres: Postgres, stream: str) -> set[str]:
    """The ids that the warehouse holds."""
    return {key for (key,) in postgres.ask(f"select id from crm.{stream.lower()}")}


def ids(crm: VtigerSimulator, stream: str) -> set[str]:
    """Those that the CRM holds."""
    return {each["id"] for each in crm.store.records(stream)}


def test_dagster(crm: VtigerSimulator, postgres: Postgres, tmp_path: Path) -> None:
    loader = ".venv-loaders/meltanolabs-target-postgres"
    lay(tmp_path, "part.py", "dagster_crm.py", "dagster.yaml", crm=".venv", loader=loader, dagster=".venv-dagster")
    crm.store.delete(crm.store.records("Contacts")[0]["id"])
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    # It serves until somebody looks.
    looking = (
        f"until curl --silent --fail --output it http://127.0.0.1:{port}/server_info; do kill -0 $!; sleep 0.5; done"
    )
    texts = postgres.texts | {"--port 3000": f"--port {port} & {looking}"}
    follow("recipes/dagster.md", tmp_path, {"vtiger": crm.config()}, texts=texts)
    first = {stream: len(held(postgres, stream)) for stream in STREAMS}
    assert 0 < first["Contacts"] < len(ids(crm, "Contacts"))
    environment = {
        "CRM_CONFIG": str(tmp_path / "crm.json"),
        "CRM_STATES": str(tmp_path / "states"),
        "CRM_STREAMS": ",".join(STREAMS),
        "CRM_SHARDS": "2",
        "CRM_PYTHON": str(tmp_path / "crm/bin/python"),
        "CRM_LOADER": f"{tmp_path / 'loader/bin/target-postgres'} --config {tmp_path / 'loader.json'}",
        "WAREHOUSE": postgres.url.replace("postgresql:", "postgresql+psycopg:"),
        "WAREHOUSE_SCHEMA": "crm",
    }
    done = say([tmp_path / "dagster/bin/python", "-c", DAGSTER, postgres.url], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    counts, passed = json.loads(done.stdout.splitlines()[-1])
    assert {stream: first[stream] + counts[stream] for stream in STREAMS} == {
        stream: len(ids(crm, stream)) for stream in STREAMS
    }
    assert passed == [{"Accounts": True, "Contacts": True}, {"Accounts": True, "Contacts": False}]


def test_airflow(crm: VtigerSimulator, postgres: Postgres, with_warehouse: dict[str, str], tmp_path: Path) -> None:
    lay(tmp_path, airflow=".venv-airflow")
    lay(tmp_path / "dags", "part.py", "airflow_crm.py")
    follow("recipes/airflow.md", tmp_path, {}, environment=with_warehouse)
    assert held(postgres, "Contacts") == ids(crm, "Contacts")
    assert held(postgres, "Accounts") == ids(crm, "Accounts")
    gone = min(ids(crm, "Contacts"))
    postgres.ask(f"delete from crm.contacts where id = '{gone}'")
    environment = with_warehouse | {
        "PATH": f"{tmp_path / 'airflow/bin'}:{with_warehouse['PATH']}",
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = say(["airflow", "dags", "test", "crm"], environment, tmp_path)
    assert "Contacts: 1 records are missing, 0 are there in vain" in done.stdout + done.stderr
