"""What earlier runs wrote, and what they were about to write when they were cut off.

Kept in a database of the user's choice; never in Singer STATE.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from crm_singer.databases import portions
from target_crm.ledger.database import Database
from target_crm.ledger.entries import Written
from target_crm.ledger.flows import Flow
from target_crm.ledger.intents import Intents
from target_crm.ledger.lease import Lease
from target_crm.ledger.notes import Notes
from target_crm.ledger.open_links import OpenLinks
from target_crm.ledger.pointed_to import PointedTo
from target_crm.ledger.rows import altered_in, bound, columns_of
from target_crm.ledger.statements import statements
from target_crm.ledger.stream_keys import StreamKeys
from target_crm.ledger.twins import Twins
from target_crm.ledger.unreported import Unreported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_crm.ledger.twins import Other

LEASE_SECONDS = 160.0


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
        self.lease = Lease(lease_seconds, clock)
        self._database = Database(url, warn)
        self._does = statements(self._database.driver)
        self._notes = Notes(self._database, self._does)
        self.pointed_to = PointedTo(self._database, self._does, self._notes, self._ours)
        self.links = OpenLinks(self._database, self._does, self._ours)
        """References that are to be set later."""
        self.intents = Intents(self._database, self._does, self._notes, self.links, self._ours, self.lease)
        """Creates whose outcome is not known."""
        self.stream_keys = StreamKeys(self._database, self._ours)
        self.unreported = Unreported(self._database, self._ours, self.lease.holder.run)
        self.twins: Twins | None = None
        """What is known of the pipeline that goes the other way, where there may be one."""

    def close(self) -> None:
        """Leaves what is still open to the next run, and gives the database back."""
        self.intents.close()
        self._database.close()

    def respell(self, spelling: Callable[[str], str]) -> None:
        """Gives each CRM the one spelling of its name, by which earlier versions knew it in several."""
        self._database.respell(spelling)

    def pair_with(self, other: Other) -> None:
        """Heeds the pipeline that goes the other way."""
        self.twins = Twins(self._database, other, self.intents.there)

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
        self._notes.add({**columns_of(bound(self._ours, stream, key)), **values, "altered": altered}, later=later)
        self.intents.forget(stream, key)
        self.pointed_to.forget(key)

    def flush(self) -> None:
        """Makes durable what was to be noted later."""
        self._notes.flush()

    def rename(self, stream: str, key: str, new: str) -> None:
        """Notes that what is known of an incoming record is known by another spelling of its key from now on."""
        self._notes.flush()
        asked = {**bound(self._ours, stream, key), "new_key": new}
        self._database.write(lambda db: [db.execute(each, asked) for each in self._does.rename.values()])
        self.pointed_to.forget_all()

    def forget(self, stream: str, key: str) -> None:
        """Forgets a record that was deleted."""
        self._notes.flush()
        its = bound(self._ours, stream, key)
        self._database.write(lambda db: [each(db, [its]) for each in self._does.forget.values()])
        self.pointed_to.forget(key)

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
