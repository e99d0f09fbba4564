"""Moves companies, people and deals from every CRM to every other on the simulators, by ``examples/any_to_any/``."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_simulators import SIMULATORS
from crm_simulators.vtiger import VtigerSimulator
from crm_systems import SYSTEMS
from tests.running import QuietTap
from tests.target_crm.writing import QuietTarget

if TYPE_CHECKING:
    from crm_simulators.base import Simulator

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "any_to_any"
TABLE = ROOT / "docs" / "any-to-any.md"
ROWS = 40
COMMON = ("companies", "people", "deals")
PAIRS = list(permutations((system.name for system in SYSTEMS), 2))
HURRY = {"requests_per_second": 1000}

HEAD = """# From any CRM to any other

What `python -m tools.pairs` moved between the simulators with the settings in
[examples/any_to_any](../examples/any_to_any/README.md): records written, and behind a plus those that the destination
does not take, each kept with its reason (the simulated records hold names that some CRMs refuse). A dash: one of the
two has no such records. A second run writes nothing.

| from | to | companies | people | deals |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Moved:
    """What two runs in a row did with one kind of record."""

    created: int = 0
    rejected: int = 0
    written_again: int = 0
    """Writes of the second run; none, if all is well."""

    def __str__(self) -> str:
        return f"{self.created}" + (f" + {self.rejected}" if self.rejected else "") if self != Moved() else "-"


def move(source: str, destination: str) -> dict[str, Moved]:
    """Moves all common records twice and gives the counts by kind."""
    with start(source, ROWS) as origin, start(destination, 0) as goal, tempfile.TemporaryDirectory() as folder:
        messages = read(source, origin)
        first = write_into(destination, goal, folder, messages)
        second = write_into(destination, goal, folder, messages)
    return {
        kind: Moved(
            created=first[kind]["create"],
            rejected=first[kind]["reject"],
            written_again=sum(second[kind][action] for action in ("create", "update", "delete")),
        )
        for kind in COMMON
        if kind in first
    }


def line(source: str, destination: str, moved: dict[str, Moved]) -> str:
    """A pair's line in the table."""
    titles = {system.name: system.title for system in SYSTEMS}
    counts = " | ".join(str(moved.get(kind, Moved())) for kind in COMMON)
    return f"| {titles[source]} | {titles[destination]} | {counts} |"


def start(name: str, rows: int) -> Simulator:
    """A simulator that is not slow."""
    flavour = "unthrottled" if "unthrottled" in SIMULATORS[name].flavours else None
    simulator = SIMULATORS[name](rows=rows, flavour=flavour)
    if isinstance(simulator, VtigerSimulator):
        # It numbers its people, and a system that checks names would refuse them all for that.
        for row in simulator.store.records("Contacts"):
            plain = row["lastname"].strip("0123456789 ")
            simulator.store.change(row["id"], {"lastname": plain or "Novák"}, touch=False)
    return simulator


def _settings(name: str, end: str, simulator: Simulator) -> dict[str, Any]:
    example: dict[str, Any] = json.loads((EXAMPLES / f"{name}.{end}.json").read_text("utf-8"))
    return {**simulator.config(), **HURRY, **example}


def read(name: str, simulator: Simulator) -> str:
    """What the tap says with the example's settings."""
    tap = QuietTap(config=_settings(name, "tap", simulator))
    output = io.StringIO()
    with redirect_stdout(output), tap.run.client:
        tap.sync_all()
    return output.getvalue()


def write_into(name: str, simulator: Simulator, folder: str, messages: str) -> dict[str, dict[str, int]]:
    """What became of the records, by stream; ledger, report and rejects are in ``folder``."""
    own = {
        "ledger_url": f"sqlite:///{folder}/ledger.sqlite",
        "report_path": f"{folder}/report.html",
        "max_rejects": -1,
        "rejects_path": f"{folder}/rejects.jsonl",
    }
    target = QuietTarget(config={**_settings(name, "target", simulator), **own})
    with redirect_stdout(io.StringIO()):
        target.listen(io.StringIO(messages))
    told = json.loads((Path(folder) / "report.json").read_text("utf-8"))
    return {stream: each["counts"] for stream, each in told["streams"].items()}


def main() -> None:
    """Writes the table."""
    lines = []
    for pair in PAIRS:
        lines.append(line(*pair, move(*pair)))
        sys.stderr.write(lines[-1] + "\n")
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
