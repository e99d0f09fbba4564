"""``make bench``: every figure of docs/performance.md, measured side by side on this machine, in about half an hour."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from benchmarks.measure import BenchError
from benchmarks.page import CPU, LATENCY, keep, markdown, write
from benchmarks.reading import Bench
from benchmarks.writing import Writing, growing_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.page import Table


def writing(bench: Bench) -> Table:
    """What a record costs, all but records/s net of start-up; fsyncs of a created one. At 0 ms there are no threads."""
    return Writing(bench).table()


def ledger(bench: Bench) -> Table:
    """What the ledger costs a record with two references, as it grows."""
    return growing_ledger(bench.folder, bench.times)


PARTS: Mapping[str, Callable[[Bench], Table]] = {
    CPU: Bench.cpu,
    "Where the time goes": Bench.steps,
    LATENCY: Bench.latency,
    "The first record": Bench.first_record,
    "Many small modules": Bench.modules,
    "Growth": Bench.growth,
    "Other systems": Bench.other_systems,
    "Start-up": Bench.startup,
    "Writing": writing,
    "The ledger": ledger,
}


def main() -> None:
    """Measures, prints, and writes page, chart and the README's figures; a part that fails does not end the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", choices=list(PARTS), action="append", help="measure just this part anew")
    arguments = parser.parse_args()
    # Others' packages were compiled when they were installed; ours are by their first run, which does not count.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    failed = []
    for title in arguments.only or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), arguments.rows, arguments.times)
            try:
                table = PARTS[title](bench)
            except (BenchError, CalledProcessError) as error:
                failed.append(f"{title}: {error}")
                continue
        says = (PARTS[title].__doc__ or "").strip()
        keep(title, says, table, bench.lacks, figures=bench.figures)
        sys.stdout.write(f"## {title}\n\n{says}\n\n{markdown(table)}\n\n")
        sys.stdout.writelines(f"Not measured: {each}\n" for each in bench.lacks)
        sys.stdout.flush()
        write(list(PARTS))
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
