"""What the proof says: its table, docs/proof.md and the figures in the README."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from proof.verdict import total

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from proof.verdict import Verdict

LONG = {"step": 1, "seeds": 20, "records": 10_000, "examples": 2_000}
SHORT = {"step": 150, "seeds": 5, "records": 200, "examples": 50}
BEGIN, END = "<!-- proof -->", "<!-- /proof -->"
HEAD = (
    "part",
    "cases",
    "lost",
    "doubled",
    "ahead",
    "tracebacks",
    "hangs",
    "kills",
    "resent",
    "requests a record, undisturbed",
    "under faults",
    "seconds to recover",
)


def about(chosen: argparse.Namespace, seconds: float, databases: str) -> str:
    """On what and how it was run."""
    return (
        f"{datetime.now(timezone.utc):%d %B %Y}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{seconds / 60:.0f} minutes; ledgers on SQLite and {databases}; {chosen.seeds} soaks of "
        f"{chosen.records:,} records."
    )


def table(parts: Sequence[Verdict]) -> str:
    """One line a part, and their sum."""
    lines = [HEAD, ("---", *["---:"] * (len(HEAD) - 1)), *map(_line, [*parts, total(parts)])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(part: Verdict) -> tuple[str, ...]:
    found, counted = part.findings, part.figures
    wrong = (found.lost, found.doubled, found.ahead, found.tracebacks, found.hangs)
    return (
        part.part,
        f"{counted.cases:,}",
        *(str(len(each)) for each in wrong),
        f"{counted.kills:,}",
        f"{counted.resent:,}",
        _ratio(counted.requests, counted.records),
        _ratio(counted.disturbed_requests, counted.disturbed_records),
        _ratio(counted.recovery_seconds, counted.recovered),
    )


def _ratio(above: float, below: int) -> str:
    return f"{above / below:.2f}" if below else ""


def write(root: Path, about: str, parts: Sequence[Verdict]) -> None:
    """Writes the table into docs/proof.md and the figures into the README, between their marks."""
    whole = total(parts)
    wrong = len(whole.findings.all)
    figures = (
        f"**{whole.figures.cases:,} runs that went wrong, {whole.figures.kills:,} of them by a kill: "
        f"{len(whole.findings.lost)} records lost, {len(whole.findings.doubled)} doubled, "
        f"{wrong - len(whole.findings.lost) - len(whole.findings.doubled)} other faults.** "
        "`make proof` repeats it; [how, and what each run was](docs/proof.md)."
    )
    for name, text in (("docs/proof.md", f"{about}\n\n{table(parts)}"), ("README.md", figures)):
        path = root / name
        before, _, rest = path.read_text("utf-8").partition(BEGIN)
        path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")
