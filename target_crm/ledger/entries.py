"""The entries of the ledger, and the digests in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b, blake2s
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_crm.ledger.lease import LeaseHolder


IDS_KEPT = 1000
"""How many ids an intent holds at the most."""


@dataclass(frozen=True)
class Twin:
    """The row of the pipeline that goes the other way, for the same two records."""

    destination: str
    source: str
    stream: str
    key: str
    base: bytes | None
    """What both sides held when they last agreed, as that pipeline sees it."""
    is_being_written: bool = False
    """Whether that pipeline is writing it, or was cut off while it did."""


class Written(msgspec.Struct, frozen=True):
    """A record that an earlier run wrote."""

    entity: str
    crm_id: str
    digest: str
    """Of the values that were sent."""
    altered: Mapping[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    """For fields that the CRM stored otherwise than sent: digests of what was sent and of what it stored."""
    base: bytes | None = None
    """What both sides held when they last agreed, packed; None where the twin has it, and in older ledgers."""
    twin: Twin | None = None
    """What the pipeline that goes the other way knows of it."""

    @property
    def is_being_written(self) -> bool:
        """Whether a run was cut off while it wrote over it."""
        return self.digest.startswith(BEING_WRITTEN)

    @property
    def is_deleted_there(self) -> bool:
        """Whether the source's record was deleted by the pipeline that goes the other way."""
        return self.digest.startswith(DELETED)

    @property
    def is_still_shown(self) -> bool:
        """Whether the source still shows what was deleted there, since it archives."""
        return self.is_deleted_there and self.digest != DELETED

    def may_be_still(self, its_print: str) -> bool:
        """Whether the source still shows it as it was."""
        return self.digest in (STILL_SHOWN, still_shown(its_print))

    @property
    def is_mirrored(self) -> bool:
        """Whether what both sides held is kept with the twin."""
        return self.base is None and self.twin is not None and self.twin.base is not None


@dataclass(frozen=True)
class Snapshot:
    """What the CRM held before a create was sent: what the create made can only have come after it."""

    since: datetime
    """What is made later is stamped with this time or a later one, read as all times of this CRM are read."""
    highest: int | None
    """The number of the highest id; None where nothing could be looked at."""
    ids: frozenset[str] | None = None
    """All ids of that time; None where ids surely grow, or where there were too many to keep."""
    is_sure: bool = True
    """Whether nothing else can have been added before the create was sent."""

    @property
    def lasts(self) -> bool:
        """Whether it is as good a while later, since ids surely grow."""
        return self.is_sure and self.ids is None

    def tells_new(self, crm_id: str) -> bool | None:
        """Whether a record with this id came later; None where that cannot be known."""
        if self.ids is not None and crm_id in self.ids:
            return False
        number = number_of(crm_id)
        if number is not None and self.highest is not None and number > self.highest:
            return True
        return self.ids is not None if self.is_sure else None

    @cached_property
    def as_json(self) -> str:
        """As JSON."""
        told: dict[str, Any] = {"since": self.since.isoformat(), "highest": self.highest, "is_sure": self.is_sure}
        if self.ids is not None and len(self.ids) > IDS_KEPT:
            return json.dumps({**told, "ids": None, "is_sure": False})
        return json.dumps({**told, "ids": None if self.ids is None else sorted(self.ids)})

    @classmethod
    def from_json(cls, written: str) -> Snapshot:
        """From JSON.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        told = json.loads(written)
        ids = None if told["ids"] is None else frozenset(map(str, told["ids"]))
        highest = None if told["highest"] is None else int(told["highest"])
        return cls(datetime.fromisoformat(told["since"]), highest, ids, bool(told["is_sure"]))


@dataclass(frozen=True)
class Intent:
    """A create whose outcome is not known."""

    stream: str
    key: str
    entity: str
    at: datetime
    """The server's clock before the create was sent."""
    sent: Mapping[str, Any]
    before: Snapshot | None = None
    """What the CRM held before; None in a ledger of an earlier version."""
    holder: LeaseHolder | None = field(default=None, compare=False)
    is_free: bool = field(default=False, compare=False)
    """Whether no other run that may still live holds it."""
    is_ours: bool = field(default=False, compare=False)
    """Whether this run holds it."""


class Create(msgspec.Struct, frozen=True):
    """A create that is to be noted before it is sent, and the references of the record that are to be set later."""

    intent: Intent
    known_as: str | None
    """The id by which the ledger knew the record when this was decided upon."""
    fields: Sequence[str] = ()
    """Its references."""
    links: Sequence[Link] = ()
    """Those of them that cannot be set yet."""


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


def digest(value: Any) -> str:
    """A short fingerprint of a value; the same for the same JSON."""
    written = _ENCODER.encode(value)
    return blake2s(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def fingerprint(entity: str, values: Mapping[str, Any], like: str = "") -> str:
    """A digest of what is sent for a record; in the form of ``like``, an earlier one, so that the two compare."""
    if like and not like.startswith((NEWER, BEING_WRITTEN, DELETED)):
        return digest([entity, values])
    plain = {**values, **{name: _spelled(each) for name, each in values.items() if each.__class__ not in _PLAIN}}
    try:
        written = _SORTED.encode([entity, plain])
    except OverflowError:
        # An integer beyond 64 bits.
        written = _ENCODER.encode([entity, plain]).encode()
    return f"{NEWER}{blake2b(written, digest_size=16).hexdigest()[1:]}"


def being_written(its_print: str) -> str:
    """The fingerprint of what is about to be written."""
    return f"{BEING_WRITTEN}{its_print[1:]}"


def still_shown(its_print: str) -> str:
    """The fingerprint of what the source still shows although it was deleted there."""
    return f"{DELETED}{its_print[1:]}"


def _spelled(value: Any) -> Any:
    """A value with decimals as texts, at any depth."""
    if value.__class__ is Decimal:
        return jsonable(value)
    if isinstance(value, list):
        return [each if each.__class__ in _PLAIN else _spelled(each) for each in value]
    if isinstance(value, dict):
        return {name: _spelled(each) for name, each in value.items()}
    return jsonable(value) if isinstance(value, Decimal) else value


def jsonable(value: Any) -> Any:
    """A number by all its digits, without the zeros that end a fraction."""
    if not isinstance(value, Decimal):
        return str(value)
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


NEWER = "="
"""Begins a fingerprint; those of earlier versions are hexadecimal throughout, and take four times as long."""
BEING_WRITTEN = "~"
"""Begins the fingerprint of what is about to be written over a record, until it is known what became of that."""
DELETED = "-"
"""In place of a fingerprint: the pipeline that goes the other way deleted the record, so that its end is no news.

Before the rest of one: the CRM archives and still shows the record, which was this when it came last.
"""
STILL_SHOWN = f"{DELETED}?"
"""The same, before it has come."""
_PLAIN = frozenset({str, int, bool, type(None)})
_SORTED = msgspec.json.Encoder(order="sorted")
_ENCODER = json.JSONEncoder(sort_keys=True, default=jsonable)


def number_of(crm_id: str) -> int | None:
    """The number that an id is, or ends with as in ``12x345``."""
    found = re.fullmatch(r"(?:\d+x)?(\d+)", crm_id)
    return int(found[1]) if found else None
