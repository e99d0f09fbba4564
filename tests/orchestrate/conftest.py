"""A CRM, a warehouse, and the environment of ``orchestrate/part.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.recipes.conftest import cluster, postgres, server

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator
    from tests.recipes.conftest import Postgres

ROOT = Path(__file__).parent.parent.parent
ORCHESTRATE = ROOT / "orchestrate"
STREAMS = ["Accounts", "Contacts"]

PARTS = 3

__all__ = ["cluster", "postgres", "server"]


@pytest.fixture
def crm(vtiger: Callable[..., VtigerSimulator]) -> VtigerSimulator:
    """A Vtiger that tells deletions, with ids so far from each other that each part has some."""
    started = vtiger(rows=60)
    for number in range(30):
        started.store.sequence += 10_000
        started.store.insert("Contacts", {"lastname": f"Far {number}"})
    return started


@pytest.fixture
def environment(crm: VtigerSimulator, tmp_path: Path) -> dict[str, str]:
    """What the scripts read from the environment; without a loader and a warehouse."""
    config = tmp_path / "crm.json"
    config.write_text(json.dumps({**crm.config(), "names": "snake_case"}))
    return {
        **os.environ,
        "CRM_CONFIG": str(config),
        "CRM_STATES": str(tmp_path / "states"),
        "CRM_PYTHON": sys.executable,
        "CRM_STREAMS": ",".join(STREAMS),
        "CRM_SHARDS": str(PARTS),
    }


@pytest.fixture
def with_warehouse(environment: dict[str, str], postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    """The same, loading into a real PostgreSQL."""
    settings = tmp_path / "loader.json"
    settings.write_text(
        json.dumps({"sqlalchemy_url": postgres.url, "default_target_schema": "crm", "load_method": "upsert"})
    )
    loader = ROOT / ".venv-loaders" / "meltanolabs-target-postgres" / "bin" / "target-postgres"
    warehouse = postgres.url.replace("postgresql:", "postgresql+psycopg:")
    return {
        **environment,
        "CRM_SHARDS": "2",
        "CRM_LOADER": f"{loader} --config {settings}",
        "WAREHOUSE": warehouse,
        "WAREHOUSE_SCHEMA": "crm",
    }


def say(command: list[str | Path], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command."""
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=500
    )
