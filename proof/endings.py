"""How a process ended, noted in a history."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from proof.runs import SECONDS_TO_HANG, Acknowledged, note_end, note_read
from tests.running import Run as ReadRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proof.history import History
    from proof.processes import Command
    from proof.runs import Given
    from tests.contract.subjects import Subject


def end_of_write(
    history: History, who: str, process: Command, records: Sequence[Given], seconds: float = SECONDS_TO_HANG
) -> int | None:
    """Waits until a run is over, and notes what it has acknowledged; gives its exit code."""
    code = process.wait(seconds)
    acknowledged = Acknowledged(history, who, records)
    # A line that the kill cut is none.
    acknowledged.write(process.output.rpartition("\n")[0])
    _note_end(history, who, code, process)
    return code


def _note_end(history: History, who: str, code: int | None, process: Command) -> None:
    if code is None:
        os.kill(process.pid, signal.SIGKILL)
        history.note(who, "failed", "run", value="hang")
    elif code == -signal.SIGKILL:
        history.note(who, "unknown", "run", value="killed")
    else:
        note_end(history, who, process.log.strip().rpartition("\n")[2] if code else "", process.log)


def end_of_read(
    history: History, who: str, subject: Subject, process: Command, state: str, seconds: float = SECONDS_TO_HANG
) -> tuple[ReadRun, str, int | None]:
    """Waits until a run is over, and notes what it gave; gives that, the state to go on from and the exit code."""
    code = process.wait(seconds)
    # A line that the kill cut is none.
    result = ReadRun(process.output.rpartition("\n")[0], "")
    last = note_read(history, who, subject, result)
    _note_end(history, who, code, process)
    return result, json.dumps(last) if last else state, code
