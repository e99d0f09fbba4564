"""Entries of the ledger as rows of its tables, and back."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from target_crm.ledger.entries import Intent, Link, Snapshot, jsonable
from target_crm.ledger.lease import LeaseHolder
from target_crm.ledger.tables import INTENTS, LINKS, RECORD, WRITTEN, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

NOTHING: Mapping[str, tuple[str, str]] = MappingProxyType({})
"""What the CRM altered of most records."""
_ENCODER = json.JSONEncoder(default=jsonable)


def bound(ours: Mapping[str, str], stream: str, key: str) -> dict[str, str]:
    """The values that statements bind to find the rows of an incoming record of what ``ours`` names."""
    return {**ours, "its_stream": stream, "its_key": key}


def columns_of(its: Mapping[str, str]) -> dict[str, Any]:
    """The same values as columns of a new row."""
    return {name: its[f"its_{name}"] for name in RECORD}


def altered_in(told: str, stream: str, key: str) -> Mapping[str, tuple[str, str]]:
    """What the CRM altered of a record that was written."""
    if told == "{}":
        return NOTHING
    with sound(WRITTEN, stream, key):
        return {name: (sent, stored) for name, (sent, stored) in json.loads(told).items()}


def row_of(intent: Intent) -> dict[str, Any]:
    """What an intent holds beside what names its record, and its lease."""
    return {
        "entity": intent.entity,
        "at": intent.at.isoformat(),
        "sent": _ENCODER.encode(dict(intent.sent)),
        "shown": intent.before.as_json if intent.before else None,
    }


def intent_in(row: sa.Row[Any]) -> Intent:
    """The intent of a row; whether it is free is not looked into."""
    with sound(INTENTS, row.stream, row.key):
        at, sent = datetime.fromisoformat(row.at), dict(json.loads(row.sent))
        if at.tzinfo is None:
            raise ValueError
        before = Snapshot.from_json(row.shown) if row.shown else None
        holder = LeaseHolder.from_json(row.holder) if row.holder else None
        return Intent(row.stream, row.key, row.entity, at, sent, before, holder)


def link_row(link: Link) -> dict[str, str]:
    """What an open reference holds beside what names its record."""
    return {"field": link.field, "refers_to": json.dumps(link.refers_to), "to_key": link.to_key}


def link_in(row: sa.Row[Any]) -> Link:
    """The open reference of a row."""
    with sound(LINKS, row.stream, row.key):
        return Link(row.stream, row.key, row.field, tuple(json.loads(row.refers_to)), row.to_key)
