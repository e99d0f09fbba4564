"""What an entity is: columns, filters, how it belongs to branches, which actions it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from crm_simulators.alfacrm.columns import BOTH, DOT, ISO, Column, DateForm

if TYPE_CHECKING:
    from collections.abc import Mapping

FilterKind = Literal[
    "equal", "text", "phone", "any_of", "from", "to", "day_from", "day_to", "stamp_from", "stamp_to",
    "is_study", "removed", "status", "ids", "only_true", "dead", "through_tariff", "balance", "age_from", "age_to",
    "overlap_from", "overlap_to", "is_null", "customer_name",
]  # fmt: skip
Scope = Literal["none", "one", "many", "loose"]


@dataclass(frozen=True)
class Filter:
    """One key of an index body: how it compares which column."""

    kind: FilterKind
    column: str
    forms: tuple[DateForm, ...] = BOTH


@dataclass(frozen=True)
class Entity:
    """One entity of the API."""

    path: str
    columns: tuple[Column, ...]
    scope: Scope = "none"
    """Rows belong to the branch in ``branch_id`` (one), those in ``branch_ids`` (many, or loose: none means all)."""
    branchless: bool = False
    """Whether clients call it without a branch."""
    actions: frozenset[str] = frozenset({"index"})
    unproven: frozenset[str] = frozenset()
    """Actions behind the switch ``unproven_writes``."""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    order: str = ""
    """The column that a list is sorted by, newest first; else by id."""
    parents: tuple[str, ...] = ()
    """Query parameters that name the parent; they are columns too."""
    any_parent: bool = False
    """Whether one of the parents is enough."""
    log_name: str = ""
    filter_id: bool = True
    paged: bool = True

    @property
    def class_name(self) -> str:
        """The name in the log."""
        return self.log_name or self.path.title().replace("-", "")


READ = frozenset({"index"})
READ_CREATE_UPDATE = frozenset({"index", "create", "update"})
ALL = frozenset({"index", "create", "update", "delete"})
WRITES = frozenset({"create", "update", "delete"})


def equal(*names: str) -> dict[str, Filter]:
    """Filters that compare the column of their name."""
    return {name: Filter("equal", name) for name in names}


def texts_in(*names: str) -> dict[str, Filter]:
    """Text filters on the column of their name."""
    return {name: Filter("text", name) for name in names}


def any_of(*names: str) -> dict[str, Filter]:
    """Filters on a column that holds a list."""
    return {name: Filter("any_of", name) for name in names}


def numbers(name: str, column: str) -> dict[str, Filter]:
    """``name_from`` and ``name_to`` on a number."""
    return {f"{name}_from": Filter("from", column), f"{name}_to": Filter("to", column)}


def days(name: str, column: str, forms: tuple[DateForm, ...] = ISO) -> dict[str, Filter]:
    """``name_from`` and ``name_to`` on a date, or on the day of a moment."""
    return {f"{name}_from": Filter("day_from", column, forms), f"{name}_to": Filter("day_to", column, forms)}


def stamps() -> dict[str, Filter]:
    """``updated_at_*`` and ``created_at_*``: dotted days."""
    found: dict[str, Filter] = {}
    for name in ("updated_at", "created_at"):
        found[f"{name}_from"] = Filter("stamp_from", name, DOT)
        found[f"{name}_to"] = Filter("stamp_to", name, DOT)
    return found
