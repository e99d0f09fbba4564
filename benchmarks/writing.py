"""What the target costs: records that our tap read from the stub, created, unchanged, and pointing to others."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, Run, middle, run, stub
from target_crm.ledger import Create, Intent, Ledger, Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Server
    from benchmarks.page import Table
    from benchmarks.reading import Bench

HERE = Path(sys.executable).parent
FEW = 100
"""Records of the short runs that are taken off the long ones, so that start-up does not count."""
LEDGER_RECORDS = 2000
"""Records that are written with a ledger of each size."""
TOGETHER = 16
"""Of them, those that are noted at once, as four writers do."""


class Writing:
    """The target with ledgers of its own."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._ledgers = 0

    def table(self) -> Table:
        """One line a way of writing."""
        table = [["what", "records/s", "of workers / latency", "µs of CPU a record", "requests a record", "fsyncs"]]
        for latency, workers in ((0.05, 16), (0.0, 4)):
            with stub(20_000, latency=latency) as server:
                table += self._created(server, latency, workers, 4000)
        with stub(20_000) as server:
            table.append(self._known(server, 16_000))
            table += self._matched(server, 10_000)
            plain = self.bench.folder / "plain.json"
            plain.write_text(json.dumps({"url": server.url}))
            command = [str(HERE / "python"), "-m", "benchmarks.peers.plain_target", "--config", str(plain)]
            long, short = ([run(command, server, source=self.source(server, n, "same"))] for n in (1000, FEW))
            table.append(self._line("plain SDK target, upsert by e-mail", 1000, long, short))
        return table

    def _created(self, server: Server, latency: float, workers: int, rows: int) -> Table:
        """Creates into an empty ledger, and the same with one field changed."""
        new, changed = ({n: list[Run]() for n in (FEW, rows)} for _ in range(2))
        for _round in range(self.bench.times):
            for n in (FEW, rows):
                source = self.source(server, n, "new")
                command = self.target(server, identify_by="ledger", parallel_requests=workers)
                new[n].append(run(command, server, source=source))
                changed[n].append(run(command, server, source=self.source(server, n, "changed")))
        command = self.target(server, identify_by="ledger", parallel_requests=workers)
        syncs = fsyncs(command, self.source(server, 1000, "new"))
        name = f"{latency * 1000:.0f} ms, {workers} workers"
        made = self._line(f"created, {name}", rows, new[rows], new[FEW])
        seconds = middle(new[rows], "wall") - middle(new[FEW], "wall")
        made[2] = f"{(rows - FEW) / seconds * latency / workers:.0%}" if latency else ""
        made[5] = "" if syncs is None else f"{syncs / 1000:.2f}"
        return [
            made,
            self._line(f"updated, {name}", rows, changed[rows], changed[FEW]),
        ]

    def _known(self, server: Server, rows: int) -> list[str]:
        """Records that the ledger knows as they are; of so many that start-up's own spread is small."""
        again = {n: list[Run]() for n in (FEW, rows)}
        sources = {n: self.source(server, n, "new") for n in again}
        commands = {n: self.target(server, identify_by="ledger", parallel_requests=4) for n in again}
        for n, source in sources.items():
            run(commands[n], server, source=source)
        for _round in range(self.bench.times):
            for n, source in sources.items():
                again[n].append(run(commands[n], server, source=source))
        return self._line("by ledger, nothing changed", rows, again[rows], again[FEW])

    def _matched(self, server: Server, rows: int) -> Table:
        """Records that the CRM has already, found by their e-mail address: at first, and once more."""
        first, again = ({n: list[Run]() for n in (FEW, rows)} for _ in range(2))
        for _round in range(self.bench.times):
            for n in (FEW, rows):
                source = self.source(server, n, "same")
                command = self.target(server, identify_by=["email"], parallel_requests=1)
                first[n].append(run(command, server, source=source))
                again[n].append(run(command, server, source=source))
        what = "upsert by e-mail, nothing changed"
        return [
            self._line(f"{what}, at first", rows, first[rows], first[FEW]),
            self._line(f"{what}, once more", rows, again[rows], again[FEW]),
        ]

    def _line(self, what: str, rows: int, many: Sequence[Run], few: Sequence[Run]) -> list[str]:
        net = (middle(many, "cpu") - middle(few, "cpu")) / (rows - FEW) * 1e6
        requests = (middle(many, "requests") - middle(few, "requests")) / (rows - FEW)
        return [what, f"{rows / middle(many, 'wall'):,.0f}", "", f"{net:.0f}", f"{requests:.3f}", ""]

    def source(self, server: Server, rows: int, name: str) -> Path:
        """The first ``rows`` records as the tap emits them, with other e-mail addresses unless ``name`` is same."""
        path = self.bench.folder / f"{name}-{rows}.jsonl"
        if path.exists():
            return path
        tap = self.bench.tap(server, "--catalog", str(self.bench.catalog(server)))
        lines, taken = [], 0
        for line in subprocess.run(tap, capture_output=True, check=True, cwd=ROOT).stdout.splitlines():
            message = json.loads(line)
            taken += message["type"] == "RECORD"
            if message["type"] == "RECORD" and name != "same":
                message["record"]["email"] = f"new{taken}@example.com"
            if message["type"] == "RECORD" and name == "changed":
                message["record"]["city"] = f"Brno {taken}"
            if taken <= rows:
                lines.append(json.dumps(message))
        path.write_text("\n".join(lines) + "\n")
        return path

    def target(self, server: Server, **settings: Any) -> list[str]:
        """Our target with a new ledger in the folder."""
        self._ledgers += 1
        ledger = f"sqlite:///{self.bench.folder}/ledger{self._ledgers}.sqlite"
        return [str(HERE / "target-crm"), "--config", str(self.bench.config(server, ledger_url=ledger, **settings))]


