"""The notes of what was written: at once, or many together where a lost one costs no more than another look."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from target_crm.ledger.statements import PORTION, RECORD, Statements
from target_crm.ledger.tables import INTENTS, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import sqlalchemy as sa

    from target_crm.ledger.database import Database


class Notes:
    """Adds rows to the table of what was written; any number of threads may."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._does = statements
        self._lock = threading.Lock()
        self._later: dict[tuple[str, str], dict[str, Any]] = {}
        self._keys: set[str] = set()
        """Those of the rows that wait."""

    def add(self, row: dict[str, Any], *, later: bool) -> None:
        """Puts a row in the place of what is known of a record, and of the intent to write it."""
        place = (row["stream"], row["key"])
        with self._lock:
            if later:
                self._later[place] = row
                self._keys.add(row["key"])
            else:
                self._later.pop(place, None)
        if not later:
            self._write([row])
        elif len(self._later) >= PORTION:
            self.flush()

    def flush(self) -> None:
        """Makes the rows durable that wait."""
        with self._lock:
            if self._later:
                self._write(list(self._later.values()))
            self._later.clear()
            self._keys.clear()

    def flush_those_of(self, keys: Iterable[str]) -> None:
        """The same, if a row of a record with one of these keys waits."""
        if not self._keys.isdisjoint(keys):
            self.flush()

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        its = [{f"its_{name}": row[name] for name in RECORD} for row in rows]

        def work(db: sa.Connection) -> None:
            db.execute(self._does.forget[WRITTEN.name], its)
            db.execute(self._does.add_written, rows)
            db.execute(self._does.forget[INTENTS.name], its)

        self._database.replace(work)
