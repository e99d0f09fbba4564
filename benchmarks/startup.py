"""What the commands cost before they do anything."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Run, middle, run

HERE = Path(sys.executable).parent
BASE = 'python -c "import singer_sdk"'


def measure(times: int) -> list[list[str]]:
    """CPU of each command, interleaved, and in multiples of the SDK's import."""
    commands = {BASE: [str(HERE / "python"), "-c", "import singer_sdk"]}
    commands |= {
        f"{name} {option}": [str(HERE / name), option]
        for name in ("tap-crm", "target-crm")
        for option in ("--version", "--about")
    }
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            found[name].append(run(command))
    base = middle(found[BASE], "cpu")
    costs = {name: middle(runs, "cpu") for name, runs in found.items()}
    return [
        ["command", "ms of CPU", "× the SDK's import"],
        *([f"`{name}`", f"{cost * 1e3:.0f}", f"{cost / base:.2f}"] for name, cost in costs.items()),
    ]
