"""The keys of the records that were sent, and which of them went away or came back since, in a database of its own.

Each such change gets a number, and numbers grow. The state of a stream tells the number up to which they were told: so
several states may share a database, and a run that was cut off tells again what no state knows yet.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from crm_singer.databases import OPENING, engine_of, file_of, in_words, make_tables, portions, racing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


_in_words = partial(in_words, "The database of the keys that were sent", "keys_url")
_METADATA = sa.MetaData()
STREAMS = sa.Table(
    "streams",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("crm", sa.String(255), nullable=False),
    sa.Column("account", sa.String(128), nullable=False),
    sa.Column("stream", sa.String(128), nullable=False),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("crm", "account", "stream"),
)
KEYS = sa.Table(
    "sent_keys",
    _METADATA,
    sa.Column("stream", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("is_gone", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)


_INSERTS = {
    "sqlite": sqlite.insert(KEYS).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(KEYS).on_conflict_do_nothing(),
}
"""What leaves known keys alone; on another database they are looked up first."""


def open_keys(url: str) -> sa.Engine:
    """The database with its tables.

    Raises:
        ConfigError: it cannot be opened.
    """
    with _in_words("opened", OPENING):
        engine = engine_of(url)
        if path := file_of(engine.url):
            # For its owner only.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _log_ahead)
        make_tables(_METADATA, engine)
        return engine


def _log_ahead(connection: Any, _record: Any) -> None:
    """One wait for the disk a page of records, not three."""
    connection.execute("PRAGMA journal_mode = WAL").close()


class Turned(NamedTuple):
    """Keys of records that went away, and of those that came back."""

    gone: list[str]
    back: list[str]
    number: int
    """That of the latest change."""


class SentKeys:
    """The keys of one stream of one CRM, as one account sees it.

    Raises:
        ConfigError: from every method, where the database does not do what it is asked.
    """

    def __init__(self, engine: sa.Engine, *, crm: str, account: str, stream: str) -> None:
        self._engine = engine
        its = {"crm": crm, "account": account, "stream": stream}
        self._id, self.name = self._written(lambda db: _row_of(db, its))
        """``name``: by which a state knows that it speaks of this database and of no other."""
        self._mine = KEYS.c.stream == self._id
        self._gone: set[str] | None = None
        """The keys that were gone when it was first asked; what another run notes meanwhile, a comparison mends."""

    @property
    def number(self) -> int:
        """That of the latest change."""
        with _in_words("read"), self._engine.connect() as db:
            return self._number(db)

    def present(self) -> set[str]:
        """The keys of which nothing tells that they are gone."""
        return self._those(KEYS.c.is_gone == sa.false())

    def gone(self) -> set[str]:
        """The keys that are gone."""
        return self._those(KEYS.c.is_gone == sa.true())

    def _those(self, wanted: sa.ColumnElement[bool]) -> set[str]:
        with _in_words("read"), self._engine.connect() as db:
            return set(db.execute(sa.select(KEYS.c.key).where(self._mine, wanted)).scalars())

    def changed(self, since: int) -> Turned:
        """What went away and came back after the change ``since``."""
        with _in_words("read"), self._engine.connect() as db:
            number = self._number(db)
            news = KEYS.c.changed.between(since + 1, number)
            rows = db.execute(sa.select(KEYS).where(self._mine, news).order_by(KEYS.c.changed, KEYS.c.key)).all()
        gone, back = ([row.key for row in rows if row.is_gone is state] for state in (True, False))
        return Turned(gone, back, number)

    def note(self, keys: Iterable[str]) -> list[str]:
        """Notes that there are these records, and gives those that were gone."""
        if self._gone is None:
            self._gone = self.gone()
        noted = sorted(keys)  # in one order, lest two runs wait for each other
        turned = self._gone.intersection(noted)
        self._gone -= turned
        if turned or (insert := _INSERTS.get(self._engine.dialect.name)) is None:
            return self._mark(noted, is_gone=False)
        rows = [{"stream": self._id, "key": key, "changed": 0, "is_gone": False} for key in noted]
        if rows:
            self._written(lambda db: db.execute(insert, rows))
        return []

    def note_gone(self, keys: Iterable[str]) -> None:
        """Notes that these records are gone."""
        self._gone = None
        self._mark(keys, is_gone=True)

    def _mark(self, keys: Iterable[str], *, is_gone: bool) -> list[str]:
        turned = list[str]()
        for some in portions(dict.fromkeys(keys)):
            turned += self._written(partial(self._mark_some, keys=some, is_gone=is_gone))
        return turned

    def _mark_some(self, db: sa.Connection, *, keys: list[str], is_gone: bool) -> list[str]:
        known = {row.key: row.is_gone for row in db.execute(sa.select(KEYS).where(self._mine, KEYS.c.key.in_(keys)))}
        new = [key for key in keys if key not in known]
        turned = [key for key in keys if known.get(key, is_gone) != is_gone]
        # A key that is new is news only if its record is gone.
        number = self._next(db) if turned or (new and is_gone) else 0
        if new:
            row = {"stream": self._id, "changed": number if is_gone else 0, "is_gone": is_gone}
            db.execute(sa.insert(KEYS), [{**row, "key": key} for key in new])
        if turned:
            which = self._mine, KEYS.c.key.in_(turned)
            db.execute(sa.update(KEYS).where(*which).values(changed=number, is_gone=is_gone))
        return turned

    def _number(self, db: sa.Connection) -> int:
        return int(db.execute(sa.select(STREAMS.c.changes).where(STREAMS.c.id == self._id)).scalar_one())

    def _next(self, db: sa.Connection) -> int:
        """A new number; other runs wait for theirs until this one's change is committed."""
        db.execute(sa.update(STREAMS).where(STREAMS.c.id == self._id).values(changes=STREAMS.c.changes + 1))
        return self._number(db)

    def _written(self, work: Callable[[sa.Connection], T]) -> T:
        """Does something in one transaction, anew where another run inserted the same rows at this moment."""

        def once() -> T:
            with self._engine.begin() as db:
                return work(db)

        with _in_words("written"):
            return racing(once)


def _row_of(db: sa.Connection, its: dict[str, str]) -> tuple[int, str]:
    """The number and the name of a stream, which is entered where it is not known yet."""
    which = [STREAMS.c[name] == value for name, value in its.items()]
    found = db.execute(sa.select(STREAMS.c.id, STREAMS.c.name).where(*which)).one_or_none()
    if found is None:
        db.execute(sa.insert(STREAMS).values(**its, name=uuid4().hex, changes=0))
        found = db.execute(sa.select(STREAMS.c.id, STREAMS.c.name).where(*which)).one()
    return int(found.id), str(found.name)
