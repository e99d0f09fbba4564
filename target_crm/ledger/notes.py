"""The notes of what was written: at once, or many together where a lost one costs no more than another look."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crm_singer.databases import PORTION
from target_crm.ledger.entries import TakenMeanwhile
from target_crm.ledger.tables import INTENTS, RECORD, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_crm.ledger.database import Database
    from target_crm.ledger.statements import Statements

Rows = dict[tuple[str, str], dict[str, Any]]
"""By stream and key."""


class Notes:
    """Adds rows to the table of what was written; any number of threads may."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._does = statements
        self._lock = threading.Lock()
        self._later: Rows = {}
        self._leaving: Rows = {}
        """Those that are being written by the thread that holds ``_flushing``."""
        self._flushing = threading.Lock()
        self._keys: set[str] = set()
        """Those of the rows that wait or are being written."""

    def add(self, row: dict[str, Any], *, later: bool) -> None:
        """Puts a row in the place of what is known of a record, and of the intent to write it."""
        place = (row["stream"], row["key"])
        if later:
            with self._lock:
                self._later[place] = row
                self._keys.add(row["key"])
            if len(self._later) >= PORTION:
                self.flush()
            return
        with self._lock:
            self._later.pop(place, None)
            is_leaving = place in self._leaving
        if is_leaving:
            # An older row must not come after it.
            self.flush()
        self._database.replace(lambda db: self._write(db, [row]))

    def flush(self) -> None:
        """Makes the rows durable that wait."""
        with self._flushing:
            if rows := self._taken():
                self._leave(lambda: self._database.replace(lambda db: self._write(db, rows)))

    def flush_with(self, work: Callable[[sa.Connection], None]) -> None:
        """The same in one transaction with more work, so that one wait for the disk serves both.

        Raises:
            TakenMeanwhile: the work does, or another run writes one of the rows; the rows wait on then.
        """

        def both(db: sa.Connection) -> None:
            try:
                self._write(db, rows)
                work(db)
            except sa.exc.IntegrityError:
                raise TakenMeanwhile from None

        with self._flushing:
            rows = self._taken()
            self._leave(lambda: self._database.write(both))

    def flush_those_of(self, keys: Iterable[str]) -> None:
        """Makes the rows durable that wait, if one of a record with one of these keys does."""
        if not self._keys.isdisjoint(keys):
            self.flush()

    def _taken(self) -> Sequence[dict[str, Any]]:
        with self._lock:
            self._leaving, self._later = self._later, {}
            return list(self._leaving.values())

    def _leave(self, write: Callable[[], None]) -> None:
        """Writes the rows that were taken; they wait on if that fails."""
        is_written = False
        try:
            write()
            is_written = True
        finally:
            with self._lock:
                if not is_written:
                    self._later = {**self._leaving, **self._later}
                self._leaving = {}
                self._keys = {key for _stream, key in self._later}

    def _write(self, db: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            its = [{f"its_{name}": row[name] for name in RECORD} for row in rows]
            self._does.forget[WRITTEN.name](db, its)
            self._does.add_written(db, rows)
            self._does.forget[INTENTS.name](db, its)
