"""What became of one incoming record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from crm_systems.errors import OF_ONE_RECORD, CrmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_crm.ledger import Link


class Reject(Exception):
    """This record cannot be written; the text says why, and never holds a value."""


AGAINST_ONE = (Reject, *OF_ONE_RECORD)
"""What this program, or the CRM, says against one record, so that the others go on."""


@dataclass(frozen=True)
class Conflict:
    """One field that both sides changed, to different values."""

    field: str
    was: str
    """``empty``, or ``unknown``: of what both sides agreed upon, the ledger keeps digests only."""
    theirs: Any
    """What the CRM holds; typed."""
    ours: Any
    """What the source sends; typed. None where it deleted the record."""
    done: str
    """``written``, ``left``, ``rejected`` or ``deleted``; in a dry run, what would be."""


OVERWRITTEN = frozenset({"written", "deleted"})
"""What is done with a conflict by which a value of the CRM is lost."""


class Conflicted(Reject):
    """Both sides changed this record, and the settings say that such a one is rejected as a whole."""

    def __init__(self, reason: str, crm_id: str, conflicts: Iterable[Conflict]) -> None:
        super().__init__(f"{reason}; change one side, or let one of them win by `conflicts`, and replay it")
        self.crm_id = crm_id
        self.conflicts = tuple(replace(each, done="rejected") for each in conflicts)


class NotYet(Reject):
    """This record refers to one that has not been written; it is tried again when all have been read."""


class AsksCrm(Exception):
    """What was looked up for many records does not tell what to do with this one: the CRM must be asked."""


class Action(str, Enum):
    """What became of a record."""

    CREATE = "create"
    UPDATE = "update"
    CONVERT = "convert"
    UNCHANGED = "unchanged"
    DELETE = "delete"
    SKIP = "skip"
    REJECT = "reject"
    DEFER = "defer"


class Change(msgspec.Struct, frozen=True):
    """One field before and after; both are typed values."""

    field: str
    before: Any
    after: Any


class Outcome(msgspec.Struct, frozen=True):
    """What became of one incoming record."""

    action: Action
    key: str
    crm_id: str = ""
    changes: tuple[Change, ...] = ()
    """What a create or an update set, or would set."""
    silent: tuple[Change, ...] = ()
    """Fields that the CRM stored otherwise than they were sent: sent, stored."""
    left_open: tuple[Link, ...] = ()
    """References that could not be set yet."""
    conflicts: tuple[Conflict, ...] = ()
    """Fields that both sides changed, and what was done with each."""
    reason: str = ""
    """Why it was rejected; holds no value."""
    server_says: str = ""
    """The server's own words, which may hold values: for the report and the rejects file only."""
    name: str = ""
    """What people call the record, as far as it is known; for the report only."""

    @staticmethod
    def of_error(error: Reject | CrmError, key: str, *, last_chance: bool) -> Outcome:
        """What becomes of a record that cannot be looked up or written, or not yet; one of :data:`AGAINST_ONE`."""
        action = Action.DEFER if isinstance(error, NotYet) and not last_chance else Action.REJECT
        crm_id, conflicts = (error.crm_id, error.conflicts) if isinstance(error, Conflicted) else ("", ())
        says = error.server_says if isinstance(error, CrmError) else ""
        return Outcome(action, key, crm_id, conflicts=conflicts, reason=str(error), server_says=says)
