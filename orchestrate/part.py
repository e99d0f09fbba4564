"""What Dagster, Airflow and Kubernetes run: reads one part of a CRM into a loader, or compares what arrived.

It runs in the environment in which tap-crm is installed::

    python part.py read 3/16 Accounts Contacts   # prints how many records of each stream left
    python part.py compare Contacts              # prints what the warehouse lacks, and what it holds in vain

Environment: ``CRM_CONFIG``, tap-crm's settings; ``CRM_LOADER``, the command that takes Singer messages; ``CRM_STATES``,
a folder that every machine sees; and to compare ``WAREHOUSE``, an SQLAlchemy URL, and ``WAREHOUSE_SCHEMA``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from sqlalchemy import MetaData, Table, create_engine, select

from crm_systems import SYSTEMS, discovery, open_client
from crm_systems.settings import load
from tap_crm.naming import Names
from tap_crm.options import OWN_SETTINGS, PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE = "1/1"
STREAM = re.compile(rb'\{"type":\s?"RECORD","stream":\s?"([^"]+)"')


def read(shard: str, streams: Sequence[str]) -> dict[str, int]:
    """Reads what was changed in one part since its last run; the state of what the loader has stored is kept.

    Raises:
        SystemExit: a stream is not complete, or the loader failed.
    """
    folder = Path(os.environ["CRM_STATES"])
    folder.mkdir(parents=True, exist_ok=True)
    here = folder / f"part-{shard.replace('/', '-of-')}"
    state, config = here.with_suffix(".state.json"), here.with_suffix(".config.json")
    config.touch(0o600)
    part = {} if shard == WHOLE else {"shard": shard}
    config.write_text(json.dumps({**settings(), **part, "entities": list(streams)}), "utf-8")
    tap = [str(Path(sys.executable).with_name("tap-crm")), "--config", str(config)]
    if state.exists():
        tap += ["--state", str(state)]
    sent, codes = pipe(tap, shlex.split(os.environ["CRM_LOADER"]), here.with_suffix(".states"))
    # Also after a failure: what came before the last state that the loader let out is stored.
    if lines := here.with_suffix(".states").read_text("utf-8").splitlines():
        here.with_suffix(".new").write_text(lines[-1], "utf-8")
        here.with_suffix(".new").replace(state)
    if any(codes):
        sys.exit(f"Part {shard}: tap-crm ended with exit code {codes[0]}, the loader with {codes[1]}.")
    names = names_of(streams)
    return {stream: sent[names.of_stream(stream)] for stream in streams}


def pipe(tap: list[str], loader: list[str], states: Path) -> tuple[Counter[str], tuple[int, int]]:
    """Pipes one command into another; gives the records by stream, and the exit codes of both."""
    counts = Counter[str]()
    with (
        states.open("wb") as out,
        subprocess.Popen(tap, stdout=subprocess.PIPE) as source,
        subprocess.Popen(loader, stdin=subprocess.PIPE, stdout=out) as sink,
        suppress(BrokenPipeError),
        cast("IO[bytes]", sink.stdin) as entry,
    ):
        for line in cast("IO[bytes]", source.stdout):
            entry.write(line)
            if found := STREAM.match(line):
                counts[found[1].decode()] += 1
    return counts, (source.returncode, sink.returncode)


def compare(stream: str) -> dict[str, int]:
    """How many records of a stream the CRM has, how many of them the warehouse lacks, and how many it holds in vain."""
    config, problems = load(settings(), OWN_SETTINGS, SYSTEMS, PASSED_OVER)
    if problems:
        sys.exit("\n".join(problems))
    with open_client(config) as client:
        entity = discovery.describe(client, stream)
        there = set(client.system.ids(client.call, entity, None))
    held = held_of(stream, entity.key, entity.replication_key)
    return {"records": len(there), "missing": len(there - held), "in_vain": len(held - there)}


def held_of(stream: str, key: Sequence[str], stamp: str | None) -> set[str]:
    """The keys that the warehouse holds of a stream, without those of which it knows that they are gone."""
    names, places = names_of([stream]), MetaData(schema=os.environ.get("WAREHOUSE_SCHEMA"))
    with create_engine(os.environ["WAREHOUSE"]).connect() as connection:
        rows, gone = (
            Table(names.of_stream(each).lower(), places, autoload_with=connection)
            for each in (stream, "deleted_records")
        )
        told = select(gone.c.id, gone.c.noticed_at).where(gone.c.entity == stream)
        noticed = {str(identifier): at for identifier, at in connection.execute(told) if at}
        columns = [rows.c[name.lower()] for name in (*key, *([stamp] if stamp else []))]
        found = [("|".join(map(str, row[: len(key)])), row[-1]) for row in connection.execute(select(*columns))]
    return {each for each, changed in found if each not in noticed or (stamp and changed and changed > noticed[each])}


def settings() -> dict[str, Any]:
    """tap-crm's settings."""
    found: dict[str, Any] = json.loads(Path(os.environ["CRM_CONFIG"]).read_text("utf-8"))
    return found


def names_of(streams: Sequence[str]) -> Names:
    """What the streams are called when they leave."""
    found = settings()
    return Names(found.get("stream_prefix", ""), found.get("names", "crm"), lambda: streams)


if __name__ == "__main__":
    what, which, *others = sys.argv[1:]
    sys.stdout.write(json.dumps(read(which, others) if what == "read" else compare(which)))
