"""What is decided about a record, before it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from target_crm.outcome import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_crm.ledger import Intent, Link
    from target_crm.outcome import Outcome
    from target_crm.writing.conflicts import Came, Decision
    from target_crm.writing.finding import Existing


@dataclass(frozen=True)
class Update:
    """What is to be done with a record that is there: fields to change, or only something to note."""

    came: Came
    existing: Existing
    decision: Decision
    outcome: Outcome


@dataclass
class Planned:
    """A create that is decided upon."""

    came: Came
    intent: Intent
    left_open: tuple[Link, ...]
    is_noted: bool = False
    """Whether the ledger holds the intent."""


def set_by(values: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a create sets."""
    return tuple(map(Change, values, repeat(None), values.values()))
