"""Creates a record exactly once, whatever happens to the answer and whoever else writes with the same ledger."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from crm_systems.errors import (
    TIMED_OUT,
    ConfigError,
    CrmError,
    NoData,
    OutcomeUnknown,
    ProtocolError,
    ServerFault,
    Unavailable,
)
from target_crm.ledger import Intent, Snapshot, TakenMeanwhile, Written
from target_crm.outcome import Reject
from target_crm.writing.altered import changes_by_the_crm, digests
from target_crm.writing.creation.lock import CreateLock
from target_crm.writing.creation.similarity import equal_fields, may_be, resembles
from target_crm.writing.creation.snapshots import ANY_ZONE, DISORDER, FOLD, Snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crm_systems.client import Client
    from crm_systems.model import Call, Request
    from target_crm.ledger import Create, Ledger
    from target_crm.mapping import Mapper
    from target_crm.outcome import Change
    from target_crm.writing.finding import Existing, Finder

ATTEMPTS = 3
"""How often a write is sent whose answers are lost and which turns out not to have been carried out."""
AT_WORK = frozenset({TIMED_OUT, "HTTP 408", "HTTP 504", "HTTP 524"})
"""Codes of answers that were waited for in vain, by us or by a gateway."""
PATIENT_LOOKS = 3
"""How often it is looked then, each time `timeout_seconds` later, before the create is sent again."""
LOOK_SECONDS = 2.0
"""How often to look whether another run has done with a record, once it has taken long."""
SHORTEST_LOOK = 0.05
"""Seconds after which it is looked first: about as long as a create takes."""
LEASES = 2
"""For how many leases to wait for a run that goes on renewing its own."""

logger = logging.getLogger("crm")


def pause_before(look: int) -> float:
    """Seconds to wait before it is looked for the n-th time whether another run has done with a record."""
    return min(LOOK_SECONDS, SHORTEST_LOOK * 2.0 ** min(look, 10))


def without_answer(what: str, lost: CrmError) -> Unavailable:
    """What is wrong when no attempt at a write had an answer or an effect.

    What was looked up in between was answered, so a connection that breaks, but not one that is slow, is this write's.
    """
    cause = lost.__cause__
    is_alone = isinstance(cause, Unavailable) and not cause.meets_all and lost.code not in AT_WORK
    kind = ServerFault if is_alone else Unavailable
    return kind(f"{what}: the connection breaks again and again", code=lost.code)


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
        self._lock = CreateLock()
        self._snapshots = Snapshots(client, mapper.entity)
        self._ours: set[str] = set()
        """Ids of the records that this run created."""
        self._noted: dict[str, object] = {}
        """By key, the last pause before a create was noted that has not been sent yet."""

    def settle_open_intents(self) -> None:
        """Finds out what became of creates that an earlier run was cut off in."""
        free = [each for each in self._ledger.intents(self._options.stream) if each.is_free]
        if free and not self._options.dry_run:
            # What cannot be told is said when the record comes again.
            with suppress(Reject):
                self._settle(free)

    def await_turn(self, key: str) -> None:
        """Waits until no other run is about to create a record, and settles what a run that ended has left open.

        Raises:
            Reject: another run does not get done with it, or what became of it cannot be told.
        """
        intent: Intent | None = None
        for look in range(int(LEASES * self._ledger.lease_seconds / LOOK_SECONDS)):
            intent = next(iter(self._ledger.intents(self._options.stream, key)), None)
            if intent is None:
                return
            if intent.is_free:
                self._settle([intent])
                continue
            if not look:
                logger.info("%s: waiting for %s, which creates %s", self._options.stream, intent.holder, key)
            self._ledger.step_aside()
            self._client.sleep(pause_before(look))
        raise Reject(f"another run is about to create it, {intent and intent.holder}; run again when that has ended")

    def _settle(self, intents: Iterable[Intent]) -> None:
        taken = [each for each in intents if self._ledger.take(each)]
        if taken:
            self._client.sleep(self._options.settle_seconds)
        doubtful: Reject | None = None
        for intent in taken:
            try:
                found = self._made_by(intent) if intent.entity == self.entity.name else None
                # What another run has taken meanwhile is that run's to settle.
                self._ledger.hold(intent.stream, intent.key)
            except TakenMeanwhile:
                continue
            except Reject as error:
                doubtful = error
            else:
                if found is None:
                    self._ledger.drop_intent(intent.stream, intent.key)
                else:
                    altered = digests(self._altered(intent, found))
                    self._ledger.note(intent.stream, intent.key, Written(self.entity.name, found.crm_id, "", altered))
        if doubtful:
            raise doubtful

    def intent(self, key: str, values: dict[str, Any]) -> Intent:
        """What is to be noted before a record is created."""
        before = self._snapshots.before()
        return Intent(self._options.stream, key, self.entity.name, self._client.server_time(), values, before)

    def note(self, creates: Sequence[Create]) -> None:
        """Notes creates in the ledger, so that they may be sent; raises as :meth:`Ledger.intend`."""
        pause = self._client.last_pause
        self._ledger.intend(creates)
        self._noted.update(dict.fromkeys((each.intent.key for each in creates), pause))

    def create(self, intent: Intent) -> Existing:
        """Creates a record, whose intent is noted, exactly once.

        Raises:
            TakenMeanwhile: another run is about to do so, or has done it.
            Reject: whether it was created cannot be told.
        """
        for _attempt in range(ATTEMPTS):
            try:
                with self._lock:
                    created = self._finder.existing(self._system.create(self._held(intent), self.entity, intent.sent))
                    self._ours.add(created.crm_id)
                    self._snapshots.note(created, intent.before)
                    return created
            except (OutcomeUnknown, ProtocolError) as error:
                unknown = error
            except CrmError:
                self._ledger.drop_intent(intent.stream, intent.key)
                raise
            found = self._settled(intent, unknown)
            if found is not None:
                return msgspec.structs.replace(found, may_be_half_made=True)
            if isinstance(unknown, OutcomeUnknown) and unknown.refusal:
                break
        reason = self._given_up(unknown)
        if not isinstance(reason, (Unavailable, ConfigError)):
            self._ledger.drop_intent(intent.stream, intent.key)
        # What had no answer is looked for once more: by the next run, or when the record comes again.
        raise reason

    def _settled(self, intent: Intent, unknown: CrmError) -> Existing | None:
        """What a create made whose answer was lost; a server that let us wait in vain may still be at work on it."""
        pauses = [self._options.settle_seconds]
        if unknown.code in AT_WORK:
            pauses += [self._client.timeout] * PATIENT_LOOKS
        for seconds in pauses:
            self._client.sleep(seconds)
            self._ledger.hold(intent.stream, intent.key)
            found = self._made_by(intent)
            if found is not None:
                return found
        return None

    def _held(self, intent: Intent) -> Call:
        """Sends requests; what creates only while the intent is still ours, whatever the client waits for."""

        def hold() -> None:
            # A second try has waited for what came of the first.
            has_waited = self._noted.pop(intent.key, self) is not self._client.last_pause
            self._ledger.hold(intent.stream, intent.key, has_waited=has_waited)

        def call(request: Request) -> Any:
            return self._client.call(request if request.repeatable else request.replace(before_send=hold))

        return call

    def _given_up(self, unknown: CrmError) -> Exception:
        """What is wrong when no attempt at a create had an answer or an effect."""
        if isinstance(unknown, OutcomeUnknown) and unknown.refusal:
            return unknown.refusal
        if isinstance(unknown, ProtocolError):
            return unknown
        cause = unknown.__cause__
        if isinstance(cause, ConfigError):
            return cause
        if unknown.code in self._system.internal_errors or isinstance(cause, NoData):
            return Reject(f"the server fails on it ({unknown.code}) and stores nothing")
        return without_answer(f"{self.entity.name}: create", unknown)

    def _made_by(self, intent: Intent) -> Existing | None:
        """The record that a create with a lost answer made, None if it made none."""
        sent = self._sent(intent)
        with self._lock.looking():
            found: Existing | None = None
            if self._options.match_fields:
                with suppress(Reject):
                    found = self._finder.match({name: sent.get(name) for name in self._options.match_fields})
            found = found or self._look_for(intent, sent)
            if found:
                self._ours.add(found.crm_id)
            return found

    def _altered(self, intent: Intent, made: Existing) -> list[Change]:
        """What the CRM made of what was sent; nothing where somebody may have changed the record since it was made."""
        if not made.record.get(self.entity.creation_key or "") or self._is_changed(made):
            return []
        empty = {field.name: None for field in self.entity.fields if field.writable}
        return changes_by_the_crm(self._mapper, {**empty, **self._sent(intent)}, made.record)

    def _sent(self, intent: Intent) -> dict[str, Any]:
        return {name: self._mapper.typed(name, value) for name, value in intent.sent.items() if self.entity.field(name)}

    def _look_for(self, intent: Intent, sent: Mapping[str, Any]) -> Existing | None:
        """The record that came after the intent, is most like what was sent, and nobody else's."""
        if intent.before:
            return self._look_after(intent.key, intent.before, sent)
        # Earlier versions noted our clock only. If `timezone` is wrong, what was made since seems to be hours older.
        found = self._look_after(intent.key, Snapshot(intent.at - DISORDER, highest=-1), sent)
        return found or self._look_after(intent.key, Snapshot(intent.at - ANY_ZONE, highest=None, is_sure=False), sent)

    def _look_after(self, key: str, before: Snapshot, sent: Mapping[str, Any]) -> Existing | None:
        walks = self._system.walks(self._client.call, self.entity, before.since)
        rows = [self._finder.existing(row) for walk in walks for page in walk(self._client.call) for row in page.rows]
        made = [row for row in rows if self._may_be_made_after(before, row)]
        taken = self._ledger.keys_of(self.entity.name, [row.crm_id for row in made])
        free = [row for row in made if row.crm_id not in taken]
        likely = [row for row in free if resembles(self.entity, sent, row.record)]
        likely = likely or [row for row in free if may_be(self.entity, sent, row.record, changed=self._is_changed(row))]
        surely = [row for row in likely if before.tells_new(row.crm_id)]
        if likely and not surely:
            raise Reject(
                f"the answer to its create was lost, and whether it made {', '.join(row.crm_id for row in likely)} "
                "cannot be told; delete that in the CRM if it is the same record, else the row of this key in the "
                "ledger's table `intents`, and run again"
            )
        return self._fittest(key, sent, surely) if surely else None

    def _fittest(self, key: str, sent: Mapping[str, Any], made: list[Existing]) -> Existing | None:
        """The record that fits what was sent best, when other creates have taken those that fit them better.

        These are creates whose answers are lost as well; each made one record at the most.
        """
        for each in self._ledger.intents(self._options.stream):
            before = each.before
            if each.key == key or each.key in self._noted or each.entity != self.entity.name or before is None:
                continue
            theirs = self._sent(each)
            later = [row for row in made if self._may_be_made_after(before, row)]
            alike = [row for row in later if resembles(self.entity, theirs, row.record)]
            best = max(alike, key=partial(self._fits, theirs), default=None)
            if best and self._fits(theirs, best) > self._fits(sent, best):
                made = [row for row in made if row is not best]
        return max(made, key=partial(self._fits, sent), default=None)

    def _fits(self, sent: Mapping[str, Any], row: Existing) -> tuple[bool, int]:
        """Whether all is exactly as sent, and how much is."""
        equal = equal_fields(self.entity, sent, row.record)
        return equal == len(sent), equal

    def _may_be_made_after(self, before: Snapshot, existing: Existing) -> bool:
        if existing.crm_id in self._ours or before.tells_new(existing.crm_id) is False:
            return False
        made = existing.record.get(self.entity.creation_key or "")
        return made is None or datetime.fromisoformat(made) >= before.since - FOLD

    def _is_changed(self, existing: Existing) -> bool:
        made = existing.record.get(self.entity.creation_key or "")
        return bool(made) and made != existing.record.get(self.entity.replication_key or "")
