"""The pipeline that goes the other way, on the same ledger: what it wrote of the records that come in here.

Its source is this destination and its destination this source. A record that it made has come from here, and one that
comes from there may have been made by this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from msgspec.structs import replace

from crm_singer.databases import portions
from target_crm.ledger.entries import BEING_WRITTEN, DELETED, STILL_SHOWN, Twin, Written
from target_crm.ledger.statements import among, named
from target_crm.ledger.tables import RECORD, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from target_crm.ledger.database import Database
    from target_crm.ledger.entries import Intent
    from target_crm.ledger.flows import Flow


@dataclass(frozen=True)
class Other:
    """The other pipeline: what its destination may be called, and its source."""

    destinations: tuple[str, ...]
    source: str


def _theirs(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(among(table.c.destination), named(table, "source"))


_BY_KEY = sa.select(WRITTEN).where(_theirs(WRITTEN), among(WRITTEN.c.key))
_BY_ID = sa.select(WRITTEN).where(_theirs(WRITTEN), among(WRITTEN.c.crm_id))
_AGREE = WRITTEN.update().where(named(WRITTEN, *RECORD)).values(base=sa.bindparam("new_base"))
_DELETED = WRITTEN.update().where(named(WRITTEN, *RECORD)).values(digest=sa.bindparam("new_digest"))
_FORGET_DIGESTS = (
    WRITTEN.update()
    .where(_theirs(WRITTEN), among(WRITTEN.c.key), ~WRITTEN.c.digest.startswith(BEING_WRITTEN))
    .values(digest="")
)


class Twins:
    """What the other pipeline wrote and is about to write; any number of threads may ask.

    ``intents`` gives the intents of the destinations and the source that are bound.
    """

    def __init__(
        self, database: Database, other: Other, intents: Callable[[Mapping[str, Any]], Iterable[Intent]]
    ) -> None:
        self._database = database
        self._theirs = {"its_destination": list(other.destinations), "its_source": other.source}
        self._intents = intents

    def known(self, stream: str, entity: str, keys: Iterable[str], known: Mapping[str, Written]) -> dict[str, Written]:
        """What is known of incoming records, by key, each with its twin; one that came from here is known by it."""
        keys = list(keys)
        own = {written.crm_id: key for key, written in known.items() if written.entity == entity}
        found = dict(known)
        for row in self._rows(_BY_KEY, "its_key", own):
            if row.crm_id == own[row.key] and _is_of(row, stream, entity):
                found[row.crm_id] = replace(known[row.crm_id], twin=_twin(row))
        for row in self._rows(_BY_ID, "its_crm_id", (key for key in keys if key not in known)):
            if _is_of(row, stream, entity) and not row.digest.startswith(DELETED):
                found[row.crm_id] = Written(entity, row.key, "", twin=_twin(row))
        return found

    def made(self, stream: str, entity: str, crm_id: str) -> str | None:
        """What the other pipeline calls a record of this CRM in the other; None where it does not know it."""
        rows = self._rows(_BY_KEY, "its_key", [crm_id])
        return next((row.crm_id for row in rows if _is_of(row, stream, entity)), None)

    def called_otherwise(self, flows: Iterable[Flow], crm_id: str) -> list[Twin]:
        """The records with this id that came from this CRM by streams or to CRMs that are called otherwise."""
        there = sorted({each.destination for each in flows if each.source == self._theirs["its_source"]})
        asked = {**self._theirs, "its_destination": there, "its_crm_id": [crm_id]}
        return [_twin(row) for row in self._database.read(_BY_ID, asked)] if there else []

    def intents(self, stream: str, entity: str) -> list[Intent]:
        """What the other pipeline is about to create and may come in here."""
        return [each for each in self._intents(self._theirs) if _is_of(each, stream, entity)]

    def agree(self, twin: Twin, base: bytes | None) -> None:
        """Notes with the twin what both sides hold."""
        self._database.write(lambda db: db.execute(_AGREE, {**_named(twin), "new_base": base}))

    def deleted(self, twin: Twin, *, is_shown: bool) -> None:
        """Notes with the twin that its record was deleted from here, so that its end does not come back as news.

        ``is_shown``: the CRM archived it, so it may still come.
        """
        found = {**_named(twin), "new_digest": STILL_SHOWN if is_shown else DELETED}
        self._database.write(lambda db: db.execute(_DELETED, found))

    def wrote(self, crm_id: str) -> None:
        """Notes that a record was changed here, so that the other pipeline does not go by what it sent before."""
        self._database.write(lambda db: db.execute(_FORGET_DIGESTS, {**self._theirs, "its_key": [crm_id]}))

    def _rows(self, statement: sa.Select[Any], name: str, values: Iterable[str]) -> Iterable[sa.Row[Any]]:
        for some in portions(values):
            yield from self._database.read(statement, {**self._theirs, name: some})


def _is_of(row: sa.Row[Any] | Intent, stream: str, entity: str) -> bool:
    """Whether a row is of the same kind: its stream is called the same, or its stream and entity are so crosswise."""
    return bool(row.stream == stream or (row.entity == stream and row.stream == entity))


def _named(twin: Twin) -> dict[str, str]:
    return {f"its_{name}": getattr(twin, name) for name in RECORD}


def _twin(row: sa.Row[Any]) -> Twin:
    is_being_written = row.digest.startswith(BEING_WRITTEN)
    return Twin(row.destination, row.source, row.stream, row.key, row.base, is_being_written)
