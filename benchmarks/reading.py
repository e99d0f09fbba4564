"""What the taps cost: ours and others, interleaved."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import startup
from benchmarks.measure import ROOT, BenchError, Run, interleaved, middle, run, stub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Server
    from benchmarks.page import Table

HERE = Path(sys.executable).parent
PEERS = ROOT / ".venv-bench"
FEW = 100
"""Rows of the short runs that are taken off the long ones, so that start-up does not count."""
PREFIX = "10"
OTHERS = {"alfacrm": "customer", "intouch": "parties", "egito": "Lead"}
"""Of each other system, a kind of record that every user has."""
MODULE = re.compile(r"Leads|Module\d+")


class Bench:
    """One run of everything; ``rows`` a read, each command ``times`` times."""

    def __init__(self, folder: Path, rows: int, times: int) -> None:
        self.folder, self.rows, self.times = folder, rows, times
        self.lacks: list[str] = []
        """What could not be measured, and why."""
        self.figures: dict[str, float] = {}
        """What is drawn."""

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
        """A catalogue of the stub: its modules, without what is told of them."""
        told = subprocess.run(self.tap(server, "--discover"), capture_output=True, check=True, cwd=ROOT).stdout
        found = json.loads(told)
        found["streams"] = [each for each in found["streams"] if MODULE.fullmatch(each["tap_stream_id"])]
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
            else:
                self.lack(f"{name}: it is not installed in {python.relative_to(ROOT)}, see `make bench`.")
        return found

    def lack(self, sentence: str) -> None:
        """Notes once what could not be measured."""
        if sentence not in self.lacks:
            self.lacks.append(sentence)

    def cpu(self) -> Table:
        """CPU a record net of start-up, in multiples of the floor; of so many that start-up's own spread is small."""
        costs: dict[int, dict[str, list[Run]]] = {}
        many = 5 * self.rows
        for rows in (FEW, many):
            with stub(rows) as server:
                arguments = ("--catalog", str(self.catalog(server)))
                readers = self.readers(server, *arguments)
                readers["tap-crm, 1 worker"] = self.tap(server, *arguments, parallel_requests=1)
                costs[rows] = interleaved(readers, server, self.times, self.lacks)
        net = {
            name: (middle(costs[many][name], "cpu") - middle(costs[FEW][name], "cpu")) / (many - FEW)
            for name in costs[FEW]
            if name in costs[many]
        }
        table = [["reader", "µs a record", "× floor", "MiB", "requests"]]
        for name, seconds in net.items():
            runs = costs[many][name]
            figures = (f"{seconds * 1e6:.1f}", f"{seconds / net['floor']:.2f}")
            table.append([name, *figures, f"{middle(runs, 'memory'):.0f}", f"{middle(runs, 'requests'):.0f}"])
        self.figures = {name: seconds / net["floor"] for name, seconds in net.items()}
        return table

    def latency(self) -> Table:
        """Records a second at a server that takes 50 ms for each answer."""
        rates: dict[str, float] = {}
        with stub(self.rows, latency=0.05) as server:
            catalog = ("--catalog", str(self.catalog(server)))
            readers = self.readers(server, *catalog, parallel_requests=1)
            readers = {f"{name}, 1 worker" if name == "tap-crm" else name: each for name, each in readers.items()}
            for workers in (2, 4, 8, 16):
                readers[f"tap-crm, {workers} workers"] = self.tap(server, *catalog, parallel_requests=workers)
            found = interleaved(readers, server, max(self.times // 2, 1), self.lacks)
        table = [["reader", "records a second", "× plain SDK tap", "requests", "at once"]]
        for name, runs in found.items():
            rates[name] = self.rows / middle(runs, "wall")
        for name, runs in found.items():
            figures = (f"{rates[name]:,.0f}", f"{rates[name] / rates['plain SDK tap']:.1f}")
            table.append([name, *figures, f"{middle(runs, 'requests'):.0f}", f"{middle(runs, 'most_at_once'):.0f}"])
        self.figures = rates
        return table

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

    def other_systems(self) -> Table:
        """Each other system against its own floor: the same answers, by requests and orjson."""
        table = [["system", "floor, µs a record", "tap-crm, µs a record", "× floor"]]
        for system, entity in OTHERS.items():
            base, ours = _told("others", system, entity, str(self.times))
            table.append([system, f"{base * 1e6:.1f}", f"{ours * 1e6:.1f}", f"{ours / base:.2f}"])
        return table

    def startup(self) -> Table:
        """CPU of commands that do nothing, beside the import of the Singer SDK, which each of them needs."""
        return startup.measure(2 * self.times)

    def steps(self) -> Table:
        """Where the tap's time goes, one page after the other in one process; without log-in and describing."""
        with stub(self.rows) as server:
            told: Table = _told("steps", server.url, str(self.rows), str(self.times), str(self.catalog(server)))
            return told


def _told(module: str, *arguments: str) -> Any:
    """What a part says that is measured inside a process of its own.

    Not inside this one: the memory of a command begins with that of who starts it.
    """
    command = [str(HERE / "python"), "-m", f"benchmarks.{module}", *arguments]
    told = subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout
    return json.loads(told.splitlines()[-1])


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
    raise BenchError("no record came")
