"""Runs commands beside each other, in turn, and takes the operating system's own account of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """What one run of a command cost."""

    cpu: float
    """Seconds of user and system time."""
    wall: float
    """Seconds."""
    memory: float
    """MiB at the most."""
    requests: int
    most_at_once: int


class Server:
    """The stub in a process of its own."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def counted(self) -> tuple[int, int]:
        """Requests since the last time this was asked, and how many were under way at once at the most."""
        with urlopen(f"{self.url}/reset") as answer:  # noqa: S310 - our own server
            told = json.load(answer)
        return told["requests"], told["most_at_once"]


@contextmanager
def stub(rows: int, *, modules: int = 1, latency: float = 0.0) -> Iterator[Server]:
    """A running stub."""
    asked = ["--rows", str(rows), "--modules", str(modules), "--latency", str(latency)]
    command = [sys.executable, "-m", "benchmarks.server", *asked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()


class BenchError(Exception):
    """A command failed."""


def run(command: Sequence[str], server: Server | None = None, *, source: Path | None = None) -> Run:
    """Runs a command to its end; its output is thrown away.

    Raises:
        BenchError: it fails.
    """
    if server:
        server.counted()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    with TemporaryDirectory() as folder, Path(source or os.devnull).open("rb") as stdin:
        cost, errors = Path(folder, "cost.json"), Path(folder, "errors")
        launched = [sys.executable, "-S", "-E", str(ROOT / "benchmarks" / "launcher.py"), str(cost), *command]
        with errors.open("wb") as stderr:
            subprocess.run(
                launched, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, cwd=ROOT, env=environment, check=True
            )
        told = json.loads(cost.read_text())
        if told["code"]:
            raise BenchError(f"{Path(command[0]).name} failed: {errors.read_text()[-300:]}")
    requests, most_at_once = server.counted() if server else (0, 0)
    return Run(told["cpu"], told["wall"], told["memory"], requests, most_at_once)


def interleaved(
    commands: Mapping[str, Sequence[str]], server: Server, times: int, lacks: list[str]
) -> dict[str, list[Run]]:
    """Each command so many times, in turn, after one run of each that does not count.

    One that fails is left out, and ``lacks`` says why.
    """
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for round_number in range(times + 1):
        for name, command in commands.items():
            if name not in found:
                continue
            try:
                cost = run(command, server)
            except BenchError as error:
                del found[name]
                lacks.append(f"{name}: {error}")
                continue
            if round_number:
                found[name].append(cost)
    return found


def middle(runs: Sequence[Run], figure: str) -> float:
    """The median of one figure."""
    return float(median(getattr(each, figure) for each in runs))
