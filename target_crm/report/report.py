"""What became of the records of a run, counted and kept."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from target_crm.files import MARK, replace_private
from target_crm.outcome import Action
from target_crm.report.page import page_of
from target_crm.report.shown import Shown
from target_crm.report.stream import CONFLICTS, KINDS, StreamReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_systems.model import Entity
    from target_crm.outcome import Outcome


class Report:
    """The report of one run; any number of threads may add to it. Records are kept only if they are to be shown."""

    def __init__(self, *, title: str, dry_run: bool, shows_records: bool) -> None:
        self.title = title
        self.dry_run = dry_run
        self.streams: dict[str, StreamReport] = {}
        self._shown = Shown() if shows_records else None
        self._lock = threading.Lock()

    def stream(self, name: str, entity: Entity, page_of: Callable[[str], str] = lambda _crm_id: "") -> StreamReport:
        """The part of one stream; made when it is first asked for."""
        return self.streams.setdefault(name, StreamReport(entity, page_of))

    def add(self, stream: str, outcome: Outcome) -> None:
        """Adds what became of one record."""
        with self._lock:
            self.streams[stream].add(outcome)
            if self._shown and outcome.action in KINDS:
                self._shown.add(stream, KINDS[outcome.action], _told(outcome))
            if outcome.conflicts:
                self._show_conflicts(stream, outcome)

    def add_changes(self, stream: str, outcome: Outcome) -> None:
        """Adds what both sides changed, and the CRM stored otherwise, in a record that is counted elsewhere."""
        with self._lock:
            self.streams[stream].add_changes(outcome)
            self._show_conflicts(stream, outcome)

    def _show_conflicts(self, stream: str, outcome: Outcome) -> None:
        if self._shown:
            for each in outcome.conflicts:
                told = {"key": outcome.key, "id": outcome.crm_id, "name": outcome.name, **vars(each)}
                self._shown.add(stream, CONFLICTS, told)

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
        shown = self._shown or Shown()
        told = self._summary(seconds, requests)
        try:
            replace_private(Path(path), page_of(told, self.streams, shown))
            replace_private(Path(path).with_suffix(".json"), _json(told, shown))
        finally:
            shown.close()

    def _summary(self, seconds: float, requests: int) -> dict[str, Any]:
        """All but the records."""
        return {
            "written_by": MARK,
            "title": self.title,
            "dry_run": self.dry_run,
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
            "requests": requests,
            "silent_changes": {name: each.silent_changes for name, each in self.streams.items() if each.silent_changes},
            "streams": {
                name: {
                    "entity": each.entity.name,
                    "counts": {action.value: each.counts[action.value] for action in Action},
                    "notes": each.notes,
                    "references_left_open": dict(each.left_open),
                }
                for name, each in self.streams.items()
            },
        }


def _told(outcome: Outcome) -> dict[str, Any]:
    """A record as the JSON has it."""
    return {
        "key": outcome.key,
        "id": outcome.crm_id,
        "name": outcome.name,
        "reason": f"{outcome.reason} {outcome.server_says}".strip(),
        "changes": [asdict(each) for each in outcome.changes],
    }


def _json(told: dict[str, Any], shown: Shown) -> Iterator[str]:
    """The JSON, piece by piece, each record in a line of its own."""
    around = {name: value for name, value in told.items() if name != "streams"}
    yield f'{_dumped(around)[:-1]}, "streams": {{'
    for number, (stream, part) in enumerate(told["streams"].items()):
        yield f"{',' if number else ''}\n{_dumped(stream)}: {_dumped(part)[:-1]}"
        for kind in (*KINDS.values(), CONFLICTS):
            yield f', "{kind}": ['
            for place, record in enumerate(shown.records(stream, kind)):
                yield f"{',' if place else ''}\n{_dumped(record)}"
            yield "]"
        yield "}"
    yield "}}\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
