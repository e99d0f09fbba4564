"""Carries out what was decided about a record.

A write has three outcomes (done, rejected, unknown), and an unknown one is settled by looking, never by sending again
blindly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from crm_systems.beside import CONTENT
from crm_systems.errors import OF_ONE_RECORD, Denied, Rejected
from crm_systems.model import File
from crm_systems.wire import is_empty
from target_crm.ledger import Create
from target_crm.mapping import Mapped
from target_crm.outcome import Action, NotYet, Outcome, Reject
from target_crm.writing.altered import changes_by_the_crm
from target_crm.writing.planned import Came, set_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_crm.ledger import Link, Written
    from target_crm.writing.finding import Existing
    from target_crm.writing.means import Means
    from target_crm.writing.planned import Decision, Planned, Update


class Carrier:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def intend(self, plans: Sequence[Planned]) -> None:
        """Notes creates, all at once, so that they may be sent.

        Raises:
            TakenMeanwhile: another run was faster with one of them; none is noted then.
        """
        creates = []
        for each in plans:
            known = each.came.known.crm_id if each.came.known else None
            creates.append(Create(each.intent, known, self._means.links.named_in(each.came.mapped), each.left_open))
        self._means.creator.note(creates)
        for each in plans:
            each.is_noted = True

    def create(self, plan: Planned) -> Outcome:
        """Creates a record, and notes what the CRM made of it.

        Raises:
            TakenMeanwhile: another run was faster.
            Reject: it cannot be created, or nobody can tell whether it was.
        """
        if not plan.is_noted:
            self.intend([plan])
        came, values = plan.came, plan.intent.sent
        try:
            created = self._means.creator.create(plan.intent)
        except Rejected as error:
            if plan.left_open:
                # The CRM may well want the reference that cannot be set yet.
                raise NotYet(str(error)) from None
            raise
        sent = {**came.mapped.values, **values}
        lacks = self._lacks(created, sent)
        base = None if lacks else self._means.three_ways.created(came, sent, created.record)
        # If this note is lost, its intent is there and tells what to look for, as surely as the CRM was looked at.
        later = plan.intent.before is not None and plan.intent.before.is_sure and not self._means.two_ways.is_paired
        came = replace(came, fingerprint="") if lacks else came
        silent = self._means.noting.stored(came, sent, created, base, later=later)
        if lacks:
            raise Reject(f"it was created as {created.crm_id}, but {lacks}")
        name = self._means.finder.name_in(values)
        return Outcome(Action.CREATE, came.key, created.crm_id, set_by(values), silent, plan.left_open, name=name)

    def _lacks(self, created: Existing, sent: Mapping[str, Any]) -> str:
        """Why a new record is not whole; empty: it is. What no row shows, as lines, is given again if it may lack it.

        A server may fail over the lines of a document when it has made the rest (measured).
        """
        if isinstance(sent.get(CONTENT), File) and not created.record.get(CONTENT):
            return "the CRM did not keep its file"
        entity, client = self._means.mapper.entity, self._means.client
        unseen = {each.name for each in entity.fields if not each.readable} - {CONTENT}
        again = {name: value for name, value in sent.items() if name in unseen and not is_empty(value)}
        try:
            if again and created.may_be_half_made:
                client.system.update(client.call, entity, created.row, again)
        except OF_ONE_RECORD as error:
            return f"perhaps without its {', '.join(again)}: {error}"
        return ""

    def update(self, plan: Update) -> Outcome:
        """Changes a record that is there, and notes what both sides agree upon."""
        came, existing, decision, outcome = plan.came, plan.existing, plan.decision, plan.outcome
        known = came.known
        self._means.links.leave_open(came.key, came.mapped, outcome.left_open)
        if decision.leaves:
            # Told again until both sides agree.
            came = replace(came, fingerprint="")
        before = known.altered if known else {}
        if not decision.changes:
            base = self._means.three_ways.agreed(decision, existing.record)
            if known is None or (known.digest, known.base) != (came.fingerprint, base):
                self._means.noting.agreed(came, existing.crm_id, before, base)
            return outcome
        values = {change.field: change.after for change in decision.changes}
        stored = self._written(came, existing, decision, values)
        kept = {name: pair for name, pair in before.items() if name not in values}
        base = self._means.three_ways.agreed(decision, stored.record)
        silent = self._means.noting.stored(came, values, replace(stored, crm_id=existing.crm_id), base, kept)
        return replace(outcome, silent=silent)

    def link(self, link: Link, child: Written, existing: Existing, points_to: str) -> Outcome:
        """Sets a reference that was left open."""
        values = {link.field: self._means.mapper.typed(link.field, points_to)}
        came = Came(link.key, self._means.three_ways.linking(link), Mapped(values), child.digest, child)
        decision = self._means.three_ways.compare(came, existing, is_new=True)
        if decision.changes:
            existing = self._written(came, existing, decision, values)
        base = self._means.three_ways.agreed(decision, existing.record)
        self._means.noting.agreed(came, child.crm_id, child.altered, base, is_written=bool(decision.changes))
        self._means.ledger.links.close(link)
        silent = changes_by_the_crm(self._means.mapper, values, existing.record) if decision.changes else ()
        return Outcome(Action.UPDATE, link.key, child.crm_id, silent=tuple(silent), conflicts=tuple(decision.conflicts))

    def _written(self, came: Came, existing: Existing, decision: Decision, values: Mapping[str, Any]) -> Existing:
        """The record as the CRM shows it when these values were written; what they overwrite is kept before."""
        means, crm_id = self._means, existing.crm_id
        means.three_ways.keep(means.ledger, (came.key, crm_id), decision.conflicts)
        means.noting.begun(came, crm_id)
        try:
            row = means.client.system.update(means.client.call, means.mapper.entity, existing.row, values)
        except (Rejected, Denied):
            means.noting.refused(came)
            raise
        return means.finder.existing(row)
