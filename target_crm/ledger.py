"""What earlier runs wrote, and what they were about to write when they were cut off.

Kept in a database of the user's choice; never in Singer STATE. An open intent holds the values that were to be sent,
until it is known what became of them.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crm_systems.errors import ConfigError
from target_crm.files import ledger_file, open_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_METADATA = sa.MetaData()
_ORIGIN = ("destination", "source", "stream", "key")


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, _METADATA, *(sa.Column(each, sa.String(512), primary_key=True) for each in _ORIGIN), *columns)


_WRITTEN = _table(
    "written",
    sa.Column("entity", sa.String(128), nullable=False),
    sa.Column("crm_id", sa.String(128), nullable=False, index=True),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("altered", sa.Text, nullable=False),
)
_INTENTS = _table(
    "intents",
    sa.Column("entity", sa.String(128), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("sent", sa.Text, nullable=False),
)
_LINKS = _table(
    "open_links",
    sa.Column("field", sa.String(128), primary_key=True),
    sa.Column("refers_to", sa.Text, nullable=False),
    sa.Column("to_key", sa.String(512), nullable=False),
)


@dataclass(frozen=True)
class Written:
    """A record that an earlier run wrote."""

    entity: str
    crm_id: str
    digest: str
    """Of the values that were sent."""
    altered: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For fields that the CRM stored otherwise than sent: digests of what was sent and of what it stored."""


@dataclass(frozen=True)
class Intent:
    """A create whose outcome is not known."""

    stream: str
    key: str
    entity: str
    at: datetime
    """The server's clock before the create was sent."""
    sent: Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """A reference that could not be set yet, because the record it points to has not been written."""

    stream: str
    key: str
    field: str
    refers_to: tuple[str, ...]
    """Names of the entities that it may point to; empty: any."""
    to_key: str


SOMEBODY_ELSE = "what became of an earlier create of it is not known yet, or another run writes it; run again"


class TakenMeanwhile(Exception):
    """Another run, or one that was cut off, has something to do with this record."""


