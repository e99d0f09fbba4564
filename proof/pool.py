"""Cases side by side, each in a folder of its own."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proof import timeline
from proof.checker import Findings
from proof.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

MEMORY = Path("/dev/shm")
"""Ledgers wait for a disk at each record; kills of processes do not need one."""


def carried_out(case: Any, keep: Path) -> Verdict:
    """Runs a case in a folder that is thrown away; a bad history is kept."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        verdict: Verdict = case.run(Path(folder))
        history = Path(folder) / "history.jsonl"
        if history.exists() and (verdict.findings.all or verdict.part == timeline.PART):
            keep.mkdir(exist_ok=True)
            name = "".join(each if each.isalnum() else "-" for each in f"{verdict.part}-{case.name}")
            shutil.copy(history, keep / f"{name}.jsonl")
        return verdict


def all_carried_out(these: Iterable[Any], processes: int, keep: Path) -> list[Verdict]:
    """Runs cases side by side; one that cannot be carried out counts as one that ended in a traceback."""
    verdicts = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = {pool.submit(carried_out, case, keep): case for case in these}
        for future in as_completed(waiting):
            case, error = waiting[future], future.exception()
            broken = Verdict(sys.modules[type(case).__module__].PART, case.name, Findings(tracebacks=[repr(error)]))
            verdicts.append(broken if error else future.result())
            for sentence in verdicts[-1].findings.all:
                sys.stdout.write(f"{verdicts[-1].part}: {case.name}: {sentence}\n")
            tell(len(verdicts), len(waiting))
    return verdicts


def tell(done: int, of: int) -> None:
    """How far it is, on a terminal alone."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {of}" + ("\n" if done == of else ""))
