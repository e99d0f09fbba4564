"""``make proof``: runs everything that can go wrong, prints what came of it, and writes docs/proof.md."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proof import faults, fuzz, kills, machine, page, soak, timeline
from proof.history import read
from proof.pool import all_carried_out
from proof.postgres import MISSING, cluster
from proof.verdict import together

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent


def arguments_of(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What is to be done, and how much of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small part of everything, in a minute or two")
    parser.add_argument("--only", choices=[each.PART for each in PARTS], action="append", help="this part alone")
    parser.add_argument("--step", type=int, help="every so many-th fault and kill (default: 1)")
    parser.add_argument("--seeds", type=int, help="soaks (default: 20)")
    parser.add_argument("--records", type=int, help="records a soak (default: 10,000)")
    parser.add_argument("--examples", type=int, help="fuzzed inputs, and as many answers (default: 2,000)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="cases at once")
    parser.add_argument("--keep", type=Path, default=ROOT / "proof-output", help="where histories that are bad go")
    chosen = parser.parse_args(given)
    usual = page.SHORT if chosen.short else page.LONG
    for name, value in usual.items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    return chosen


PARTS: tuple[Any, ...] = (faults, kills, timeline, soak, fuzz, machine)


def cases(chosen: argparse.Namespace, postgres: str) -> list[Any]:
    """All cases, the longest first, so that the end is not spent waiting for one."""
    found: dict[str, list[Any]] = {
        soak.PART: list(soak.cases(chosen.seeds, chosen.records)),
        timeline.PART: [timeline.Case(300, 25)],
        kills.PART: list(kills.cases(postgres=postgres))[:: chosen.step],
        fuzz.PART: list(fuzz.cases(chosen.examples)),
        machine.PART: list(machine.cases(chosen.examples // 4)),
        faults.PART: list(faults.cases(step=chosen.step)),
    }
    return [case for part, these in found.items() if not chosen.only or part in chosen.only for case in these]


def main() -> None:
    """Carries everything out, prints the table, writes the page where nothing was left out."""
    chosen, began = arguments_of(), time.monotonic()
    with suppress(FileNotFoundError):
        shutil.rmtree(chosen.keep)
    with cluster() as postgres:
        verdicts = all_carried_out(cases(chosen, postgres), chosen.processes, chosen.keep)
    parts = [together(each.PART, [one for one in verdicts if one.part == each.PART]) for each in PARTS]
    parts = [each for each in parts if each.figures.cases or each.findings.all]
    seconds = time.monotonic() - began
    about = page.about(chosen, seconds, "PostgreSQL" if postgres else MISSING)
    sys.stdout.write(f"{about}\n\n{page.table(parts)}\n")
    if not chosen.only and not chosen.short:
        drawn = next(chosen.keep.glob("one-load*.jsonl"))
        (ROOT / "docs" / "proof.svg").write_text(timeline.picture(read(drawn)), "utf-8")
        page.write(ROOT, about, parts)
    sys.exit(any(part.findings.all for part in parts))


if __name__ == "__main__":
    main()
