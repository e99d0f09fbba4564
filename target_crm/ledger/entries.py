"""The entries of the ledger: frozen data without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from target_crm.creation.snapshots import Shown
    from target_crm.ledger.lease import Holder


@dataclass(frozen=True)
class Written:
    """A record that an earlier run wrote."""

    entity: str
    crm_id: str
    digest: str
    """Of the values that were sent."""
    altered: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For fields that the CRM stored otherwise than sent: digests of what was sent and of what it stored."""


@dataclass(frozen=True)
class Intent:
    """A create whose outcome is not known."""

    stream: str
    key: str
    entity: str
    at: datetime
    """The server's clock before the create was sent."""
    sent: Mapping[str, Any]
    shown: Shown | None = None
    """What the CRM had shown before; None in a ledger of an earlier version."""
    holder: Holder | None = field(default=None, compare=False)
    is_free: bool = field(default=False, compare=False)
    """Whether no other run that may still live holds it."""


@dataclass(frozen=True)
class Link:
    """A reference that could not be set yet, because the record it points to has not been written."""

    stream: str
    key: str
    field: str
    refers_to: tuple[str, ...]
    """Names of the entities that it may point to; empty: any."""
    to_key: str


class TakenMeanwhile(Exception):
    """Another run, or one that was cut off, has something to do with this record."""
