"""``docs/performance.md`` and the README's figures, from what was measured so far."""

from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.charts import bars
from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
README = ROOT / "README.md"
FIGURES = ROOT / "benchmarks" / "figures.json"
"""What each part measured the last time."""
CPU = "CPU a record"
LATENCY = "At 50 ms a request"

Table = list[list[str]]

HEAD = """# Performance

How near to the wire the connectors are, beside what a user would pick instead: a tap and a target written as the Singer
SDK's tutorial teaches it, the Airbyte CDK and dlt. `make bench` measures it all in about half an hour and writes this
page; `python -m benchmarks --only "Growth"` measures one part anew.

Unless a part says otherwise: Leads of 40 fields, about 1 KB, pages of 100, from a stub with prepared answers in a
process of its own. The floor is requests and orjson without Singer: pages read by id, each row written as a line.
Figures are medians of interleaved runs, and comparable within a part, not with another machine.

![CPU a record in multiples of the floor](performance.svg)
"""


def machine() -> str:
    """What this is measured on."""
    cpus = Path("/proc/cpuinfo")
    told = cpus.read_text("utf-8").splitlines() if cpus.exists() else []
    model = next((line.partition(":")[2].strip() for line in told if line.startswith("model name")), "")
    versions = ", ".join(f"{name} {version(name)}" for name in ("singer-sdk", "requests", "msgspec"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return (
        f"{os.cpu_count()} × {model or platform.machine()}, load {load:.1f}, Python {platform.python_version()}, "
        f"{versions}"
    )


def known() -> dict[str, Any]:
    """What was measured so far, by part."""
    found: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    return found


def keep(title: str, says: str, table: Table, lacks: Sequence[str], **more: Any) -> None:
    """Keeps what a part measured; ``lacks`` says what could not be measured, and why."""
    part = {"says": says, "on": machine(), "table": table, "lacks": list(lacks), **more}
    FIGURES.write_text(json.dumps({**known(), title: part}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write(titles: Sequence[str]) -> None:
    """Writes page, chart and the README's figures."""
    parts = known()
    found = [_part(title, parts[title]) for title in titles if title in parts]
    PAGE.write_text("\n".join([HEAD, *found]), "utf-8")
    if CPU in parts:
        CHART.write_text(bars("CPU a record, × floor (shorter is better)", parts[CPU]["figures"]), "utf-8")
    sentence = readme(parts)
    text = README.read_text("utf-8")
    README.write_text(
        re.sub(r"(<!-- figures -->).*?(<!-- /figures -->)", rf"\g<1>{sentence}\g<2>", text, flags=re.DOTALL), "utf-8"
    )


def _part(title: str, part: dict[str, Any]) -> str:
    lacks = "".join(f"\nNot measured: {each}\n" for each in part["lacks"])
    return f"## {title}\n\n{part['says']}\n\n{markdown(part['table'])}\n{lacks}\nMeasured on {part['on']}.\n"


def markdown(table: Table) -> str:
    """A table."""
    head, *lines = table
    rule = "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)])


def readme(parts: dict[str, Any]) -> str:
    """The sentence of the README."""
    figures = parts.get(CPU, {}).get("figures", {})
    words = []
    if figures:
        words.append(f"a record read costs {figures['tap-crm']:.1f} times the CPU of requests and orjson alone")
        if (plain := figures.get("plain SDK tap")) is not None:
            words.append(f"{plain / figures['tap-crm']:.1f} times less than in a tap as the SDK's tutorial writes it")
    rates = parts.get(LATENCY, {}).get("figures", {})
    if rates:
        few, many = (rates[f"tap-crm, {readers} workers"] / rates["plain SDK tap"] for readers in (4, 16))
        words.append(f"at 50 ms a request it reads {few:.0f} times as fast with 4 readers, {many:.0f} times with 16")
    return ", ".join(words)
