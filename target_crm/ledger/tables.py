"""The tables of the ledger: how they are made, how older ones are brought up to date, what is said when they fail."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crm_singer import databases
from crm_systems.errors import ConfigError
from target_crm.files import open_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_METADATA = sa.MetaData()
RECORD = ("destination", "source", "stream", "key")
"""What names an incoming record."""


def _table(name: str, *parts: sa.Column[Any] | sa.Index) -> sa.Table:
    return sa.Table(name, _METADATA, *(sa.Column(each, sa.String(512), primary_key=True) for each in RECORD), *parts)


WRITTEN = _table(
    "written",
    sa.Column("entity", sa.String(128), nullable=False),
    sa.Column("crm_id", sa.String(128), nullable=False),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("altered", sa.Text, nullable=False),
    sa.Column("base", sa.LargeBinary),
    sa.Index("ix_written_ids", "destination", "crm_id"),
    sa.Index("ix_written_keys", "destination", "source", "key"),
)
INTENTS = _table(
    "intents",
    sa.Column("entity", sa.String(128), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("sent", sa.Text, nullable=False),
    sa.Column("owner", sa.String(64)),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", sa.Double),
    sa.Column("shown", sa.Text),
)
LINKS = _table(
    "open_links",
    sa.Column("field", sa.String(128), primary_key=True),
    sa.Column("refers_to", sa.Text, nullable=False),
    sa.Column("to_key", sa.String(512), nullable=False),
    sa.Index("ix_open_links_to_keys", "destination", "source", "to_key"),
)
CONFLICTS = _table(
    "conflicts",
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("crm_id", sa.String(128), nullable=False),
    sa.Column("told", sa.Text, nullable=False),
)
STREAM_KEYS = sa.Table(
    "stream_keys",
    _METADATA,
    *(sa.Column(each, sa.String(512), primary_key=True) for each in RECORD[:3]),
    sa.Column("fields", sa.Text, nullable=False),
)
TABLES = (WRITTEN, INTENTS, LINKS)
"""What is known of records."""


def opened(url: str, warn: Callable[[str], None]) -> sa.Engine:
    """The database with all tables and columns."""
    engine = databases.engine_of(url)
    if path := databases.file_of(engine.url):
        os.close(open_private(path, os.O_RDWR, warn))
    databases.make_tables(_METADATA, engine)
    _add_columns(engine)
    _add_indexes(engine)
    return engine


def _add_columns(engine: sa.Engine) -> None:
    """Adds the columns that a ledger of an earlier version lacks."""
    for table in (WRITTEN, INTENTS):
        there = _columns(engine, table)
        for column in (each for each in table.columns if each.name not in there):
            kind = column.type.compile(engine.dialect)
            try:
                with engine.begin() as db:
                    db.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
            except sa.exc.DBAPIError:
                # Another run adds it at this moment.
                if column.name not in _columns(engine, table):
                    raise


def _add_indexes(engine: sa.Engine) -> None:
    """Adds the indexes that a ledger of an earlier version lacks."""
    for index in (index for table in TABLES for index in table.indexes):
        try:
            index.create(engine, checkfirst=True)
        except sa.exc.DBAPIError:
            # Another run adds it at this moment.
            index.create(engine, checkfirst=True)


def _columns(engine: sa.Engine, table: sa.Table) -> set[str]:
    return {each["name"] for each in sa.inspect(engine).get_columns(table.name)}


_NEXT = {
    table: sa.select(table.c.destination)
    .where(table.c.destination > sa.bindparam("last"))
    .order_by(table.c.destination)
    .limit(1)
    for table in TABLES
}


def destinations(db: sa.Connection) -> set[str]:
    """The CRMs of which the ledger knows something, each found by one step along the primary key."""
    found = set()
    for step in _NEXT.values():
        last: str | None = ""
        while (last := db.execute(step, {"last": last}).scalar()) is not None:
            found.add(last)
    return found


def respell(engine: sa.Engine, spelling: Callable[[str], str]) -> None:
    """Gives each CRM the one spelling of its name; a record that is known by it already keeps its old row as well."""
    with engine.begin() as db:
        for old in destinations(db):
            new = spelling(old)
            for table in TABLES if new != old else ():
                other = table.alias()
                same = (other.c[each.name] == each for each in table.primary_key if each.name != "destination")
                twin = sa.select(other.c.key).where(other.c.destination == new, *same).correlate(table).exists()
                db.execute(sa.update(table).where(table.c.destination == old, ~twin).values(destination=new))


in_words = partial(databases.in_words, "The ledger", "ledger_url")
"""A context in which faults of the database are told in a sentence."""


@contextmanager
def sound(table: sa.Table, stream: str, key: str) -> Iterator[None]:
    """Says which row is broken: an interrupted copy of the database, or somebody's hand."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ConfigError(
            f"The ledger is broken: the row of the stream {stream} and the key {key} in the table "
            f"{table.name} cannot be read",
            hint="restore the ledger from a copy, or mend that row",
        ) from None
