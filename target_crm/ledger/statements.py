"""Every statement of the ledger, built once, so that a record costs no more than the values that are bound to it.

What a row is found by is bound under names that begin with ``its_``. Each is served by an index: none reads a table.
"""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from target_crm.ledger.tables import INTENTS, LINKS, RECORD, TABLES, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def named(table: sa.Table, *columns: str) -> sa.ColumnElement[bool]:
    """That these columns have the values bound as ``its_``."""
    return sa.and_(*(table.c[name] == sa.bindparam(f"its_{name}") for name in columns))


def among(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """That a column has one of the values bound as ``its_``, a list."""
    return column.in_(sa.bindparam(f"its_{column.name}", expanding=True))


class OfMany:
    """A statement that is done for many rows.

    SQLite takes it as a text, so that SQLAlchemy does not take each row apart, which costs as much as to write it.
    """

    def __init__(self, statement: sa.UpdateBase, dialect: sa.Dialect) -> None:
        self._statement = statement
        compiled: Any = statement.compile(dialect=dialect, column_keys=[*statement.table.columns.keys()])
        self._text, self._names = str(compiled), compiled.positiontup if dialect.name == "sqlite" else None

    def __call__(self, db: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> sa.CursorResult[Any]:
        """Does it; each row has the values by the names of what is bound."""
        if self._names:
            return db.exec_driver_sql(self._text, [*map(itemgetter(*self._names), rows)])
        return db.execute(self._statement, rows)


class Statements:
    """The statements for one kind of database, as its address begins.

    ``now``: seconds since 1970 by the clock that all runs share.
    """

    def __init__(self, driver: str) -> None:
        dialect: sa.Dialect = sa.make_url(f"{driver}://").get_dialect()()
        is_shared = dialect.name == "postgresql"
        clock: sa.ColumnElement[Any] = sa.extract("epoch", sa.func.clock_timestamp())
        now: sa.ColumnElement[Any] = sa.cast(clock, sa.Double) if is_shared else sa.bindparam("now", type_=sa.Double)
        lease: dict[str, sa.ColumnElement[Any]] = {each: sa.bindparam(f"my_{each}") for each in ("owner", "holder")}
        lease["lease_until"] = now + sa.bindparam("lease_seconds", type_=sa.Double)
        has_ended = sa.or_(INTENTS.c.lease_until.is_(None), INTENTS.c.lease_until <= now)
        mine = sa.and_(named(INTENTS, *RECORD), INTENTS.c.owner == sa.bindparam("my_owner"))
        seen = sa.func.coalesce(INTENTS.c.owner, "") == sa.bindparam("its_owner")

        told = [WRITTEN.c[name] for name in ("key", "entity", "crm_id", "digest", "altered", "base")]
        self.written = sa.select(*told).where(named(WRITTEN, *RECORD[:3]), among(WRITTEN.c.key))
        known_as = sa.select(WRITTEN.c.key, WRITTEN.c.crm_id)
        self.written_as = known_as.where(named(WRITTEN, *RECORD[:3]), among(WRITTEN.c.key))
        self.add_written = OfMany(WRITTEN.insert(), dialect)
        first = [sa.select(table.c.key).limit(1) for table in TABLES]
        self.streams = [each.where(named(table, *RECORD[:3])) for table, each in zip(TABLES, first, strict=True)]
        self.sources = [each.where(named(table, *RECORD[:2])) for table, each in zip(TABLES, first, strict=True)]
        its = [WRITTEN.c[name] for name in ("stream", "entity", "crm_id", "digest", "base")]
        self.ids = sa.select(*its).where(named(WRITTEN, "destination", "source", "key"))
        pointed_to = sa.select(WRITTEN.c.key, WRITTEN.c.entity, WRITTEN.c.crm_id)
        self.ids_of_many = pointed_to.where(named(WRITTEN, "destination", "source"), among(WRITTEN.c.key))
        self.known_ids = sa.select(WRITTEN.c.crm_id).where(
            named(WRITTEN, "destination", "entity"), among(WRITTEN.c.crm_id)
        )
        self.became = sa.select(WRITTEN.c.source, WRITTEN.c.stream, WRITTEN.c.key).where(
            named(WRITTEN, "destination", "entity", "crm_id")
        )
        self.add_intent = OfMany(INTENTS.insert().values(**lease), dialect)
        self.intents = sa.select(INTENTS, has_ended.label("has_ended")).where(named(INTENTS, *RECORD[:3]))
        self.intent = sa.select(INTENTS, has_ended.label("has_ended")).where(named(INTENTS, *RECORD))
        self.intents_there = sa.select(INTENTS, has_ended.label("has_ended")).where(
            among(INTENTS.c.destination), named(INTENTS, "source")
        )
        self.hold = INTENTS.update().where(mine).values(**lease)
        least = now + sa.bindparam("least_seconds", type_=sa.Double)
        self.held = sa.select(INTENTS.c.key).where(mine, INTENTS.c.lease_until >= least)
        self.take = INTENTS.update().where(named(INTENTS, *RECORD), seen).values(**lease)
        self.take_ended = INTENTS.update().where(named(INTENTS, *RECORD), seen, has_ended).values(**lease)
        self.drop_mine = INTENTS.delete().where(mine)
        is_mine = INTENTS.c.owner == sa.bindparam("my_owner")
        self.release = INTENTS.update().where(named(INTENTS, *RECORD[:2]), is_mine).values(lease_until=0)
        self.add_link = LINKS.insert()
        self.close_link = OfMany(LINKS.delete().where(named(LINKS, *RECORD, "field")), dialect)
        self.links = sa.select(LINKS).where(named(LINKS, "destination", "source"))
        self.any_link = sa.select(LINKS.c.key).where(named(LINKS, "destination", "source")).limit(1)
        self.links_to = self.links.where(among(LINKS.c.to_key))
        self.forget = {table.name: OfMany(table.delete().where(named(table, *RECORD)), dialect) for table in TABLES}
        self.rename = {
            table.name: table.update().where(named(table, *RECORD)).values(key=sa.bindparam("new_key"))
            for table in TABLES
        }


statements = cache(Statements)
"""Those for a driver: to build them takes as long as to write some records."""
