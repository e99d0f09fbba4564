"""The database of the ledger: one connection that reads and one that writes, for any number of threads.

What several threads write at the same moment is committed together: one wait for the disk serves them all.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from crm_singer.databases import FAULTS, OPENING, RACES, racing
from target_crm.ledger.entries import TakenMeanwhile
from target_crm.ledger.flows import Flow, flows
from target_crm.ledger.tables import destinations, in_words, opened, respell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")


@dataclass(eq=False)
class _Asked:
    """Something to write, and what came of it."""

    work: Callable[[sa.Connection], Any]
    is_done: bool = False
    result: Any = None
    error: Exception | None = None


DEADLOCKS = frozenset({"40P01", "40001"})
"""What PostgreSQL says when it ends one of two transactions that wait for each other; it may be done anew then."""


def _is_deadlock(error: Exception) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and getattr(error.orig, "sqlstate", "") in DEADLOCKS


class Database:
    """The tables of the ledger in a database; any number of threads may ask.

    Raises:
        ConfigError: from every method, where the database does not do what it is asked.
    """

    def __init__(self, url: str, warn: Callable[[str], None]) -> None:
        with in_words("opened", OPENING):
            self._engine = opened(url, warn)
        self.driver = self._engine.url.drivername
        self._reads: sa.Connection | None = None
        self._reading = threading.Lock()
        self._writes: sa.Connection | None = None
        self._leading = threading.Lock()
        self._changing = threading.Lock()
        self._waiting: list[_Asked] = []

    def read(self, statement: sa.Executable, asked: Mapping[str, Any]) -> Sequence[sa.Row[Any]]:
        """The rows for the values that are bound; what is committed at that moment."""
        with in_words("read"), self._reading:
            return self._connected().execute(statement, asked).all()

    def destinations(self) -> set[str]:
        """The CRMs of which the ledger knows something."""
        with in_words("read"), self._reading:
            return destinations(self._connected())

    def flows(self) -> list[Flow]:
        """Which pipelines have written."""
        with in_words("read"), self._reading:
            return flows(self._connected())

    def respell(self, spelling: Callable[[str], str]) -> None:
        """Gives each CRM the one spelling of its name."""
        with in_words("written"):
            respell(self._engine, spelling)

    def _connected(self) -> sa.Connection:
        if self._reads is None:
            self._reads = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._reads

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What ``work`` gives, when what it wrote is durable.

        It may be done again in a transaction of its own, where what another thread asked for fails.

        Raises:
            TakenMeanwhile: the work does; nothing of it is written then.
        """
        with in_words("written"):
            return self._done(work)

    def replace(self, work: Callable[[sa.Connection], None]) -> None:
        """Does what replaces rows, anew where another run inserted the same at this moment."""
        with in_words("written"):
            racing(lambda: self._done(work))

    def _done(self, work: Callable[[sa.Connection], T]) -> T:
        """Whoever comes first writes for all who wait by then."""
        mine = _Asked(work)
        with self._changing:
            self._waiting.append(mine)
        with self._leading:
            if not mine.is_done:
                with self._changing:
                    waiting, self._waiting = self._waiting, []
                # It is not among them where the one that wrote for it was interrupted.
                together = waiting if mine in waiting else [mine, *waiting]
                if not self._are_done(together):
                    for each in together:
                        self._do_alone(each)
        if mine.error:
            raise mine.error
        result: T = mine.result
        return result

    def _do_alone(self, asked: _Asked) -> None:
        """Does one thing in a transaction of its own, and anew where the database ended that for a deadlock."""
        for _race in range(RACES):
            if self._are_done([asked]):
                return

    def _are_done(self, asked: list[_Asked]) -> bool:
        """Does things in one transaction; one that is alone is told its error. False where it is worth another try."""
        try:
            if self._writes is None:
                self._writes = self._engine.connect()
            with self._writes.begin():
                for each in asked:
                    each.result = each.work(self._writes)
        except (*FAULTS, TakenMeanwhile) as error:
            if len(asked) > 1:
                return False
            asked[0].error = error
            if _is_deadlock(error):
                return False
        else:
            asked[0].error = None
        for each in asked:
            each.is_done = True
        return True

    def close(self) -> None:
        """Gives the connections back."""
        for each in (self._reads, self._writes):
            if each is not None:
                each.close()
        self._reads = self._writes = None
        self._engine.dispose()
