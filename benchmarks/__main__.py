"""``make bench``: every figure of docs/performance.md, measured side by side on this machine, in about half an hour."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.charts import bars
from benchmarks.measure import ROOT, Run, interleaved, middle, run, stub
from benchmarks.writing import Writing, growing_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.measure import Server

HERE = Path(sys.executable).parent
PEERS = ROOT / ".venv-bench"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
FEW = 100
"""Rows of the short runs that are taken off the long ones, so that start-up does not count."""
PREFIX = "10"

Table = list[list[str]]


class Bench:
    """One run of everything; ``rows`` a read, each command ``times`` times."""

    def __init__(self, folder: Path, rows: int, times: int) -> None:
        self.folder, self.rows, self.times = folder, rows, times

    def config(self, server: Server, **more: Any) -> Path:
        """A file of settings that log in at the stub."""
        path = self.folder / f"config-{len(list(self.folder.iterdir()))}.json"
        settings = {"system": "vtiger", "url": server.url, "username": "admin", "access_key": "x", **more}
        path.write_text(json.dumps(settings))
        return path

    def tap(self, server: Server, *arguments: str, **settings: Any) -> list[str]:
        """Our tap."""
        return [str(HERE / "tap-crm"), "--config", str(self.config(server, **settings)), *arguments]

    def catalog(self, server: Server) -> Path:
        """A catalogue of the stub without the stream of pick lists."""
        told = subprocess.run(self.tap(server, "--discover"), capture_output=True, check=True, cwd=ROOT).stdout
        found = json.loads(told)
        found["streams"] = [each for each in found["streams"] if each["tap_stream_id"] != "picklists"]
        path = self.folder / "catalog.json"
        path.write_text(json.dumps(found))
        return path

    def readers(self, server: Server, *arguments: str, **settings: Any) -> dict[str, list[str]]:
        """Everybody who reads, by name."""
        plain = self.folder / "plain.json"
        plain.write_text(json.dumps({"url": server.url}))
        found = {
            "floor": [str(HERE / "python"), "-m", "benchmarks.peers.floor", server.url, "Leads", PREFIX],
            "tap-crm": self.tap(server, *arguments, **settings),
            "plain SDK tap": [str(HERE / "python"), "-m", "benchmarks.peers.plain_tap", "--config", str(plain)],
        }
        for name, module in (("airbyte", "airbyte_source"), ("dlt", "dlt_pipeline")):
            python = PEERS / name / "bin" / "python"
            if python.exists():
                found[name] = [str(python), "-m", f"benchmarks.peers.{module}", server.url]
        return found

    def cpu(self) -> tuple[Table, dict[str, float]]:
        """CPU a record net of start-up, in multiples of the floor."""
        costs: dict[int, dict[str, list[Run]]] = {}
        for rows in (FEW, self.rows):
            with stub(rows) as server:
                arguments = ("--catalog", str(self.catalog(server)))
                costs[rows] = interleaved(self.readers(server, *arguments), server, self.times)
        net = {
            name: (middle(costs[self.rows][name], "cpu") - middle(costs[FEW][name], "cpu")) / (self.rows - FEW)
            for name in costs[FEW]
        }
        table = [["reader", "µs a record", "× floor", "MiB", "requests"]]
        for name, seconds in net.items():
            runs = costs[self.rows][name]
            figures = (f"{seconds * 1e6:.1f}", f"{seconds / net['floor']:.2f}")
            table.append([name, *figures, f"{middle(runs, 'memory'):.0f}", f"{middle(runs, 'requests'):.0f}"])
        return table, {name: seconds / net["floor"] for name, seconds in net.items()}

    def latency(self) -> tuple[Table, dict[str, float]]:
        """Records a second at a server that takes 50 ms for each answer."""
        rates: dict[str, float] = {}
        with stub(self.rows, latency=0.05) as server:
            catalog = ("--catalog", str(self.catalog(server)))
            readers = self.readers(server, *catalog, parallel_requests=1)
            readers = {f"{name}, 1 worker" if name == "tap-crm" else name: each for name, each in readers.items()}
            for workers in (2, 4, 8, 16):
                readers[f"tap-crm, {workers} workers"] = self.tap(server, *catalog, parallel_requests=workers)
            found = interleaved(readers, server, max(self.times // 2, 1))
        table = [["reader", "records a second", "× plain SDK tap", "requests", "at once"]]
        for name, runs in found.items():
            rates[name] = self.rows / middle(runs, "wall")
        for name, runs in found.items():
            figures = (f"{rates[name]:,.0f}", f"{rates[name] / rates['plain SDK tap']:.1f}")
            table.append([name, *figures, f"{middle(runs, 'requests'):.0f}", f"{middle(runs, 'most_at_once'):.0f}"])
        return table, rates

    def first_record(self) -> Table:
        """Round trips between SCHEMA and the first record, at 200 ms."""
        table = [["workers", "round trips to the first record"]]
        with stub(self.rows, latency=0.2) as server:
            catalog = ("--catalog", str(self.catalog(server)))
            for workers in (1, 16):
                waits = [_until_first(self.tap(server, *catalog, parallel_requests=workers)) for _ in range(3)]
                table.append([str(workers), f"{sorted(waits)[1] / 0.2:.1f}"])
        return table

    def modules(self) -> Table:
        """150 modules of 30 rows, at 50 ms."""
        table = [["workers", "seconds", "requests a module"]]
        with stub(30, modules=150, latency=0.05) as server:
            catalog = ("--catalog", str(self.catalog(server)))
            for workers in (1, 8):
                cost = run(self.tap(server, *catalog, parallel_requests=workers), server)
                table.append([str(workers), f"{cost.wall:.1f}", f"{cost.requests / 150:.2f}"])
        return table

    def growth(self) -> Table:
        """Memory and speed as the data grow."""
        table = [["rows", "MiB", "µs of CPU a record"]]
        for rows in (10_000, 100_000, 1_000_000):
            with stub(rows) as server:
                cost = run(self.tap(server, "--catalog", str(self.catalog(server)), parallel_requests=2), server)
            table.append([f"{rows:,}", f"{cost.memory:.0f}", f"{cost.cpu / rows * 1e6:.1f}"])
        return table

    def writing(self) -> Table:
        """What a written and an unchanged record cost; fsyncs are those of a created record."""
        return Writing(self).table()

    def ledger(self) -> Table:
        """What the ledger costs a record with two references."""
        return growing_ledger(self.folder)


def _until_first(command: Sequence[str]) -> float:
    """Seconds between the first SCHEMA line and the first RECORD line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        assert process.stdout is not None
        described = 0.0
        for line in process.stdout:
            if b'"SCHEMA"' in line[:40]:
                described = time.perf_counter()
            if b'"RECORD"' in line[:40]:
                waited = time.perf_counter() - described
                process.kill()
                return waited
    sys.exit("no record came")


