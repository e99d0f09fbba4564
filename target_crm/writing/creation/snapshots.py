"""What the CRM holds before a create is sent, as it shows it.

Told by the CRM's own ids and times and never by our clock, since the CRM's may be hours away from the zone that the
settings name.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm_systems.errors import Denied, ProtocolError, Rejected
from target_crm.ledger import Snapshot, number_of

if TYPE_CHECKING:
    from crm_systems.client import Client
    from crm_systems.model import Entity
    from target_crm.writing.finding import Existing

ANY_ZONE = timedelta(hours=27)
"""More than two clocks on walls can be apart: from UTC-12 to UTC+14."""
DISORDER = timedelta(minutes=1)
"""How far the CRM's own times may be out of order."""
FOLD = timedelta(hours=1)
"""How far a wall clock goes back when summer ends: what is made after it may be stamped so much earlier."""
FRESH_SECONDS = 10.0
"""How long the highest id that was asked for is taken for the highest."""


class Snapshots:
    """Takes the snapshots of one entity; any number of threads may ask."""

    def __init__(self, client: Client, entity: Entity) -> None:
        self._client = client
        self._entity = entity
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._seen_at = 0.0
        self._ids_grow = True
        """As far as is known; where they do not, the CRM is looked at before each create."""

    def before(self) -> Snapshot:
        """What there is before the next create."""
        with self._lock:
            is_stale = self._client.clock() - self._seen_at > FRESH_SECONDS
            # To ask for the highest id is one request; to list all may be many.
            if self._latest is None or (is_stale and self._latest.is_sure and self._latest.ids is None):
                self._seen_at = self._client.clock()
                self._latest = self._look(self._latest)
            return self._latest

    def note(self, created: Existing, before: Snapshot | None) -> None:
        """Learns from a create that was answered: its id and its time are the newest now."""
        number = number_of(created.crm_id)
        if before is None or before.highest is None:
            return
        with self._lock:
            if number is None or number <= before.highest:
                self._ids_grow = False
            if not self._ids_grow or number is None or self._latest is None:
                self._latest = None
                return
            self._seen_at = self._client.clock()
            since = self._made_at(created) or self._latest.since
            highest = max(number, self._latest.highest or 0)
            self._latest = Snapshot(since, highest, self._latest.ids, is_sure=self._latest.ids is None)

    def _look(self, known: Snapshot | None) -> Snapshot:
        system, call = self._client.system, self._client.call
        since = known.since if known else self._client.server_time() - ANY_ZONE
        try:
            highest = system.highest(call, self._entity) if self._ids_grow else None
            if highest is not None:
                return Snapshot(since, highest)
            tells_times = self._entity.creation_key and self._entity.replication_key
            ids = frozenset(system.ids(call, self._entity, since - FOLD if tells_times else None))
        except (Denied, Rejected, ProtocolError):
            # A user who may create and not look is no rarity; then nothing can be told of a create that is lost.
            return Snapshot(since, highest=None, is_sure=False)
        return Snapshot(since, max((number_of(each) or 0 for each in ids), default=0), ids)

    def _made_at(self, created: Existing) -> datetime | None:
        """When a record was made, less what the CRM's times may be out of order; None where it does not say."""
        made = created.record.get(self._entity.creation_key or "")
        return datetime.fromisoformat(made) - DISORDER if made and self._entity.replication_key else None
