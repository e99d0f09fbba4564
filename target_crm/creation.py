"""Creates a record exactly once, whatever happens to the answer."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ConfigError, CrmError, NoData, OutcomeUnknown, ProtocolError, Unavailable
from target_crm.gate import Gate
from target_crm.ledger import Intent, Written
from target_crm.mapping import Reject
from target_crm.resemblance import likeness, may_be, resembles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.client import Client
    from target_crm.finding import Existing, Finder
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapper

CLOCK_MARGIN = timedelta(seconds=5)
"""How far the server's clock may be off from what was heard of it."""
ATTEMPTS = 3
"""How often a write is sent whose answers are lost and which turns out not to have been carried out."""


class Creator:
    """Creates the records of one stream."""

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper, finder: Finder) -> None:
        self._client = client
        self._system = client.system
        self._ledger = ledger
        self._mapper = mapper
        self._options = mapper.options
        self._finder = finder
        self.entity = mapper.entity
        self._gate = Gate()
        self._ours: set[str] = set()
        """Ids of the records that this run created."""

    def settle_open_intents(self) -> None:
        """Finds out what became of creates that an earlier run was cut off in."""
        stream = self._options.stream
        before = self._ledger.intents(stream)
        if not before or self._options.dry_run:
            return
        self._client.sleep(self._options.settle_seconds)
        # What another run that is still alive has settled meanwhile is none of ours.
        for intent in (each for each in self._ledger.intents(stream) if each in before):
            found = self._made_by(intent) if intent.entity == self.entity.name else None
            if found is None:
                self._ledger.drop_intent(intent.stream, intent.key)
            else:
                self._ledger.note(intent.stream, intent.key, Written(self.entity.name, found.crm_id, ""))

    def create(self, key: str, values: dict[str, Any], known: Written | None) -> Existing:
        """Creates a record exactly once, whatever happens to the answer."""
        intent = Intent(self._options.stream, key, self.entity.name, self._client.server_time(), values)
        self._ledger.intend(intent, known)
        unknown: CrmError | None = None
        for _attempt in range(ATTEMPTS):
            try:
                with self._gate.shared():
                    created = self._finder.existing(self._system.create(self._client.call, self.entity, values))
                    self._ours.add(created.crm_id)
                    return created
            except (OutcomeUnknown, ProtocolError) as error:
                unknown = error
            except CrmError:
                self._ledger.drop_intent(intent.stream, intent.key)
                raise
            self._client.sleep(self._options.settle_seconds)
            found = self._made_by(intent)
            if found is not None:
                return found
        self._ledger.drop_intent(intent.stream, intent.key)
        raise self._given_up(unknown)

    def _given_up(self, unknown: CrmError | None) -> Exception:
        """What is wrong when no attempt at a create had an answer or an effect."""
        code, cause = (unknown.code, unknown.__cause__) if unknown else ("", None)
        if isinstance(unknown, ProtocolError):
            return unknown
        if isinstance(cause, ConfigError):
            return cause
        if code in self._system.internal_errors or isinstance(cause, NoData):
            return Reject(f"the server fails on it ({code}) and stores nothing")
        return Unavailable(f"{self.entity.name}: create: the connection breaks again and again", code=code)

    def _made_by(self, intent: Intent) -> Existing | None:
        """The record that a create with a lost answer made, None if it made none."""
        sent = {name: self._mapper.typed(name, value) for name, value in intent.sent.items() if self.entity.field(name)}
        with self._gate.alone():
            found: Existing | None = None
            if self._options.match_fields:
                with suppress(Reject):
                    found = self._finder.match({name: sent.get(name) for name in self._options.match_fields})
            found = found or self._look_for(intent, sent)
            if found:
                self._ours.add(found.crm_id)
            return found

    def _look_for(self, intent: Intent, sent: Mapping[str, Any]) -> Existing | None:
        """The record among those made since the intent that is most like what was sent, and nobody else's."""
        since = intent.at - CLOCK_MARGIN
        walks = self._system.walks(self._client.call, self.entity, since, parallel=1)
        rows = [self._finder.existing(row) for walk in walks for page in walk(self._client.call) for row in page.rows]
        made = [row for row in rows if self._is_made_since(row, since) and row.crm_id not in self._ours]
        taken = self._ledger.keys_of(self.entity.name, [row.crm_id for row in made])
        free = [row for row in made if row.crm_id not in taken]
        likely = [row for row in free if resembles(self.entity, sent, row.record)]
        likely = likely or [row for row in free if may_be(self.entity, sent, row.record, changed=self._is_changed(row))]
        return max(likely, key=lambda row: likeness(self.entity, sent, row.record), default=None)

    def _is_made_since(self, existing: Existing, since: datetime) -> bool:
        made = existing.record.get(self.entity.creation_key or "")
        return made is None or datetime.fromisoformat(made) >= since

    def _is_changed(self, existing: Existing) -> bool:
        made, changed = (
            existing.record.get(name or "") for name in (self.entity.creation_key, self.entity.replication_key)
        )
        return bool(made) and made != changed