class Ledger:
    """The ledger of one origin (``source``) and one CRM (``destination``); any number of threads may use it.

    Raises:
        ConfigError: from every method, where the database does not do what it is asked.
    """

    def __init__(
        self, url: str, *, destination: str, source: str, warn: Callable[[str], None] = lambda _sentence: None
    ) -> None:
        self._lock = threading.Lock()
        self._ours = {"destination": destination, "source": source}
        with _in_words("opened"):
            self._engine = sa.create_engine(url, hide_parameters=True)
            _make_private(self._engine.url, warn)
            with suppress(sa.exc.DBAPIError):
                # It fails where another run makes the same tables at this moment; they are there then.
                _METADATA.create_all(self._engine)
            _METADATA.create_all(self._engine)

    def close(self) -> None:
        """Gives the database back."""
        self._engine.dispose()

    def written(self, stream: str, key: str) -> Written | None:
        """What is known of an incoming record."""
        with self._reading() as db:
            row = db.execute(sa.select(_WRITTEN).where(*self._is(_WRITTEN, stream, key))).one_or_none()
        if row is None:
            return None
        altered = {name: (sent, stored) for name, (sent, stored) in json.loads(row.altered).items()}
        return Written(row.entity, row.crm_id, row.digest, altered)

    def note(self, stream: str, key: str, written: Written) -> None:
        """Notes what was written, in place of the intent to write it."""
        origin = {**self._ours, "stream": stream, "key": key}
        values = {"entity": written.entity, "crm_id": written.crm_id, "digest": written.digest}
        with self._writing() as db:
            db.execute(_WRITTEN.delete().where(*self._is(_WRITTEN, stream, key)))
            db.execute(_WRITTEN.insert().values(**origin, **values, altered=json.dumps(dict(written.altered))))
            db.execute(_INTENTS.delete().where(*self._is(_INTENTS, stream, key)))

    def forget(self, stream: str, key: str) -> None:
        """Forgets a record that was deleted."""
        with self._writing() as db:
            for table in (_WRITTEN, _INTENTS, _LINKS):
                db.execute(table.delete().where(*self._is(table, stream, key)))

    def intend(self, intent: Intent, known: Written | None) -> None:
        """Notes a create before it is sent. ``known``: what :meth:`written` said when the create was decided upon.

        Raises:
            TakenMeanwhile: there is an open intent, or something else was written since.
        """
        origin = {**self._ours, "stream": intent.stream, "key": intent.key}
        sent = json.dumps(dict(intent.sent), default=_jsonable)
        values = {"entity": intent.entity, "at": intent.at.isoformat(), "sent": sent}
        here = sa.select(_WRITTEN.c.crm_id).where(*self._is(_WRITTEN, intent.stream, intent.key))
        with self._writing() as db:
            try:
                # The insert comes first: it makes another process that does the same wait, or fail.
                db.execute(_INTENTS.insert().values(**origin, **values))
            except sa.exc.IntegrityError:
                raise TakenMeanwhile(SOMEBODY_ELSE) from None
            if db.execute(here).scalar() != (known.crm_id if known else None):
                raise TakenMeanwhile(SOMEBODY_ELSE)

    def drop_intent(self, stream: str, key: str) -> None:
        """Notes that nothing came of an intent."""
        with self._writing() as db:
            db.execute(_INTENTS.delete().where(*self._is(_INTENTS, stream, key)))

    def intents(self, stream: str) -> list[Intent]:
        """The creates of a stream whose outcome is not known."""
        with self._reading() as db:
            rows = db.execute(sa.select(_INTENTS).where(*self._is(_INTENTS, stream))).all()
        return [
            Intent(row.stream, row.key, row.entity, datetime.fromisoformat(row.at), json.loads(row.sent))
            for row in rows
        ]

    def keys_of(self, entity: str, crm_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are known as some incoming record's, whatever its origin."""
        condition = (
            _WRITTEN.c.destination == self._ours["destination"],
            _WRITTEN.c.entity == entity,
            _WRITTEN.c.crm_id.in_(list(crm_ids)),
        )
        with self._reading() as db:
            return set(db.execute(sa.select(_WRITTEN.c.crm_id).where(*condition)).scalars())

    def ids_of(self, entities: Iterable[str], key: str) -> list[str]:
        """The ids in the CRM of the incoming record with this key, in any stream that writes these entities."""
        wanted = list(entities)
        condition = [*self._is(_WRITTEN), _WRITTEN.c.key == key]
        if wanted:
            condition.append(_WRITTEN.c.entity.in_(wanted))
        with self._reading() as db:
            return list(db.execute(sa.select(_WRITTEN.c.crm_id).where(*condition)).scalars().unique())

    def leave_open(self, stream: str, key: str, fields: Iterable[str], links: Iterable[Link]) -> None:
        """Notes the references of a record that are to be set later, in place of those of the same ``fields``."""
        origin = {**self._ours, "stream": stream, "key": key}
        with self._writing() as db:
            db.execute(_LINKS.delete().where(*self._is(_LINKS, stream, key), _LINKS.c.field.in_(list(fields))))
            for link in links:
                values = {"field": link.field, "refers_to": json.dumps(link.refers_to), "to_key": link.to_key}
                db.execute(_LINKS.insert().values(**origin, **values))

    def close_link(self, link: Link) -> None:
        """Notes that a reference was set."""
        with self._writing() as db:
            db.execute(_LINKS.delete().where(*self._is(_LINKS, link.stream, link.key), _LINKS.c.field == link.field))

    def links_to(self, keys: Iterable[str] | None = None) -> list[Link]:
        """The references that wait for incoming records with these keys; for any, if none are named."""
        condition = self._is(_LINKS)
        if keys is not None:
            condition.append(_LINKS.c.to_key.in_(list(keys)))
        with self._reading() as db:
            rows = db.execute(sa.select(_LINKS).where(*condition)).all()
        return [Link(row.stream, row.key, row.field, tuple(json.loads(row.refers_to)), row.to_key) for row in rows]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _in_words("read"), self._engine.connect() as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _in_words("written"), self._lock, self._engine.begin() as db:
            yield db

    def _is(self, table: sa.Table, stream: str | None = None, key: str | None = None) -> list[sa.ColumnElement[bool]]:
        wanted = {**self._ours, "stream": stream, "key": key}
        return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _make_private(url: sa.URL, warn: Callable[[str], None]) -> None:
    """Makes a SQLite file, which may hold personal data, readable for its owner only."""
    if path := ledger_file(url):
        os.close(open_private(path, os.O_RDWR, warn))


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Says what is wrong with the database without its own words, which hold values and the address."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
        raise ConfigError(
            f"The ledger cannot be {what}",
            code=type(error).__name__,
            hint="check `ledger_url`, and that no other run holds it",
        ) from None


def digest(value: Any) -> str:
    """A short fingerprint of a value; the same for the same JSON."""
    written = json.dumps(value, sort_keys=True, default=_jsonable)
    return blake2s(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _jsonable(value: Any) -> Any:
    """A number by all its digits, without the zeros that end a fraction."""
    if not isinstance(value, Decimal):
        return str(value)
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written