def fsyncs(command: Sequence[str], source: Path) -> int | None:
    """How often a run waits for the disk; None where nobody can count."""
    if not shutil.which("strace"):
        return None
    traced = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", *command]
    with source.open("rb") as stdin:
        told = subprocess.run(traced, stdin=stdin, capture_output=True, check=True, cwd=ROOT).stderr.decode()
    return sum(int(line.split()[3]) for line in told.splitlines() if re.search(r"\bf(data)?sync$", line))


def growing_ledger(folder: Path, times: int) -> Table:
    """What the ledger does for a record with two references, as it grows; interleaved, the median of so many times."""
    grown = {rows: _grown(folder, rows) for rows in (1_000, 1_000_000)}
    costs: dict[int, list[float]] = {rows: [] for rows in grown}
    for _round in range(times):
        for rows, path in grown.items():
            costs[rows].append(_cost(Path(shutil.copy(path, folder / "ledger.sqlite")), rows))
    table = [["rows in the ledger", "µs of CPU a record"]]
    return [*table, *([f"{rows:,}", f"{median(each) * 1e6:.0f}"] for rows, each in costs.items())]


def _grown(folder: Path, rows: int) -> Path:
    """A ledger with so many rows."""
    path = folder / f"grown{rows}.sqlite"
    Ledger(f"sqlite:///{path}", destination="crm", source="s").close()
    with closing(sqlite3.connect(path)) as db, db:
        values = (("crm", "s", "accounts", f"k{n}", "Accounts", f"11x{n}", "d", "{}") for n in range(rows))
        names = "destination, source, stream, key, entity, crm_id, digest, altered"
        db.executemany(f"insert into written ({names}) values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    return path


def _cost(path: Path, rows: int) -> float:
    """Seconds of CPU a record, by a ledger with so many rows."""
    ledger = Ledger(f"sqlite:///{path}", destination="crm", source="s")
    began = time.process_time()
    for first in range(0, LEDGER_RECORDS, TOGETHER):
        _write(ledger, range(first, first + TOGETHER), rows)
    cost = (time.process_time() - began) / LEDGER_RECORDS
    ledger.close()
    return cost


def _write(ledger: Ledger, numbers: Sequence[int], rows: int) -> None:
    """Looks records up, resolves two references of each, and notes that they are to be created, and that they were."""
    keys = [f"c{number}" for number in numbers]
    ledger.written_of("contacts", keys)
    references = [f"k{reference % rows}" for number in numbers for reference in (number * 7919, number * 104_729)]
    ledger.pointed_to.look_ahead(references)
    for reference in references:
        ledger.pointed_to.ids_of(["Accounts"], reference)
    now = datetime.now(timezone.utc)
    ledger.intents.note([Create(Intent("contacts", key, "Contacts", now, {"lastname": "x"}), None) for key in keys])
    for key in keys:
        ledger.note("contacts", key, Written("Contacts", f"12x{key}", "d"), later=True)
