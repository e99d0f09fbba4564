"""What the target costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, run, stub

if TYPE_CHECKING:
    from benchmarks.measure import Run, Server
    from benchmarks.page import Table
    from benchmarks.reading import Bench

HERE = Path(sys.executable).parent


class Writing:
    """The target on records that our tap read from the stub."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def source(self, server: Server, rows: int, name: str) -> Path:
        """The first ``rows`` records as the tap emits them, under other e-mail addresses where they are to be new."""
        told = subprocess.run(
            self.bench.tap(server, "--catalog", str(self.bench.catalog(server))),
            capture_output=True,
            check=True,
            cwd=ROOT,
        ).stdout
        lines, taken = [], 0
        for line in told.splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                taken += 1
                if name == "new":
                    message["record"]["email"] = f"new{taken}@example.com"
            if taken <= rows:
                lines.append(json.dumps(message))
        path = self.bench.folder / f"{name}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return path

    def target(self, server: Server, **settings: Any) -> list[str]:
        """Our target with a ledger of its own in the folder."""
        ledger = f"sqlite:///{self.bench.folder / settings.pop('ledger', 'ledger')}.sqlite"
        config = self.bench.config(server, ledger_url=ledger, **settings)
        return [str(HERE / "target-crm"), "--config", str(config)]

    def table(self) -> Table:
        """One line a way of writing."""
        table = [["what", "records a second", "ms of CPU a record", "requests a record"]]
        for latency, workers, rows in ((0.05, 16, 4000), (0.0, 1, 4000)):
            with stub(20_000, latency=latency) as server:
                source = self.source(server, rows, "new")
                command = self.target(server, ledger=f"new{workers}", identify_by="ledger", parallel_requests=workers)
                table.append(
                    self.line(
                        f"created, {latency * 1000:.0f} ms, {workers} workers",
                        rows,
                        run(command, server, source=source),
                    )
                )
                again = run(command, server, source=source)
                table.append(self.line(f"the same once more, by ledger, {workers} workers", rows, again))
        with stub(20_000) as server:
            source = self.source(server, 10_000, "same")
            command = self.target(server, ledger="match", identify_by=["email"], parallel_requests=1)
            table.append(self.line("upsert by e-mail, nothing changed", 10_000, run(command, server, source=source)))
            plain = [
                str(HERE / "python"),
                "-m",
                "benchmarks.peers.plain_target",
                "--config",
                str(self.bench.folder / "plain.json"),
            ]
            (self.bench.folder / "plain.json").write_text(json.dumps({"url": server.url}))
            source = self.source(server, 1000, "plain")
            table.append(self.line("plain SDK target, upsert by e-mail", 1000, run(plain, server, source=source)))
        return table

    def line(self, what: str, rows: int, cost: Run) -> list[str]:
        """A line of the table."""
        return [what, f"{rows / cost.wall:,.0f}", f"{cost.cpu / rows * 1e3:.3f}", f"{cost.requests / rows:.3f}"]
