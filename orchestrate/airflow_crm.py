"""A CRM in Airflow: a mapped task for each shard, and one that compares what arrived with the CRM.

The pool ``crm`` (``airflow pools set crm 4 "the CRM"``) bounds how many of them talk to it at once, over all workers.
Environment: see ``part.py``; also ``CRM_PYTHON``, the Python of the environment in which tap-crm is installed,
``CRM_STREAMS`` (``Accounts,Contacts``) and ``CRM_SHARDS``, into how many parts the work is cut.
"""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

PART = Path(__file__).with_name("part.py")
STREAMS = os.environ.get("CRM_STREAMS", "Accounts,Contacts").split(",")
SHARDS = int(os.environ.get("CRM_SHARDS", "1"))


def part(*arguments: str) -> dict[str, Any]:
    """What ``part.py`` prints."""
    command = [os.environ.get("CRM_PYTHON", "python3"), str(PART), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    # Two runs of one shard would share its state.
    max_active_runs=1,
)
def crm() -> None:
    """Reads what was changed, all shards beside each other."""

    @task(pool="crm", retries=2, retry_delay=timedelta(minutes=1))
    def read(shard: str) -> dict[str, Any]:
        """What was changed in one shard since its last run."""
        return part("read", shard, *STREAMS)

    @task(pool="crm")
    def compare(stream: str) -> dict[str, Any]:
        """Fails where the warehouse does not hold what the CRM holds."""
        found = part("compare", stream)
        if found["missing"] or found["in_vain"]:
            raise ValueError(f"{stream}: {found['missing']} records are missing, {found['in_vain']} are there in vain")
        return found

    shards = [f"{number}/{SHARDS}" for number in range(1, SHARDS + 1)]
    read.expand(shard=shards) >> compare.expand(stream=STREAMS)


crm()
