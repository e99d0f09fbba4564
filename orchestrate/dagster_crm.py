"""A CRM in Dagster: an asset for each stream, a partition for each shard, and checks that compare with the CRM.

Environment: see ``part.py``; also ``CRM_PYTHON``, the Python of the environment in which tap-crm is installed,
``CRM_STREAMS`` (``Accounts,Contacts``) and ``CRM_SHARDS``, into how many parts the work is cut.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

PART = Path(__file__).with_name("part.py")
STREAMS = os.environ.get("CRM_STREAMS", "Accounts,Contacts").split(",")
SHARDS = int(os.environ.get("CRM_SHARDS", "1"))
shards = dg.StaticPartitionsDefinition([f"{number}/{SHARDS}" for number in range(1, SHARDS + 1)])


def part(*arguments: str) -> dict[str, Any]:
    """What ``part.py`` prints."""
    command = [os.environ.get("CRM_PYTHON", "python3"), str(PART), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# The pool bounds how many runs talk to this CRM at once, over all machines: see dagster.yaml.
@dg.multi_asset(
    specs=[dg.AssetSpec(stream, group_name="crm", kinds={"singer"}) for stream in STREAMS],
    partitions_def=shards,
    can_subset=True,
    pool="crm",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def crm(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """What was changed in one shard since its last run."""
    wanted = sorted(key.path[-1] for key in context.selected_asset_keys)
    for stream, count in part("read", context.partition_key, *wanted).items():
        yield dg.MaterializeResult(stream, metadata={"records": count})


def _check(stream: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=stream, name="holds_what_the_crm_holds", pool="crm")
    def compared() -> dg.AssetCheckResult:
        found = part("compare", stream)
        return dg.AssetCheckResult(passed=not found["missing"] and not found["in_vain"], metadata=found)

    return compared


reading = dg.define_asset_job("reading", dg.AssetSelection.assets(*STREAMS).without_checks(), partitions_def=shards)
comparing = dg.define_asset_job(
    "comparing", dg.AssetSelection.checks_for_assets(*(dg.AssetKey(each) for each in STREAMS))
)


@dg.schedule(job=reading, cron_schedule="0 * * * *")
def hourly() -> Iterator[dg.RunRequest]:
    """All shards, every hour."""
    for shard in shards.get_partition_keys():
        yield dg.RunRequest(partition_key=shard)


defs = dg.Definitions(
    assets=[crm],
    asset_checks=[_check(stream) for stream in STREAMS],
    jobs=[reading, comparing],
    schedules=[hourly, dg.ScheduleDefinition(job=comparing, cron_schedule="30 4 * * *")],
)
