"""Deletes a record whose twin in the source is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import Denied, OutcomeUnknown
from target_crm.outcome import Action, Outcome, Reject
from target_crm.writing.creation import ATTEMPTS, without_answer

if TYPE_CHECKING:
    from target_crm.ledger import Written
    from target_crm.writing.finding import Existing
    from target_crm.writing.means import Means


class Deleter:
    """Deletes the records of one stream."""

    def __init__(self, means: Means) -> None:
        self._client = means.client
        self._system = means.client.system
        self._ledger = means.ledger
        self._options = means.mapper.options
        self._finder = means.finder
        self._note = means.mapper.note
        self._three_ways = means.three_ways
        self.entity = means.mapper.entity

    def delete(self, key: str, known: Written | None) -> Outcome:
        """Deletes what was written of a record, and forgets it.

        Raises:
            Reject: the CRM does not let it be deleted, or it was edited there and the settings say so.
            CrmError: the connection is in trouble.
        """
        if self._options.deletes == "ignore":
            return Outcome(Action.SKIP, key)
        existing = self._existing(key, known)
        if existing and not self.entity.deletable:
            raise Reject("the CRM does not let it be deleted")
        conflicts = tuple(self._three_ways.deleted(existing, known)) if existing else ()
        if existing and any(each.done == "left" for each in conflicts):
            return Outcome(Action.SKIP, key, existing.crm_id, conflicts=conflicts)
        if existing and not self._options.dry_run:
            self._three_ways.keep(self._ledger, (key, existing.crm_id), conflicts)
            self._delete_once(existing.crm_id)
        if not self._options.dry_run:
            self._forget(key, known)
        if existing is None:
            return Outcome(Action.SKIP, key)
        name = self._finder.name_in(existing.record)
        return Outcome(Action.DELETE, key, existing.crm_id, conflicts=conflicts, name=name)

    def _existing(self, key: str, known: Written | None) -> Existing | None:
        """What is to be deleted; None where nothing is left of it, or where it is not for this record to end it."""
        if self._options.identify_by == "id":
            return self._finder.get(key)
        if known is None and self._options.match_fields:
            self._note("what is gone in its source stays where the ledger does not know what it became")
        if known is None or known.is_deleted_there:
            return None
        if self._ledger.is_shared(self._options.stream, key, known):
            self._note("what is gone in its source stays where another of its records became the same one")
            return None
        return self._finder.get(known.crm_id)

    def _forget(self, key: str, known: Written | None) -> None:
        if self._ledger.twins and known and known.twin:
            self._ledger.twins.deleted(known.twin, is_shown=self._finder.get(known.crm_id) is not None)
        self._ledger.forget(self._options.stream, key)

    def _delete_once(self, crm_id: str) -> None:
        for _attempt in range(ATTEMPTS):
            try:
                self._system.delete(self._client.call, self.entity, crm_id)
            except OutcomeUnknown as error:
                lost = error
                self._client.sleep(self._options.settle_seconds)
                if self._finder.get(crm_id) is None:
                    return
                if error.refusal:
                    raise error.refusal from None
            except Denied:
                # So is a delete that is repeated because its answer was lost.
                if self._finder.get(crm_id) is None:
                    return
                raise
            else:
                return
        raise without_answer(f"{self.entity.name}: delete", lost)
