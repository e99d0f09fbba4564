"""Finds what creates made whose answers are lost: by one list of what is new in the CRM, for all of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from crm_systems.errors import OF_ONE_RECORD
from crm_systems.model import BEYOND
from crm_systems.wire import is_empty, matches
from target_crm.ledger import Snapshot
from target_crm.outcome import Reject
from target_crm.writing.altered import changes_by_the_crm
from target_crm.writing.creation.lock import CreateLock
from target_crm.writing.creation.similarity import differs, equal_fields, may_be, may_be_stored_as, resembles
from target_crm.writing.creation.snapshots import ANY_ZONE, DISORDER, FOLD

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from crm_systems.client import Client
    from crm_systems.model import Entity
    from target_crm.ledger import Intent, Ledger
    from target_crm.mapping import Mapper
    from target_crm.outcome import Change
    from target_crm.writing.finding import Existing, Finder


@dataclass
class Listed:
    """What the CRM has that is new and that some creates may have made."""

    rows: list[Existing] = field(default_factory=list)
    """Nothing else is kept, for a CRM may have become much fuller since."""
    untold: list[str] = field(default_factory=list)
    """The ids of what it does not hand out."""


@dataclass
class Look:
    """One look for what several creates made; the CRM is asked when that is first needed."""

    intents: Sequence[Intent]
    lists: dict[int, Listed] = field(default_factory=dict)
    """By the place of a snapshot among those of its intent."""
    fault: Reject | None = None
    """Why nothing more is to be learnt by it."""


class Search:
    """Searches the records of one stream; any number of threads may ask. ``unsent``: keys of creates not yet sent."""

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper, finder: Finder, unsent: Container[str]) -> None:
        self._client = client
        self._ledger = ledger
        self._mapper = mapper
        self._options = mapper.options
        self._finder = finder
        self._unsent = unsent
        self._entity = mapper.entity
        self.lock = CreateLock()
        self.ours: set[str] = set()
        """Ids of the records that this run created, or found."""

    def made_by(self, intent: Intent, look: Look) -> Existing | None:
        """The record that a create with a lost answer made, None if it made none.

        Raises:
            Reject: that cannot be told.
        """
        with self.lock.looking():
            if look.fault:
                raise look.fault
            try:
                found = self._found(intent, look)
            except OF_ONE_RECORD as error:
                look.fault = Reject(f"the answer to its create was lost, and looking for it fails: {error}")
                raise look.fault from error
            if found:
                self.ours.add(found.crm_id)
                self._client.system.remember(self._entity, found.row)
            return found

    def _found(self, intent: Intent, look: Look) -> Existing | None:
        sent = self._sent(intent)
        # What several made one list tells; what it does not is found by these when its record comes again.
        if self._options.match_fields and len(look.intents) == 1:
            with suppress(Reject):
                match = {name: sent.get(name) for name in self._options.match_fields}
                if found := self._finder.match(match):
                    return found
        return self._among_new_ones(intent, sent, look)

    def altered(self, intent: Intent, made: Existing) -> list[Change]:
        """What the CRM made of what was sent; nothing where somebody may have changed the record since it was made."""
        if not all(self._times(made)) or self._is_changed(made):
            return []
        empty = {each.name: None for each in self._entity.fields if each.writable}
        return changes_by_the_crm(self._mapper, {**empty, **self._sent(intent)}, made.record)

    def _sent(self, intent: Intent) -> dict[str, Any]:
        return {
            name: self._mapper.typed(name, value) for name, value in intent.sent.items() if self._entity.field(name)
        }

    def _among_new_ones(self, intent: Intent, sent: Mapping[str, Any], look: Look) -> Existing | None:
        """The record that came after the intent, is most like what was sent, and nobody else's."""
        for place, before in enumerate(_moments(intent)):
            if place not in look.lists:
                look.lists[place] = self._listed(look.intents, place)
            if found := self._made_after(before, intent.key, sent, look.lists[place]):
                return found
        return None

    def _listed(self, intents: Iterable[Intent], place: int) -> Listed:
        """What is new since the first of some creates."""
        wanted = [(before, self._sent(each)) for each in intents for before in _moments(each)[place : place + 1]]
        befores = {before for before, _sent in wanted}
        since, listed = min(before.since for before in befores), Listed()
        for walk in self._client.system.walks(self._client.call, self._newer(befores), since):
            for page in walk(self._client.call):
                # Most of what is new is what this very pipeline made and noted.
                free = self._free([self._finder.existing(row) for row in page.rows])
                listed.rows += [row for row in free if any(self._is_like(row, *each) for each in wanted)]
                listed.untold += page.unreadable
        return listed

    def _newer(self, befores: Iterable[Snapshot]) -> Entity:
        """The entity, without the ids that all of these show to be older, where that spares reading these."""
        highest = [before.highest if before.lasts else None for before in befores]
        known = [each for each in highest if each is not None]
        if len(known) < len(highest) or not self._client.system.reads_by_id or self._entity.key != ("id",):
            return self._entity
        return replace(self._entity, left=((max(min(known), 0), BEYOND),))

    def _is_like(self, row: Existing, before: Snapshot, sent: Mapping[str, Any]) -> bool:
        is_ours = self._may_be_made_after(before, row) and not self._is_another(sent, row)
        return is_ours and (self._resembles(sent, row) or self._may_be(sent, row))

    def _is_another(self, sent: Mapping[str, Any], row: Existing) -> bool:
        """Whether it is recognised by other values than a server may have made of what was sent."""
        return not self._is_changed(row) and any(
            not (matches(self._entity, {name: sent[name]}, row.record) or self._may_be_stored(name, sent, row))
            for name in self._options.match_fields
            if not (is_empty(sent.get(name)) or is_empty(row.record.get(name)))
        )

    def _may_be_stored(self, name: str, sent: Mapping[str, Any], row: Existing) -> bool:
        return may_be_stored_as(self._entity.by_name[name].kind, sent[name], row.record[name])

    def _made_after(self, before: Snapshot, key: str, sent: Mapping[str, Any], listed: Listed) -> Existing | None:
        made = [row for row in listed.rows if self._is_like(row, before, sent)]
        untold = [crm_id for crm_id in listed.untold if self._may_be_new(before, crm_id)]
        if not made and not untold:
            return None
        # They come first: what one of them made and is noted only now is known below.
        others = self._ledger.intents.of(self._options.stream)
        free = self._free(made)
        likely = [row for row in free if self._resembles(sent, row)] or free
        surely = [row for row in likely if before.tells_new(row.crm_id) and not self._differs(sent, row)]
        found = self._fittest(sent, surely, [each for each in others if each.key != key])
        taken = self._ledger.keys_of(self._entity.name, untold)
        doubtful = [*(row.crm_id for row in likely if not surely), *(each for each in untold if each not in taken)]
        if doubtful and not found:
            raise Reject(
                f"the answer to its create was lost, and whether it made {', '.join(doubtful)} "
                "cannot be told; delete that in the CRM if it is the same record, else the row of this key in the "
                "ledger's table `intents`, and run again"
            )
        return found

    def _free(self, rows: Sequence[Existing]) -> list[Existing]:
        """Those that are not known as what other incoming records became."""
        taken = self._ledger.keys_of(self._entity.name, [row.crm_id for row in rows])
        return [row for row in rows if row.crm_id not in taken]

    def _fittest(self, sent: Mapping[str, Any], made: list[Existing], others: Iterable[Intent]) -> Existing | None:
        """The record that fits what was sent best, when other creates have taken those that fit them better.

        These are creates whose answers are lost as well; each made one record at the most.
        """
        for each in others:
            before = each.before
            if not made or each.key in self._unsent or each.entity != self._entity.name or before is None:
                continue
            theirs = self._sent(each)
            later = [row for row in made if self._may_be_made_after(before, row)]
            alike = [row for row in later if self._resembles(theirs, row)]
            best = max(alike, key=partial(self._fits, theirs), default=None)
            if best and self._fits(theirs, best) > self._fits(sent, best):
                made = [row for row in made if row is not best]
        return max(made, key=partial(self._fits, sent), default=None)

    def _fits(self, sent: Mapping[str, Any], row: Existing) -> tuple[bool, int]:
        """Whether all is exactly as sent, and how much is."""
        equal = equal_fields(self._entity, sent, row.record)
        return equal == len(sent), equal

    def _resembles(self, sent: Mapping[str, Any], row: Existing) -> bool:
        return resembles(self._entity, sent, row.record)

    def _may_be(self, sent: Mapping[str, Any], row: Existing) -> bool:
        return may_be(self._entity, sent, row.record, changed=self._is_changed(row))

    def _differs(self, sent: Mapping[str, Any], row: Existing) -> bool:
        return not self._is_changed(row) and differs(self._entity, sent, row.record)

    def _may_be_new(self, before: Snapshot, crm_id: str) -> bool:
        return crm_id not in self.ours and before.tells_new(crm_id) is not False

    def _may_be_made_after(self, before: Snapshot, existing: Existing) -> bool:
        if not self._may_be_new(before, existing.crm_id):
            return False
        made = existing.record.get(self._entity.creation_key or "")
        return made is None or datetime.fromisoformat(made) >= before.since - FOLD

    def _is_changed(self, existing: Existing) -> bool:
        """Whether somebody changed a record since it was made; not where the CRM does not tell."""
        made, changed = self._times(existing)
        return bool(made and changed) and made != changed

    def _times(self, existing: Existing) -> tuple[Any, Any]:
        """When a record was made and last changed; None for what the CRM does not tell."""
        entity, row = self._entity, existing.record
        return row.get(entity.creation_key or ""), row.get(entity.replication_key or "")


def _moments(intent: Intent) -> tuple[Snapshot, ...]:
    """What the CRM may have held before a create; the next where nothing is found by one."""
    if intent.before:
        return (intent.before,)
    # Earlier versions noted our clock only. If `timezone` is wrong, what was made since seems to be hours older.
    sure = Snapshot(intent.at - DISORDER, highest=-1)
    return sure, Snapshot(intent.at - ANY_ZONE, highest=None, is_sure=False)
