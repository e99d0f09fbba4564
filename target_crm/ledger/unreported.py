"""Conflicts by which something is overwritten, until a report has told of them: a run may be killed before it does."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crm_systems.errors import ConfigError
from target_crm.ledger.entries import jsonable
from target_crm.ledger.statements import named
from target_crm.ledger.tables import CONFLICTS, RECORD, sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_crm.ledger.database import Database

_READ = sa.select(CONFLICTS).where(named(CONFLICTS, *RECORD[:3]))
_FORGET = CONFLICTS.delete().where(named(CONFLICTS, *RECORD, "number"))


class Unreported:
    """The conflicts of what ``ours`` names; any number of threads may use it. ``run`` is the name of this run."""

    def __init__(self, database: Database, ours: Mapping[str, str], run: str) -> None:
        self._database = database
        self._ours = ours
        self._numbers = (f"{run} {number}" for number in count())
        self._told: list[dict[str, str]] = []

    def add(self, stream: str, key: str, crm_id: str, conflicts: Iterable[Mapping[str, Any]]) -> None:
        """Keeps conflicts of a record, before something is overwritten."""
        its = {**self._ours, "its_stream": stream, "its_key": key, "its_number": next(self._numbers)}
        row = {name.removeprefix("its_"): value for name, value in its.items()}
        row |= {"crm_id": crm_id, "told": json.dumps(list(conflicts), default=jsonable)}
        self._database.write(lambda db: db.execute(CONFLICTS.insert(), row))
        self._told.append(its)

    def of(self, stream: str) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
        """What runs that were cut off left, which this one tells: keys, ids and conflicts."""
        for row in self._database.read(_READ, {**self._ours, "its_stream": stream}):
            with sound(CONFLICTS, row.stream, row.key):
                yield row.key, row.crm_id, [dict(each) for each in json.loads(row.told)]
            self._told.append({**self._ours, "its_stream": stream, "its_key": row.key, "its_number": row.number})

    def forget(self) -> None:
        """Notes that all is told that was added or found here."""
        told, self._told = self._told, []
        # What cannot be forgotten is told once more.
        with suppress(ConfigError):
            if told:
                self._database.write(lambda db: db.execute(_FORGET, told))
