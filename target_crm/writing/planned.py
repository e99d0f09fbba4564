"""A record that came, what it is compared with, and what is decided about it before that is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

from target_crm.ledger import NOT_SHOWN, short_digest
from target_crm.outcome import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.model import Row
    from target_crm.ledger import Base, Intent, Link, Written
    from target_crm.mapping import Mapped
    from target_crm.outcome import Conflict, Outcome
    from target_crm.writing.finding import Existing


class Came(msgspec.Struct, frozen=True):
    """A record that came in, and what is known of it."""

    key: str
    record: Mapping[str, Any]
    mapped: Mapped
    fingerprint: str
    known: Written | None


@dataclass(frozen=True)
class Pair:
    """A field of the CRM, what came for it, and the record in the CRM."""

    name: str
    value: Any
    there: Row

    @property
    def is_shown(self) -> bool:
        """Whether the CRM shows the field."""
        return self.name in self.there

    @property
    def now(self) -> Any:
        """What the CRM holds."""
        return self.there.get(self.name)


_EQUALS = frozenset({str, int, Decimal, bool, type(None)})
"""Classes of which two values that are equal have one digest."""


@dataclass
class Decision:
    """What is to be done with the fields of one record, and what both sides agree upon then."""

    base: Base
    came: Mapping[str, tuple[bytes, Any]]
    """By field of the CRM: what stands for it in the base, and what came."""
    is_untouched: bool = False
    """Whether nobody changed the record in the CRM, although the base does not tell."""
    is_doubtful: bool = False
    """Whether a run was cut off while it wrote something else over the record, which the CRM may hold."""
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def agree(self, names: Iterable[str], there: Row) -> None:
        """Notes of fields that what came is what the record ``there`` holds, if it shows them."""
        came, alike = self.came, {}
        for name in names:
            if name not in came:
                continue
            mark, value = came[name]
            now = there.get(name, NOT_SHOWN)
            if now is value or (now.__class__ is value.__class__ and now.__class__ in _EQUALS and now == value):
                alike[mark] = value
            else:
                stored = NOT_SHOWN if now is NOT_SHOWN else short_digest(now)
                self.base.agree(mark, short_digest(value), stored)
        self.base.agree_upon(alike)

    def change(self, pair: Pair) -> None:
        """Writes what came."""
        self.changes.append(Change(pair.name, pair.now, pair.value))

    @property
    def leaves(self) -> bool:
        """Whether a conflict is left as it is."""
        return any(each.done == "left" for each in self.conflicts)


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
