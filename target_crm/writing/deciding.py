"""Decides what is to be done with a record that came.

A look-up has three answers (none, one, many), and a failed one is never "none".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from target_crm.ledger import fingerprint
from target_crm.mapping import NOTHING, is_gone
from target_crm.outcome import Action, AsksCrm, Outcome, Reject
from target_crm.writing.conversion import CONVERT, Converter
from target_crm.writing.deleting import Deleter
from target_crm.writing.finding import Existing
from target_crm.writing.namesakes import Namesakes
from target_crm.writing.planned import Came, Planned, Update, set_by
from target_crm.writing.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_crm.ledger import Written
    from target_crm.mapping import Mapper
    from target_crm.writing.finding import Ahead
    from target_crm.writing.means import Means


class Decider:
    """Decides about the records of one stream; any number of threads may ask about different ones."""

    def __init__(self, means: Means, maker: Callable[[str], Mapper]) -> None:
        self._means = means
        self._options = means.mapper.options
        self._entity = means.mapper.entity
        self._deleter = Deleter(means)
        self._converter = Converter(means, maker)
        self._rehearsal = Rehearsal(means.mapper)
        self._namesakes = Namesakes(means)

    def __call__(
        self,
        key: str,
        record: Mapping[str, Any],
        ahead: Ahead | None,
        *,
        last_chance: bool = False,
        at_hand: bool = False,
    ) -> Outcome | Planned | Update:
        """What is to be done with a record; deletes and converts at once. ``at_hand``: by what was looked up ``ahead``.

        Raises:
            AsksCrm: what is at hand does not tell.
        """
        if not key:
            raise Reject("its key is empty")
        gone = is_gone(record)
        if at_hand and gone:
            raise AsksCrm
        if gone and self._options.deletes == "apply" and not self._options.dry_run:
            # What is just being created cannot be found yet.
            self._means.creator.await_turn(key)
            ahead = None
        known = self._known(key, record, ahead)
        if gone:
            return self._deleter.delete(key, known)
        if self._options.write_mode == CONVERT:
            if at_hand:
                raise AsksCrm
            return self._converter.convert(key, record, known, last_chance=last_chance)
        return self._upsert(key, record, known, ahead, last_chance=last_chance, at_hand=at_hand)

    def _known(self, key: str, record: Mapping[str, Any], ahead: Ahead | None) -> Written | None:
        """What the ledger knows of a record; one that it knows by an older spelling of the key is respelled."""
        stream = self._options.stream
        if ahead and (key in ahead.known or not ahead.known):
            return ahead.known.get(key)
        older_keys = self._means.identity.older_keys_of(record, key)
        there = ahead.known if ahead else self._means.two_ways.written_of([key, *older_keys])
        known = there.get(key)
        for older in () if known else older_keys:
            if known := there.get(older):
                if not self._options.dry_run:
                    self._means.ledger.rename(stream, older, key)
                break
        return known

    def _upsert(
        self,
        key: str,
        record: Mapping[str, Any],
        known: Written | None,
        ahead: Ahead | None,
        *,
        last_chance: bool,
        at_hand: bool,
    ) -> Outcome | Planned | Update:
        by_id, by_ledger = self._options.identify_by == "id", self._options.identify_by == "ledger"
        existing = self._means.finder.find(key, {}, known, ahead, at_hand=at_hand) if by_id else None
        now = existing.record if existing else NOTHING
        is_new = by_ledger and known is None
        mapped = self._means.mapper(record, last_chance=last_chance, now=now, is_new=is_new, at_hand=at_hand)
        its_print = fingerprint(self._entity.name, mapped.as_given, like=known.digest if known else "")
        came = Came(key, record, mapped, its_print, known)
        if settled := self._settled(came):
            return settled
        if at_hand and by_ledger and known:
            raise AsksCrm
        if by_ledger and known and known.digest == its_print:
            # Looked at once, since an earlier version did not note what the CRM held.
            existing = self._means.finder.get(known.crm_id) or Existing(known.crm_id, {})
        elif known and self._means.three_ways.is_echo(came, known):
            return self._echo(came, known)
        elif not by_id:
            existing = self._means.finder.find(key, mapped.values, known, ahead, at_hand=at_hand)
        if by_ledger and known is None:
            self._means.two_ways.check(key, existing)
        if self._options.dry_run and not (by_ledger and known):
            existing = self._rehearsal.found(came, existing)
        if existing is None:
            return self._create(came, at_hand=at_hand)
        return self._update(came, existing, at_hand=at_hand)

    def _settled(self, came: Came) -> Outcome | None:
        """What is known of a record whatever the CRM holds; None where it has to be looked at."""
        key, known = came.key, came.known
        if self._options.dry_run and (again := self._rehearsal.again(came)):
            return again
        if known and known.is_still_shown:
            return self._archived(came, known)
        by_ledger = self._options.identify_by == "ledger"
        if by_ledger and known and self._means.three_ways.is_settled(known, came.fingerprint):
            left_open = self._means.links.left_open(key, came.mapped)
            return Outcome(Action.UNCHANGED, key, known.crm_id, left_open=left_open)
        return None

    def _archived(self, came: Came, known: Written) -> Outcome:
        """What was deleted on both sides, where the source archived it and still shows it.

        Raises:
            Reject: it was changed since.
        """
        if not known.may_be_still(came.fingerprint):
            raise Reject(f"it was deleted, as {known.crm_id} was here, and changed since; nothing is made again")
        self._means.mapper.note("what was deleted on both sides and the source still shows is not made again")
        if not self._options.dry_run:
            self._means.noting.still_shown(came, known)
        return Outcome(Action.UNCHANGED, came.key, known.crm_id)

    def _echo(self, came: Came, known: Written) -> Outcome:
        """Nothing is to be written, wherever the record is now."""
        if not self._options.dry_run:
            self._means.noting.echo(came, known)
        return Outcome(Action.UNCHANGED, came.key, known.crm_id)

    def _create(self, came: Came, *, at_hand: bool) -> Outcome | Planned:
        key, mapped = came.key, came.mapped
        if self._options.write_mode == "update_only":
            return Outcome(Action.SKIP, key)
        self._namesakes.check(came)
        values = self._means.mapper.mandatory.complete(mapped.values)
        for remark in self._means.client.system.remarks(self._entity, values):
            self._means.mapper.note(remark)
        left_open = self._means.links.left_open(key, mapped)
        if self._options.dry_run:
            self._means.mapper.references.planned.setdefault(key, set()).add(self._entity.name)
            self._rehearsal.note(came, Existing("", {}))
            return Outcome(
                Action.CREATE, key, name=self._means.finder.name_in(values), changes=set_by(values), left_open=left_open
            )
        if at_hand and self._means.two_ways.is_paired:
            raise AsksCrm
        self._means.two_ways.await_turn(key)
        intent = self._means.creator.intent(key, values)
        if at_hand and not (intent.before and intent.before.lasts):
            raise AsksCrm
        return Planned(came, intent, left_open)

    def _update(self, came: Came, existing: Existing, *, at_hand: bool) -> Outcome | Update:
        key, mapped = came.key, came.mapped
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        left_open = self._means.links.left_open(key, mapped)
        if self._means.three_ways.is_still_so(came, existing):
            return Outcome(Action.UNCHANGED, key, existing.crm_id, left_open=left_open)
        decision = self._means.three_ways.compare(came, existing)
        changes, conflicts = tuple(decision.changes), tuple(decision.conflicts)
        outcome = Outcome(Action.UNCHANGED, key, existing.crm_id, changes, left_open=left_open, conflicts=conflicts)
        if changes or conflicts:
            action = Action.UPDATE if changes else Action.UNCHANGED
            outcome = replace(outcome, action=action, name=self._means.finder.name_in(existing.record))
        if self._options.dry_run:
            if changes:
                self._rehearsal.note(came, existing)
            return outcome
        if changes and at_hand:
            raise AsksCrm
        return Update(came, existing, decision, outcome)
