"""What the CRM had shown before a create was sent: what the create made can only come after it.

Told by the CRM's own ids and times and never by our clock, since the CRM's may be hours away from the zone that the
settings name.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.errors import Denied, ProtocolError, Rejected

if TYPE_CHECKING:
    from crm_systems.client import Client
    from crm_systems.model import Entity
    from target_crm.finding import Existing

ANY_ZONE = timedelta(hours=27)
"""More than two clocks on walls can be apart: from UTC-12 to UTC+14."""
DISORDER = timedelta(minutes=1)
"""How far the CRM's own times may be out of order."""
FOLD = timedelta(hours=1)
"""How far a clock on the wall goes back when summer ends: what is made after it may be stamped so much earlier."""
FRESH_SECONDS = 10.0
"""How long the highest id that was asked for is taken for the highest."""
IDS_KEPT = 1000
"""How many ids an intent holds at the most."""


@dataclass(frozen=True)
class Shown:
    """What was there before a create was sent."""

    since: datetime
    """What is made later is stamped with this time or a later one, read as all times of this CRM are read."""
    highest: int | None
    """The number of the highest id; None where nothing could be looked at."""
    ids: frozenset[str] | None = None
    """All ids of that time; None where ids surely grow, or where there were too many to keep."""
    is_sure: bool = True
    """Whether nothing else can have been added before the create was sent."""

    def tells_new(self, crm_id: str) -> bool | None:
        """Whether a record with this id came later; None where that cannot be known."""
        if self.ids is not None and crm_id in self.ids:
            return False
        number = number_of(crm_id)
        if number is not None and self.highest is not None and number > self.highest:
            return True
        return self.ids is not None if self.is_sure else None

    def written(self) -> str:
        """As JSON."""
        told: dict[str, Any] = {"since": self.since.isoformat(), "highest": self.highest, "is_sure": self.is_sure}
        if self.ids is not None and len(self.ids) > IDS_KEPT:
            return json.dumps({**told, "ids": None, "is_sure": False})
        return json.dumps({**told, "ids": None if self.ids is None else sorted(self.ids)})

    @classmethod
    def read(cls, written: str) -> Shown:
        """From JSON.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        told = json.loads(written)
        ids = None if told["ids"] is None else frozenset(map(str, told["ids"]))
        highest = None if told["highest"] is None else int(told["highest"])
        return cls(datetime.fromisoformat(told["since"]), highest, ids, bool(told["is_sure"]))


class Sightings:
    """What the CRM has shown of one entity; any number of threads may ask."""

    def __init__(self, client: Client, entity: Entity) -> None:
        self._client = client
        self._entity = entity
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._seen_at = 0.0
        self._ids_grow = True
        """As far as is known; where they do not, the CRM is looked at before each create."""

    def before(self) -> Shown:
        """What there is before the next create."""
        with self._lock:
            is_stale = self._client.clock() - self._seen_at > FRESH_SECONDS
            # To ask for the highest id is one request; to list all may be many.
            if self._shown is None or (is_stale and self._shown.is_sure and self._shown.ids is None):
                self._seen_at = self._client.clock()
                self._shown = self._look(self._shown)
            return self._shown

    def note(self, created: Existing, before: Shown) -> None:
        """Learns from a create that was answered: its id and its time are the newest now."""
        number = number_of(created.crm_id)
        if before.highest is None:
            return
        with self._lock:
            if number is None or number <= before.highest:
                self._ids_grow = False
            if not self._ids_grow or number is None or self._shown is None:
                self._shown = None
                return
            self._seen_at = self._client.clock()
            since = self._made_at(created) or self._shown.since
            highest = max(number, self._shown.highest or 0)
            self._shown = Shown(since, highest, self._shown.ids, is_sure=self._shown.ids is None)

    def _look(self, known: Shown | None) -> Shown:
        system, call = self._client.system, self._client.call
        since = known.since if known else self._client.server_time() - ANY_ZONE
        try:
            highest = system.highest(call, self._entity) if self._ids_grow else None
            if highest is not None:
                return Shown(since, highest)
            tells_times = self._entity.creation_key and self._entity.replication_key
            ids = frozenset(system.ids(call, self._entity, since - FOLD if tells_times else None))
        except (Denied, Rejected, ProtocolError):
            # A user who may create and not look is no rarity; then nothing can be told of a create that is lost.
            return Shown(since, highest=None, is_sure=False)
        return Shown(since, max((number_of(each) or 0 for each in ids), default=0), ids)

    def _made_at(self, created: Existing) -> datetime | None:
        """When a record was made, less what the CRM's times may be out of order; None where it does not say."""
        made = created.record.get(self._entity.creation_key or "")
        return datetime.fromisoformat(made) - DISORDER if made and self._entity.replication_key else None


def number_of(crm_id: str) -> int | None:
    """The number that an id is, or ends with as in ``12x345``."""
    found = re.fullmatch(r"(?:\d+x)?(\d+)", crm_id)
    return int(found[1]) if found else None
