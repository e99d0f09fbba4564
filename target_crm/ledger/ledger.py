"""What earlier runs wrote, and what they were about to write when they were cut off.

Kept in a database of the user's choice; never in Singer STATE. An open intent holds the values that were to be sent,
until it is known what became of them. It belongs to the run that noted it for as long as that run's lease lasts.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_singer.databases import portions
from crm_systems.errors import ConfigError
from target_crm.ledger.database import Database
from target_crm.ledger.entries import Create, Intent, TakenMeanwhile, Written
from target_crm.ledger.flows import Flow
from target_crm.ledger.lease import LeaseHolder
from target_crm.ledger.notes import Notes
from target_crm.ledger.open_links import OpenLinks
from target_crm.ledger.pointed_to import PointedTo
from target_crm.ledger.rows import altered_in, intent_in, row_of
from target_crm.ledger.statements import statements
from target_crm.ledger.stream_keys import StreamKeys
from target_crm.ledger.tables import RECORD
from target_crm.ledger.twins import Twins
from target_crm.ledger.unreported import Unreported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from target_crm.ledger.twins import Other

LEASE_SECONDS = 160.0
FRESH_SECONDS = 5.0
"""How long a lease that was just extended needs no extension: far less than it lasts beyond what an attempt takes."""


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
        self._ours = {"its_destination": destination, "its_source": source}
        self._clock = clock
        self._holder = holder = LeaseHolder()
        self._held: dict[tuple[str, str], float] = {}
        """Streams and keys of this run's intents, and when they were noted or taken, by the clock."""
        self._unsent: set[tuple[str, str]] = set()
        """Those of them that nothing has been sent for."""
        self._sending = threading.Lock()
        self.lease_seconds = lease_seconds
        self._database = Database(url, warn)
        self._does = statements(self._database.driver)
        self._notes = Notes(self._database, self._does)
        self.pointed_to = PointedTo(self._database, self._does, self._notes, self._ours)
        self.links = OpenLinks(self._database, self._does, self._ours)
        """References that are to be set later."""
        self.stream_keys = StreamKeys(self._database, self._ours)
        self._lease = {"my_owner": holder.run, "my_holder": holder.to_json(), "lease_seconds": lease_seconds}
        self.unreported = Unreported(self._database, self._ours, self._holder.run)
        self.twins: Twins | None = None
        """What is known of the pipeline that goes the other way, where there may be one."""

    def close(self) -> None:
        """Leaves what is still open to the next run, and gives the database back."""
        with suppress(ConfigError):
            self.step_aside()
            if self._held:
                its = {**self._ours, **self._lease}
                self._database.write(lambda db: db.execute(self._does.release, its))
        self._database.close()

    def step_aside(self) -> None:
        """Notes what was done and gives up the creates that are not sent, so that no run waits for one that waits."""
        self._notes.flush()
        with self._sending:
            places = tuple(self._unsent)  # Others may be noted meanwhile.
            if unsent := [{**self._named(*place)[0], **self._lease} for place in places]:
                self._database.write(lambda db: db.execute(self._does.drop_mine, unsent))
            for place in places:
                self._held.pop(place, None)
            self._unsent.difference_update(places)

    def respell(self, spelling: Callable[[str], str]) -> None:
        """Gives each CRM the one spelling of its name, by which earlier versions knew it in several."""
        self._database.respell(spelling)

    def pair_with(self, other: Other) -> None:
        """Heeds the pipeline that goes the other way."""
        self.twins = Twins(self._database, other, self._intents_there)

    def elsewhere(self, stream: str) -> set[str]:
        """The other CRMs for which records of a stream are known; empty where some are known for this one."""
        self._notes.flush()
        if self.knows(stream):
            return set()
        there, read = self._database.destinations(), self._database.read
        asked = [{**self._ours, "its_stream": stream, "its_destination": each} for each in there]
        found = {each["its_destination"] for each in asked if any(read(one, each) for one in self._does.streams)}
        return set() if self._ours["its_destination"] in found else found

    def knows(self, stream: str) -> bool:
        """Whether anything is known of the records of a stream."""
        self._notes.flush()
        return bool(self._database.read(self._does.streams[0], {**self._ours, "its_stream": stream}))

    @property
    def is_known(self) -> bool:
        """Whether anything is known of this CRM."""
        return any(self._database.read(each, self._ours) for each in self._does.sources)

    def flows(self) -> list[Flow]:
        """Which pipelines have written by this ledger."""
        self._notes.flush()
        return self._database.flows()

    def flow(self, stream: str, entity: str) -> Flow:
        """What a stream of this ledger's origin is to its CRM."""
        return Flow(self._ours["its_destination"], self._ours["its_source"], stream, entity)

    def flows_of(self, key: str, like: Flow) -> list[tuple[Flow, Written]]:
        """What brought a record with this key from an origin to an entity, by whatever stream, and how it came then."""
        its = {"its_destination": like.destination, "its_source": like.source, "its_key": key}
        rows = self._database.read(self._does.ids, its)
        found = [(row.stream, Written(row.entity, row.crm_id, row.digest, base=row.base)) for row in rows]
        return [(like._replace(stream=stream), each) for stream, each in found if each.entity == like.entity]

    def written(self, stream: str, key: str) -> Written | None:
        """What is known of an incoming record."""
        return self.written_of(stream, [key]).get(key)

    def written_of(self, stream: str, keys: Iterable[str]) -> dict[str, Written]:
        """What is known of several incoming records, by key."""
        found = {}
        for some in portions(keys):
            self._notes.flush_those_of(some)
            for row in self._database.read(self._does.written, {**self._ours, "its_stream": stream, "its_key": some}):
                key, entity, crm_id, its_print, altered, base = tuple(row)
                found[key] = Written(entity, crm_id, its_print, altered_in(altered, stream, key), base)
        return found

    def note(self, stream: str, key: str, written: Written, *, later: bool = False) -> None:
        """Notes what was written, in place of the intent to write it; ``later``: it is durable when it is flushed."""
        values = {"entity": written.entity, "crm_id": written.crm_id, "digest": written.digest, "base": written.base}
        altered = json.dumps(dict(written.altered)) if written.altered else "{}"
        self._notes.add({**self._named(stream, key)[1], **values, "altered": altered}, later=later)
        self._held.pop((stream, key), None)
        self.pointed_to.forget(key)

    def flush(self) -> None:
        """Makes durable what was to be noted later."""
        self._notes.flush()

    def rename(self, stream: str, key: str, new: str) -> None:
        """Notes that what is known of an incoming record is known by another spelling of its key from now on."""
        self._notes.flush()
        asked = {**self._named(stream, key)[0], "new_key": new}
        self._database.write(lambda db: [db.execute(each, asked) for each in self._does.rename.values()])
        self.pointed_to.forget_all()

    def forget(self, stream: str, key: str) -> None:
        """Forgets a record that was deleted."""
        self._notes.flush()
        its, _ = self._named(stream, key)
        self._database.write(lambda db: [each(db, [its]) for each in self._does.forget.values()])
        self.pointed_to.forget(key)

    def intend(self, creates: Sequence[Create]) -> None:
        """Notes creates of one stream before they are sent, and with them what was to be noted later.

        Raises:
            TakenMeanwhile: of one of them there is an open intent, or something else was written since it was decided
                upon; none of them is noted then.
        """
        now = self._now_and_lease()
        stream = creates[0].intent.stream
        rows = [{**self._named(stream, each.intent.key)[1], **row_of(each.intent), **now} for each in creates]
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
            self.links.replace(db, stream, places, (link for each in creates for link in each.links))

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
        place, now = (stream, key), self._now_and_lease()
        with self._sending:
            self._unsent.discard(place)
        # A clock that was put back since then says nothing.
        if not has_waited and 0 <= now["now"] - self._held.get(place, 0) < FRESH_SECONDS:
            return
        its, least = self._named(*place)[0], {"least_seconds": self.lease_seconds - FRESH_SECONDS}
        if self._database.read(self._does.held, {**its, **now, **least}):
            return
        if not self._changes(self._does.hold, its, now):
            raise TakenMeanwhile

    def take(self, intent: Intent) -> bool:
        """Takes over an intent that is free; of several runs that try, one succeeds."""
        its, now = self._named(intent.stream, intent.key)[0], self._now_and_lease()
        statement = self._does.take if self._is_over(intent.holder) else self._does.take_ended
        is_taken = self._changes(statement, {**its, "its_owner": intent.holder.run if intent.holder else ""}, now)
        if is_taken:
            self._held[intent.stream, intent.key] = now["now"]
        return is_taken

    def drop_intent(self, stream: str, key: str) -> None:
        """Notes that nothing came of an intent, unless another run has taken it."""
        self._changes(self._does.drop_mine, self._named(stream, key)[0], self._now_and_lease())
        self._held.pop((stream, key), None)
        self._unsent.discard((stream, key))

    def _changes(self, statement: sa.Executable, its: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Whether a statement about an intent changes anything."""
        return self._database.write(lambda db: bool(db.execute(statement, {**its, **now}).rowcount))

    def intents(self, stream: str, key: str | None = None) -> list[Intent]:
        """The creates of a stream, or of one record, whose outcome is not known."""
        self._notes.flush_those_of([key]) if key else self._notes.flush()
        its, _ = self._named(stream, key or "")
        statement = self._does.intents if key is None else self._does.intent
        return [self._intent(row) for row in self._database.read(statement, {**its, **self._now_and_lease()})]

    def _intents_there(self, place: Mapping[str, Any]) -> list[Intent]:
        asked = {**place, **self._now_and_lease()}
        return [self._intent(row) for row in self._database.read(self._does.intents_there, asked)]

    def _intent(self, row: sa.Row[Any]) -> Intent:
        intent = intent_in(row)
        is_free = bool(row.has_ended) or self._is_over(intent.holder)
        return replace(intent, is_free=is_free, is_ours=row.owner == self._holder.run)

    def _is_over(self, holder: LeaseHolder | None) -> bool:
        """Whether a lease is over before its time: it is this run's own, or its run is gone."""
        return holder is None or holder.run == self._holder.run or holder.is_gone

    def _now_and_lease(self) -> dict[str, Any]:
        return {**self._lease, "now": self._clock()}

    def keys_of(self, entity: str, crm_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are known as some incoming record's, whatever its origin."""
        self._notes.flush()
        asked = {"its_destination": self._ours["its_destination"], "its_entity": entity}
        return {
            row.crm_id
            for some in portions(crm_ids)
            for row in self._database.read(self._does.known_ids, {**asked, "its_crm_id": some})
        }

    def is_shared(self, stream: str, key: str, written: Written) -> bool:
        """Whether another incoming record became the same one; one of another origin may be the twin in two ways."""
        self._notes.flush()
        mine = (self._ours["its_source"], stream, key)
        asked = {**self._ours, "its_entity": written.entity, "its_crm_id": written.crm_id}
        rows = (tuple(row) for row in self._database.read(self._does.became, asked))
        return any(each != mine and (self.twins is None or each[0] == mine[0]) for each in rows)

    def _named(self, stream: str, key: str) -> tuple[dict[str, str], dict[str, Any]]:
        """What finds the row of an incoming record, and what a new one of it holds."""
        its = {**self._ours, "its_stream": stream, "its_key": key}
        return its, {name: its[f"its_{name}"] for name in RECORD}
