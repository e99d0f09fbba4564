"""The fields of each stream's key, by whose values the ledger knows its records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from crm_systems.errors import ConfigError
from target_crm.ledger.statements import named
from target_crm.ledger.tables import RECORD, STREAM_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_crm.ledger.database import Database

_ITS = named(STREAM_KEYS, *RECORD[:3])
_READ = sa.select(STREAM_KEYS.c.fields).where(_ITS)
_FORGET = STREAM_KEYS.delete().where(_ITS)


class StreamKeys:
    """The keys of the streams of what ``ours`` names."""

    def __init__(self, database: Database, ours: Mapping[str, str]) -> None:
        self._database = database
        self._ours = ours

    def settled(self, stream: str, fields: Sequence[str]) -> list[str]:
        """The fields of the key of a stream of which records are known, in the order in which they spell a key.

        Letter case and underscores, which warehouses change, make no other name.

        Raises:
            ConfigError: the records are known by other fields; an earlier version of the ledger does not tell.
        """
        noted = self._noted(stream)
        if noted is None or set(noted) == set(fields):
            return list(noted or fields)
        plain = {_plain(name): name for name in fields}
        if sorted(map(_plain, noted)) == sorted(plain):
            return [plain[_plain(name)] for name in noted]
        now, before = (", ".join(each) or "none" for each in (fields, noted))
        raise ConfigError(
            f"The key of the stream {stream} is {now} now and was {before}, by which "
            "the ledger knows its records: each would be made once more, or written over another",
            hint="keep the key by `__key_properties__` in a stream map, which can also give its field back the name "
            "that it had; if other records come now, or `identify_by` has fields that find these, set another `source`",
        )

    def note(self, stream: str, fields: Sequence[str]) -> None:
        """Notes by which fields the records of a stream are known from now on."""
        if self._noted(stream) == [*fields]:
            return
        its = {**self._ours, "its_stream": stream}
        row = {name.removeprefix("its_"): value for name, value in its.items()} | {"fields": json.dumps([*fields])}

        def work(db: sa.Connection) -> None:
            db.execute(_FORGET, its)
            db.execute(STREAM_KEYS.insert(), row)

        self._database.replace(work)

    def _noted(self, stream: str) -> list[str] | None:
        rows = self._database.read(_READ, {**self._ours, "its_stream": stream})
        return list(json.loads(rows[0].fields)) if rows else None


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()
