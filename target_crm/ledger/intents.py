"""What is about to be created: noted before it is sent, until it is known what became of it.

An open intent holds the values that were to be sent. It belongs to the run that noted it for as long as that run's
lease lasts.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_singer.databases import portions
from crm_systems.errors import ConfigError
from target_crm.ledger.entries import Create, Intent, TakenMeanwhile
from target_crm.ledger.rows import bound, columns_of, intent_in, row_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from target_crm.ledger.database import Database
    from target_crm.ledger.lease import Lease
    from target_crm.ledger.notes import Notes
    from target_crm.ledger.open_links import OpenLinks
    from target_crm.ledger.statements import Statements

FRESH_SECONDS = 5.0
"""How long a lease that was just extended needs no extension: far less than it lasts beyond what an attempt takes."""


class Intents:
    """The open intents of what ``ours`` names; any number of threads may use it."""

    def __init__(
        self,
        database: Database,
        does: Statements,
        notes: Notes,
        links: OpenLinks,
        ours: Mapping[str, str],
        lease: Lease,
    ) -> None:
        self._database = database
        self._does = does
        self._notes = notes
        self._links = links
        self._ours = ours
        self._lease = lease
        self._held: dict[tuple[str, str], float] = {}
        """Streams and keys of this run's intents, and when they were noted or taken, by the clock."""
        self._unsent: set[tuple[str, str]] = set()
        """Those of them that nothing has been sent for."""
        self._sending = threading.Lock()

    def note(self, creates: Sequence[Create]) -> None:
        """Notes creates of one stream before they are sent, and with them what was to be noted later.

        Raises:
            TakenMeanwhile: of one of them there is an open intent, or something else was written since it was decided
                upon; none of them is noted then.
        """
        now = self._lease.now()
        stream = creates[0].intent.stream
        rows = [
            {**columns_of(bound(self._ours, stream, each.intent.key)), **row_of(each.intent), **now} for each in creates
        ]
        known = {each.intent.key: each.known_as for each in creates if each.known_as is not None}

        def work(db: sa.Connection) -> None:
            # The insert comes first: it makes another process that does the same wait, or fail.
            self._does.add_intent(db, rows)
            for some in portions(each.intent.key for each in creates):
                asked = {**self._ours, "its_stream": stream, "its_key": some}
                there = {row.key: row.crm_id for row in db.execute(self._does.written_as, asked)}
                if there != {key: known[key] for key in some if key in known}:
                    raise TakenMeanwhile
            places = [(each.intent.key, name) for each in creates for name in each.fields]
            self._links.replace(db, stream, places, (link for each in creates for link in each.links))

        self._notes.flush_with(work)
        places = [(stream, each.intent.key) for each in creates]
        self._held.update(dict.fromkeys(places, now["now"]))
        self._unsent.update(places)

    def hold(self, stream: str, key: str, *, has_waited: bool = True) -> None:
        """Makes sure that an intent is still this run's, and extends the lease, unless it was just extended.

        Nothing is asked where it was noted a moment ago and nobody ``has_waited`` for anything since.

        Raises:
            TakenMeanwhile: it is not.
        """
        place, now = (stream, key), self._lease.now()
        with self._sending:
            self._unsent.discard(place)
        # A clock that was put back since then says nothing.
        if not has_waited and 0 <= now["now"] - self._held.get(place, 0) < FRESH_SECONDS:
            return
        its, least = bound(self._ours, *place), {"least_seconds": self._lease.seconds - FRESH_SECONDS}
        if self._database.read(self._does.held, {**its, **now, **least}):
            return
        if not self._changes(self._does.hold, its, now):
            raise TakenMeanwhile

    def take(self, intent: Intent) -> bool:
        """Takes over an intent that is free; of several runs that try, one succeeds."""
        its, now = bound(self._ours, intent.stream, intent.key), self._lease.now()
        statement = self._does.take if self._lease.is_over(intent.holder) else self._does.take_ended
        is_taken = self._changes(statement, {**its, "its_owner": intent.holder.run if intent.holder else ""}, now)
        if is_taken:
            self._held[intent.stream, intent.key] = now["now"]
        return is_taken

    def drop(self, stream: str, key: str) -> None:
        """Notes that nothing came of an intent, unless another run has taken it."""
        self._changes(self._does.drop_mine, bound(self._ours, stream, key), self._lease.now())
        self._held.pop((stream, key), None)
        self._unsent.discard((stream, key))

    def forget(self, stream: str, key: str) -> None:
        """Forgets that this run holds an intent, of which it is known now what became."""
        self._held.pop((stream, key), None)

    def step_aside(self) -> None:
        """Notes what was done and gives up the creates that are not sent, so that no run waits for one that waits."""
        self._notes.flush()
        with self._sending:
            places = tuple(self._unsent)  # Others may be noted meanwhile.
            if unsent := [{**bound(self._ours, *place), **self._lease.now()} for place in places]:
                self._database.write(lambda db: db.execute(self._does.drop_mine, unsent))
            for place in places:
                self._held.pop(place, None)
            self._unsent.difference_update(places)

    def close(self) -> None:
        """Leaves what is still open to the next run."""
        with suppress(ConfigError):
            self.step_aside()
            if self._held:
                its = {**self._ours, **self._lease.now()}
                self._database.write(lambda db: db.execute(self._does.release, its))

    def of(self, stream: str, key: str | None = None) -> list[Intent]:
        """The creates of a stream, or of one record, whose outcome is not known."""
        self._notes.flush_those_of([key]) if key else self._notes.flush()
        its = bound(self._ours, stream, key or "")
        statement = self._does.intents if key is None else self._does.intent
        return [self._intent(row) for row in self._database.read(statement, {**its, **self._lease.now()})]

    def there(self, place: Mapping[str, Any]) -> list[Intent]:
        """Those of another pipeline: of a stream, an origin and a CRM."""
        asked = {**place, **self._lease.now()}
        return [self._intent(row) for row in self._database.read(self._does.intents_there, asked)]

    def _intent(self, row: sa.Row[Any]) -> Intent:
        intent = intent_in(row)
        is_free = bool(row.has_ended) or self._lease.is_over(intent.holder)
        return replace(intent, is_free=is_free, is_ours=row.owner == self._lease.holder.run)

    def _changes(self, statement: sa.Executable, its: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Whether a statement about an intent changes anything."""
        return self._database.write(lambda db: bool(db.execute(statement, {**its, **now}).rowcount))
