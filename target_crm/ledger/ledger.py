"""What earlier runs wrote, and what they were about to write when they were cut off.

Kept in a database of the user's choice; never in Singer STATE. An open intent holds the values that were to be sent,
until it is known what became of them. It belongs to the run that noted it for as long as that run's lease lasts.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crm_systems.errors import ConfigError
from target_crm.ledger.entries import Intent, Link, Snapshot, TakenMeanwhile, Written, jsonable
from target_crm.ledger.lease import LeaseHolder
from target_crm.ledger.tables import INTENTS, LINKS, TABLES, WRITTEN, destinations, in_words, opened, respell, sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LEASE_SECONDS = 160.0
RACES = 5
"""How often a row is written anew because another run wrote the same one at the same moment."""


class Ledger:
    """The ledger of one origin (``source``) and one CRM (``destination``); any number of threads may use it.

    ``lease_seconds`` is how long an intent is left to a run of which nothing is heard. It is measured by the clock of
    the database server where that is PostgreSQL, else by ``clock`` (seconds since 1970), which all runs must share.

    Raises:
        ConfigError: from every method, where the database does not do what it is asked.
    """

    def __init__(
        self,
        url: str,
        *,
        destination: str,
        source: str,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._ours = {"destination": destination, "source": source}
        self._holder = LeaseHolder()
        self._holds_any = False
        self.lease_seconds = lease_seconds
        with in_words("opened"):
            self._engine = opened(url, warn)

    def close(self) -> None:
        """Leaves what is still open to the next run, and gives the database back."""
        with suppress(ConfigError):
            if self._holds_any:
                with self._writing() as db:
                    mine = INTENTS.c.owner == self._holder.run
                    db.execute(sa.update(INTENTS).where(mine).values(lease_until=0))
        self._engine.dispose()

    def respell(self, spelling: Callable[[str], str]) -> None:
        """Gives each CRM the one spelling of its name, by which earlier versions knew it in several."""
        with in_words("written"):
            respell(self._engine, spelling)

    def elsewhere(self, stream: str) -> set[str]:
        """The other CRMs for which records of a stream are known; empty where some are known for this one."""
        if self.knows(stream):
            return set()
        found = self._destinations(lambda table: table.c.stream == stream)
        return set() if self._ours["destination"] in found else found

    def knows(self, stream: str) -> bool:
        """Whether anything is known of the records of a stream."""
        with self._reading() as db:
            return db.execute(sa.select(WRITTEN.c.key).where(*self._is(WRITTEN, stream)).limit(1)).first() is not None

    @property
    def is_known(self) -> bool:
        """Whether anything is known of this CRM."""
        return self._ours["destination"] in self._destinations()

    def _destinations(self, *conditions: Callable[[sa.Table], sa.ColumnElement[bool]]) -> set[str]:
        with self._reading() as db:
            return destinations(db, lambda table: table.c.source == self._ours["source"], *conditions)

    def written(self, stream: str, key: str) -> Written | None:
        """What is known of an incoming record."""
        with self._reading() as db:
            row = db.execute(sa.select(WRITTEN).where(*self._is(WRITTEN, stream, key))).one_or_none()
        if row is None:
            return None
        with sound(WRITTEN, row):
            altered = {name: (sent, stored) for name, (sent, stored) in json.loads(row.altered).items()}
            return Written(row.entity, row.crm_id, row.digest, altered)

    def note(self, stream: str, key: str, written: Written) -> None:
        """Notes what was written, in place of the intent to write it."""
        origin = {**self._ours, "stream": stream, "key": key}
        values = {"entity": written.entity, "crm_id": written.crm_id, "digest": written.digest}

        def work(db: sa.Connection) -> None:
            db.execute(WRITTEN.delete().where(*self._is(WRITTEN, stream, key)))
            db.execute(WRITTEN.insert().values(**origin, **values, altered=json.dumps(dict(written.altered))))
            db.execute(INTENTS.delete().where(*self._is(INTENTS, stream, key)))

        self._write(work)

    def rename(self, stream: str, key: str, new: str) -> None:
        """Notes that what is known of an incoming record is known by another spelling of its key from now on."""
        with self._writing() as db:
            for table in (WRITTEN, INTENTS, LINKS):
                db.execute(table.update().where(*self._is(table, stream, key)).values(key=new))

    def forget(self, stream: str, key: str) -> None:
        """Forgets a record that was deleted."""
        with self._writing() as db:
            for table in TABLES:
                db.execute(table.delete().where(*self._is(table, stream, key)))

    def intend(self, intent: Intent, known: Written | None) -> None:
        """Notes a create before it is sent. ``known``: what :meth:`written` said when the create was decided upon.

        Raises:
            TakenMeanwhile: there is an open intent, or something else was written since.
        """
        origin = {**self._ours, "stream": intent.stream, "key": intent.key}
        sent = json.dumps(dict(intent.sent), default=jsonable)
        shown = intent.before.to_json() if intent.before else None
        values = {"entity": intent.entity, "at": intent.at.isoformat(), "sent": sent, "shown": shown}
        here = sa.select(WRITTEN.c.crm_id).where(*self._is(WRITTEN, intent.stream, intent.key))
        self._holds_any = True
        with self._writing() as db:
            try:
                # The insert comes first: it makes another process that does the same wait, or fail.
                db.execute(INTENTS.insert().values(**origin, **values, **self._lease()))
            except sa.exc.IntegrityError:
                raise TakenMeanwhile from None
            if db.execute(here).scalar() != (known.crm_id if known else None):
                raise TakenMeanwhile

    def hold(self, stream: str, key: str) -> None:
        """Makes sure that an intent is still this run's, and extends the lease.

        Raises:
            TakenMeanwhile: it is not.
        """
        mine = (*self._is(INTENTS, stream, key), INTENTS.c.owner == self._holder.run)
        with self._writing() as db:
            if not db.execute(sa.update(INTENTS).where(*mine).values(**self._lease())).rowcount:
                raise TakenMeanwhile

    def take(self, intent: Intent) -> bool:
        """Takes over an intent that is free; of several runs that try, one succeeds."""
        seen = INTENTS.c.owner == intent.holder.run if intent.holder else INTENTS.c.owner.is_(None)
        conditions = [*self._is(INTENTS, intent.stream, intent.key), seen]
        if not self._is_over(intent.holder):
            conditions.append(self._has_ended())
        self._holds_any = True
        with self._writing() as db:
            return bool(db.execute(sa.update(INTENTS).where(*conditions).values(**self._lease())).rowcount)

    def drop_intent(self, stream: str, key: str) -> None:
        """Notes that nothing came of an intent, unless another run has taken it."""
        with self._writing() as db:
            mine = (*self._is(INTENTS, stream, key), INTENTS.c.owner == self._holder.run)
            db.execute(INTENTS.delete().where(*mine))

    def intents(self, stream: str, key: str | None = None) -> list[Intent]:
        """The creates of a stream, or of one record, whose outcome is not known."""
        chosen = sa.select(INTENTS, self._has_ended().label("has_ended")).where(*self._is(INTENTS, stream, key))
        with self._reading() as db:
            rows = db.execute(chosen).all()
        return [self._intent(row) for row in rows]

    def _intent(self, row: sa.Row[Any]) -> Intent:
        with sound(INTENTS, row):
            at, sent = datetime.fromisoformat(row.at), dict(json.loads(row.sent))
            if at.tzinfo is None:
                raise ValueError
            before = Snapshot.from_json(row.shown) if row.shown else None
            holder = LeaseHolder.from_json(row.holder) if row.holder else None
            is_free = bool(row.has_ended) or self._is_over(holder)
            return Intent(row.stream, row.key, row.entity, at, sent, before, holder, is_free)

    def _is_over(self, holder: LeaseHolder | None) -> bool:
        """Whether a lease is over before its time: it is this run's own, or its run is gone."""
        return holder is None or holder.run == self._holder.run or holder.is_gone

    def _has_ended(self) -> sa.ColumnElement[bool]:
        return sa.or_(INTENTS.c.lease_until.is_(None), INTENTS.c.lease_until <= self._now())

    def _lease(self) -> dict[str, Any]:
        until = self._now() + self.lease_seconds
        return {"owner": self._holder.run, "holder": self._holder.to_json(), "lease_until": until}

    def _now(self) -> Any:
        """Seconds since 1970, by the one clock that all runs share."""
        if self._engine.dialect.name == "postgresql":
            return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        return self._clock()

    def keys_of(self, entity: str, crm_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are known as some incoming record's, whatever its origin."""
        condition = (
            WRITTEN.c.destination == self._ours["destination"],
            WRITTEN.c.entity == entity,
            WRITTEN.c.crm_id.in_(list(crm_ids)),
        )
        with self._reading() as db:
            return set(db.execute(sa.select(WRITTEN.c.crm_id).where(*condition)).scalars())

    def ids_of(self, entities: Iterable[str], key: str) -> list[str]:
        """The ids in the CRM of the incoming record with this key, in any stream that writes these entities."""
        wanted = list(entities)
        condition = [*self._is(WRITTEN), WRITTEN.c.key == key]
        if wanted:
            condition.append(WRITTEN.c.entity.in_(wanted))
        with self._reading() as db:
            return list(db.execute(sa.select(WRITTEN.c.crm_id).where(*condition)).scalars().unique())

    def leave_open(self, stream: str, key: str, fields: Iterable[str], links: Iterable[Link]) -> None:
        """Notes the references of a record that are to be set later, in place of those of the same ``fields``."""
        origin = {**self._ours, "stream": stream, "key": key}
        replaced, open_now = list(fields), list(links)

        def work(db: sa.Connection) -> None:
            db.execute(LINKS.delete().where(*self._is(LINKS, stream, key), LINKS.c.field.in_(replaced)))
            for link in open_now:
                values = {"field": link.field, "refers_to": json.dumps(link.refers_to), "to_key": link.to_key}
                db.execute(LINKS.insert().values(**origin, **values))

        self._write(work)

    def close_link(self, link: Link) -> None:
        """Notes that a reference was set."""
        with self._writing() as db:
            db.execute(LINKS.delete().where(*self._is(LINKS, link.stream, link.key), LINKS.c.field == link.field))

    def links_to(self, keys: Iterable[str] | None = None) -> list[Link]:
        """The references that wait for incoming records with these keys; for any, if none are named."""
        condition = self._is(LINKS)
        if keys is not None:
            condition.append(LINKS.c.to_key.in_(list(keys)))
        with self._reading() as db:
            rows = db.execute(sa.select(LINKS).where(*condition)).all()
        return [_link(row) for row in rows]

    def _write(self, work: Callable[[sa.Connection], None]) -> None:
        """Does in one transaction what replaces rows, anew where another run inserted the same at this moment."""
        with in_words("written"):
            for race in range(RACES):
                try:
                    with self._lock, self._engine.begin() as db:
                        work(db)
                except sa.exc.IntegrityError:
                    if race == RACES - 1:
                        raise
                else:
                    return

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with in_words("read"), self._engine.connect() as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with in_words("written"), self._lock, self._engine.begin() as db:
            yield db

    def _is(self, table: sa.Table, stream: str | None = None, key: str | None = None) -> list[sa.ColumnElement[bool]]:
        wanted = {**self._ours, "stream": stream, "key": key}
        return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _link(row: sa.Row[Any]) -> Link:
    with sound(LINKS, row):
        return Link(row.stream, row.key, row.field, tuple(json.loads(row.refers_to)), row.to_key)
