"""What a run did, or in a dry run would do: one line a stream for the terminal, a page and JSON for people."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from target_crm.files import MARK, replace_private
from target_crm.outcome import Action, Outcome

MOST_SHOWN = 500
"""How many records of a kind a stream's report shows; all are counted."""

SHOWN = {Action.CREATE: "creates", Action.UPDATE: "updates", Action.DELETE: "deletes", Action.REJECT: "rejects"}


@dataclass
class StreamReport:
    """What became of one stream."""

    entity: str
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    silent_changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_open: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Counts a record and keeps what is worth showing."""
        self.counts[outcome.action.value] += 1
        if outcome.left_open:
            self.left_open.update(link.field for link in outcome.left_open)
        kind = SHOWN.get(outcome.action)
        if kind and len(self.shown.setdefault(kind, [])) < MOST_SHOWN:
            self.shown[kind].append(
                {
                    "key": outcome.key,
                    "id": outcome.crm_id,
                    "reason": f"{outcome.reason} {outcome.server_says}".strip(),
                    "changes": [vars(each) for each in outcome.changes],
                }
            )
        for change in outcome.silent:
            known = self.silent_changes.setdefault(change.field, {"count": 0, "examples": []})
            known["count"] += 1
            if len(known["examples"]) < MOST_SHOWN:
                known["examples"].append({"key": outcome.key, "sent": change.before, "stored": change.after})

    def close_link(self, field: str) -> None:
        """Counts a reference as set that was counted as left open."""
        self.left_open = +(self.left_open - Counter([field]))

    def line(self, *, dry_run: bool) -> str:
        """One line for the terminal: numbers and field names, never a value."""
        words = {action.value: action.value for action in Action if action is not Action.DEFER}
        counted = ", ".join(f"{self.counts[action]} {word}" for action, word in words.items() if self.counts[action])
        line = f"{self.entity}: {'would be ' if dry_run else ''}{counted or 'nothing to do'}"
        if self.silent_changes:
            fields = ", ".join(f"{name} ({each['count']})" for name, each in sorted(self.silent_changes.items()))
            line += f"; stored otherwise than sent: {fields}"
        if self.left_open:
            fields = ", ".join(f"{name} ({count})" for name, count in sorted(self.left_open.items()))
            line += f"; references left open: {fields}"
        return line


class Report:
    """The report of one run; any number of threads may add to it."""

    def __init__(self, *, title: str, dry_run: bool) -> None:
        self.title = title
        self.dry_run = dry_run
        self.streams: dict[str, StreamReport] = {}
        self._lock = threading.Lock()

    def stream(self, name: str, entity: str) -> StreamReport:
        """The part of one stream; made when it is first asked for."""
        return self.streams.setdefault(name, StreamReport(entity))

    def add(self, stream: str, outcome: Outcome) -> None:
        """Adds what became of one record."""
        with self._lock:
            self.streams[stream].add(outcome)

    @property
    def rejects(self) -> int:
        """How many records were rejected so far."""
        return sum(each.counts[Action.REJECT.value] for each in self.streams.values())

    def lines(self) -> list[str]:
        """One line a stream."""
        return [f"{name} → {each.line(dry_run=self.dry_run)}" for name, each in self.streams.items()]

    def write(self, path: str, *, seconds: float, requests: int) -> None:
        """Writes the page, and the same as JSON beside it.

        Raises:
            OSError: it cannot be written.
        """
        told = self._told(seconds, requests)
        template = files("target_crm").joinpath("report.html.j2").read_text("utf-8")
        page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template).render(told)
        replace_private(Path(path), page)
        replace_private(Path(path).with_suffix(".json"), json.dumps(told, indent=1, ensure_ascii=False, default=str))

    def _told(self, seconds: float, requests: int) -> dict[str, Any]:
        return {
            "written_by": MARK,
            "title": self.title,
            "dry_run": self.dry_run,
            "seconds": round(seconds, 1),
            "requests": requests,
            "streams": {
                name: {
                    "entity": each.entity,
                    "counts": {action.value: each.counts[action.value] for action in Action},
                    "notes": each.notes,
                    "references_left_open": dict(each.left_open),
                    **{kind: each.shown.get(kind, []) for kind in SHOWN.values()},
                }
                for name, each in self.streams.items()
            },
            "silent_changes": {name: each.silent_changes for name, each in self.streams.items() if each.silent_changes},
        }
