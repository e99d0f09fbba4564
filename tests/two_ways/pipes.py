"""The two pipelines of a pair, run in this process or killed in one of their own."""

from __future__ import annotations

import json
import os
import signal
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.running import discover
from tests.running import run as read
from tests.target_crm.processes import start
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from crm_simulators.base import Call, Fault
    from tests.two_ways.sides import Side


class Pipe:
    """From one side to the other; both pipes of a pair share the ledger in ``folder``."""

    def __init__(self, source: Side, there: Side, folder: Path, **more: Any) -> None:
        self.source, self.there = source, there
        self.folder = folder / f"{source.name}-{there.name}"
        self.folder.mkdir()
        self._report = self.folder / "report.json"
        self.settings = {
            **there.settings("target"),
            "source": source.name,
            "destination": there.name,
            "ledger_url": f"sqlite:///{folder}/ledger.sqlite",
            "report_path": f"{self.folder}/report.html",
            "rejects_path": f"{self.folder}/rejects.jsonl",
            "max_rejects": -1,
            "settle_seconds": 0,
            **more,
        }
        tap = source.settings("tap")
        self._tap = tap
        self._catalog = discover(tap)

    def read(self) -> list[str]:
        """What the tap gives now."""
        result = read(self._tap, catalog=self._catalog, state=self.source.state)
        assert result.exit == "", result.exit
        assert "no stream here" not in result.log
        return [line for line in result.output.split("\n") if line]

    def write(self, messages: list[str]) -> str:
        """Writes what a tap gave; the sentence at the end, empty after success."""
        self._report.unlink(missing_ok=True)
        result = write(self.settings, messages)
        assert "Traceback" not in result.everything
        if result.states:
            self.source.state = result.states[-1]
        return result.exit

    def write_and_die(
        self, messages: list[str], at: int, moment: Fault, which: Callable[[Call], bool] = lambda _call: True
    ) -> None:
        """The same in a process that is killed at its n-th such request, if it sends so many."""
        simulator, numbers = self.there.simulator, count(1)
        process: list[BaseProcess] = []

        def fault(call: Call) -> Fault | None:
            if not which(call) or not process or next(numbers) != at or process[0].pid is None:
                return None
            os.kill(process[0].pid, signal.SIGKILL)
            return moment

        simulator.fault = fault
        process.append(self.begin(messages))
        self.end(process[0])
        simulator.fault = lambda _call: None

    def begin(self, messages: list[str]) -> BaseProcess:
        """Begins to write in a process of its own."""
        self._report.unlink(missing_ok=True)
        return start(self.settings, [json.loads(each) for each in messages], self.folder)

    def end(self, process: BaseProcess) -> None:
        """Waits for the process, and takes the state that it gave last."""
        process.join(60)
        assert process.exitcode is not None, "the pipeline does not end"
        lines = (self.folder / "output").read_text("utf-8").split("\n")
        states = [json.loads(line) for line in lines if line.endswith("}")]
        if states:
            self.source.state = states[-1]

    def conflicts(self) -> list[dict[str, Any]]:
        """What the last run reported of what both sides changed."""
        if not self._report.exists():
            return []
        told = json.loads(self._report.read_text("utf-8"))["streams"].get("people", {})
        found: list[dict[str, Any]] = told.get("conflicts", [])
        return found
