"""What became of the records of one stream, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_crm.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_systems.model import Entity
    from target_crm.outcome import Outcome

KINDS = {
    Action.REJECT: "rejects",
    Action.DELETE: "deletes",
    Action.UPDATE: "updates",
    Action.CREATE: "creates",
    Action.CONVERT: "converts",
}
"""What is shown record by record, and under which name; what cannot be undone comes first."""
CONFLICTS = "conflicts"
"""What is shown field by field: what both sides changed."""
MOST_EXAMPLES = 500
"""How many examples of a field that the CRM stores otherwise are shown; all are counted."""


@dataclass
class StreamReport:
    """What became of one stream."""

    entity: Entity
    page_of: Callable[[str], str]
    """The address of the page on which the CRM shows a record; empty where nobody knows it."""
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    silent_changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_open: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By field and by what was done."""

    def add(self, outcome: Outcome) -> None:
        """Counts a record, and what the CRM stored otherwise."""
        self.counts[outcome.action.value] += 1
        if outcome.left_open:
            self.left_open.update(link.field for link in outcome.left_open)
        self.add_changes(outcome)

    def add_changes(self, outcome: Outcome) -> None:
        """Counts the fields of a record that both sides changed, and those that the CRM stored otherwise."""
        if outcome.conflicts:
            self.conflicts.update((each.field, each.done) for each in outcome.conflicts)
        for change in outcome.silent:
            known = self.silent_changes.setdefault(change.field, {"count": 0, "examples": []})
            known["count"] += 1
            if len(known["examples"]) < MOST_EXAMPLES:
                known["examples"].append({"key": outcome.key, "sent": change.before, "stored": change.after})

    def close_link(self, field: str) -> None:
        """Counts a reference as set that was counted as left open."""
        self.left_open = +(self.left_open - Counter([field]))

    def line(self, *, dry_run: bool) -> str:
        """One line for the terminal: numbers and field names, never a value."""
        counted = ", ".join(f"{count} {each.value}" for each in Action if (count := self.counts[each.value]))
        line = f"{self.entity.name}: {'would be ' if dry_run else ''}{counted or 'nothing to do'}"
        if self.silent_changes:
            fields = ", ".join(f"{name} ({each['count']})" for name, each in sorted(self.silent_changes.items()))
            line += f"; stored otherwise than sent: {fields}"
        if self.conflicts:
            fields = ", ".join(f"{name} ({count} {done})" for (name, done), count in sorted(self.conflicts.items()))
            line += f"; changed on both sides: {fields}"
        if self.left_open:
            fields = ", ".join(f"{name} ({count})" for name, count in sorted(self.left_open.items()))
            line += f"; references left open: {fields}"
        return line