def markdown(table: Table) -> str:
    """A table."""
    head, *lines = table
    rule = "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)])


def machine() -> str:
    """What this was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("singer-sdk", "requests"))
    return f"{os.cpu_count()} × {model or platform.machine()}, Python {platform.python_version()}, {versions}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []


PARTS: Mapping[str, Callable[[Bench], Any]] = {
    "CPU a record": Bench.cpu,
    "At 50 ms a request": Bench.latency,
    "The first record": Bench.first_record,
    "Many small modules": Bench.modules,
    "Growth": Bench.growth,
    "Writing": Bench.writing,
    "The ledger": Bench.ledger,
}


def main() -> None:
    """Measures, prints, and writes the page and its chart where everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", choices=list(PARTS), action="append")
    arguments = parser.parse_args()
    page = [HEAD.format(machine=machine(), rows=arguments.rows, times=arguments.times)]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.rows, arguments.times)
        for title in arguments.only or PARTS:
            table = PARTS[title](bench)
            if isinstance(table, tuple):
                table, figures = table
                if title == "CPU a record" and not arguments.only:
                    CHART.write_text(bars("CPU a record, × floor (shorter is better)", figures), "utf-8")
            part = f"## {title}\n\n{(PARTS[title].__doc__ or '').strip()}\n\n{markdown(table)}\n"
            sys.stdout.write(f"{part}\n")
            sys.stdout.flush()
            page.append(part)
    if not arguments.only:
        PAGE.write_text("\n".join(page), "utf-8")


HEAD = """# Performance

Written by `make bench`: {machine}. Leads of 40 fields, about 1 KB, pages of 100, {rows:,} rows from a stub with
prepared answers in a process of its own; medians of {times} interleaved runs. The floor is requests and orjson
without Singer: pages read by id, each row written as a line. Figures are comparable within a table, not with
another machine.

![CPU a record in multiples of the floor](performance.svg)
"""

if __name__ == "__main__":
    main()
