"""Creates a record exactly once, whatever happens to the answer and whoever else writes with the same ledger."""

from __future__ import annotations

import logging
import threading
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
from target_crm.ledger import Intent, TakenMeanwhile, Written
from target_crm.outcome import Reject
from target_crm.writing.altered import digests
from target_crm.writing.creation.search import Look, Search
from target_crm.writing.creation.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crm_systems.client import Client
    from crm_systems.model import Call, Request
    from target_crm.ledger import Create, Ledger
    from target_crm.mapping import Mapper
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


def pauses_between_looks(lease_seconds: float) -> Iterator[float]:
    """Seconds to wait after each look whether another run has done with a record, as long as that is worth while."""
    for look in range(int(LEASES * lease_seconds / LOOK_SECONDS)):
        yield min(LOOK_SECONDS, SHORTEST_LOOK * 2.0 ** min(look, 10))


def without_answer(what: str, lost: CrmError) -> Unavailable:
    """What is wrong when no attempt at a write had an answer or an effect.

    What was looked up in between was answered, so a connection that breaks, but not one that is slow, is this write's.
    """
    cause = lost.__cause__
    if isinstance(cause, Unavailable) and cause.meets_all:
        return cause
    is_alone = isinstance(cause, Unavailable) and lost.code not in AT_WORK
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
        self._snapshots = Snapshots(client, mapper.entity)
        self._noted: dict[str, object] = {}
        """By key, the last pause before a create was noted that has not been sent yet."""
        self._search = Search(client, ledger, mapper, finder, self._noted)
        self._settling = threading.Lock()

    def settle_open_intents(self) -> None:
        """Finds out what became of creates that an earlier run was cut off in."""
        if not self._options.dry_run:
            # What cannot be told is said when the record comes again.
            self._settle([each for each in self._ledger.intents.of(self._options.stream) if each.is_free])

    def await_turn(self, key: str) -> None:
        """Waits until no other run is about to create a record, and settles what a run that ended has left open.

        Raises:
            Reject: another run does not get done with it, or what became of it cannot be told.
        """
        intent: Intent | None = None
        for look, seconds in enumerate(pauses_between_looks(self._ledger.lease.seconds)):
            intent = next(iter(self._ledger.intents.of(self._options.stream, key)), None)
            if intent is None:
                return
            if intent.is_free:
                self._settle_along_with(key)
                continue
            if not look:
                logger.info("%s: waiting for %s, which creates %s", self._options.stream, intent.holder, key)
            self._ledger.intents.step_aside()
            self._client.sleep(seconds)
        raise Reject(f"another run is about to create it, {intent and intent.holder}; run again when that has ended")

    def _settle_along_with(self, key: str) -> None:
        """Settles a create, and by the same look all that runs have left whose leases have ended since."""
        with self._settling:
            there = self._ledger.intents.of(self._options.stream)
            doubtful = self._settle([each for each in there if each.is_free and (each.key == key or not each.is_ours)])
        if key in doubtful:
            raise doubtful[key]

    def _settle(self, intents: Iterable[Intent]) -> dict[str, Reject]:
        """Notes what became of creates; by key, why that cannot be told."""
        taken = [each for each in intents if self._ledger.intents.take(each)]
        if taken:
            self._client.sleep(self._options.settle_seconds)
        look, doubtful = Look([each for each in taken if each.entity == self.entity.name]), dict[str, Reject]()
        for intent in taken:
            try:
                found = self._search.made_by(intent, look) if intent.entity == self.entity.name else None
                # What another run has taken meanwhile is that run's to settle.
                self._ledger.intents.hold(intent.stream, intent.key)
            except TakenMeanwhile:
                continue
            except Reject as error:
                doubtful[intent.key] = error
            else:
                if found is None:
                    self._ledger.intents.drop(intent.stream, intent.key)
                else:
                    altered = digests(self._search.altered(intent, found))
                    self._ledger.note(intent.stream, intent.key, Written(self.entity.name, found.crm_id, "", altered))
        return doubtful

    def intent(self, key: str, values: dict[str, Any]) -> Intent:
        """What is to be noted before a record is created."""
        before = self._snapshots.before()
        return Intent(self._options.stream, key, self.entity.name, self._client.server_time(), values, before)

    def note(self, creates: Sequence[Create]) -> None:
        """Notes creates in the ledger, so that they may be sent; raises as :meth:`Intents.note`."""
        pause = self._client.last_pause
        self._ledger.intents.note(creates)
        self._noted.update(dict.fromkeys((each.intent.key for each in creates), pause))

    def create(self, intent: Intent) -> Existing:
        """Creates a record, whose intent is noted, exactly once.

        Raises:
            TakenMeanwhile: another run is about to do so, or has done it.
            Reject: whether it was created cannot be told.
        """
        for _attempt in range(ATTEMPTS):
            lost: list[CrmError] = []
            try:
                with self._search.lock:
                    row = self._system.create(self._held(intent, lost), self.entity, intent.sent)
                    created = self._finder.existing(row)
                    self._search.ours.add(created.crm_id)
                    self._snapshots.note(created, intent.before)
                    return created
            except (OutcomeUnknown, ProtocolError) as error:
                unknown = error
            except CrmError as error:
                if not lost:
                    self._ledger.intents.drop(intent.stream, intent.key)
                    raise
                unknown = OutcomeUnknown(error.what, code=error.code, refusal=error)
            found = self._settled(intent, unknown)
            if found is not None:
                return msgspec.structs.replace(found, may_be_half_made=True)
            if isinstance(unknown, OutcomeUnknown) and unknown.refusal:
                break
        reason = self._given_up(unknown)
        if not isinstance(reason, (Unavailable, ConfigError)):
            self._ledger.intents.drop(intent.stream, intent.key)
        # What had no answer is looked for once more: by the next run, or when the record comes again.
        raise reason

    def _settled(self, intent: Intent, unknown: CrmError) -> Existing | None:
        """What a create made whose answer was lost; a server that let us wait in vain may still be at work on it."""
        pauses = [self._options.settle_seconds]
        if unknown.code in AT_WORK:
            pauses += [self._client.timeout] * PATIENT_LOOKS
        for seconds in pauses:
            self._client.sleep(seconds)
            self._ledger.intents.hold(intent.stream, intent.key)
            found = self._search.made_by(intent, Look([intent]))
            if found is not None:
                return found
        return None

    def _held(self, intent: Intent, lost: list[CrmError]) -> Call:
        """Sends requests; what creates only while the intent is still ours, whatever the client waits for.

        ``lost`` takes what fails when one of these was carried out: it says nothing of what that made.
        """
        is_made = False

        def hold() -> None:
            # A second try has waited for what came of the first.
            has_waited = self._noted.pop(intent.key, self) is not self._client.last_pause
            self._ledger.intents.hold(intent.stream, intent.key, has_waited=has_waited)

        def call(request: Request) -> Any:
            nonlocal is_made
            try:
                told = self._client.call(request if request.repeatable else request.replace(before_send=hold))
            except CrmError as error:
                if is_made:
                    lost.append(error)
                raise
            is_made = is_made or not request.repeatable
            return told

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
