"""The sink of records: one class serves every CRM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING

from crm_singer.deletions import DELETED_AT
from target_crm.mapping import is_said
from target_crm.outcome import Action, Conflict, Outcome
from target_crm.sinks.sink import WritingSink
from target_crm.writing import Planned, Writer

if TYPE_CHECKING:
    from target_crm.ledger import Written
    from target_crm.mapping import Mapper
    from target_crm.sinks.sink import Incoming
    from target_crm.writing import Ahead

TOGETHER = 32
"""How many records are noted at once, at the least, before they are created; a run that is killed looks for each."""


class CrmSink(WritingSink):
    """Writes one stream of records, which are looked up, decided about and noted together as far as that can be."""

    def _make_writer(self, mapper: Mapper) -> Writer:
        """What writes the records, when what an earlier run was cut off in is settled."""
        run, columns = self.run, self.original_schema["properties"]
        # What is being created under an earlier schema is no create that was cut off.
        run.workers.finish()
        self._writer = Writer(run.client, run.ledger, mapper, self._identity, self._mapper_for, columns)
        self._writer.settle_open_intents()
        for key, crm_id, told in run.ledger.unreported.of(self.stream_name):
            conflicts = tuple(Conflict(**each) for each in told)
            run.report.add_changes(self.stream_name, Outcome(Action.UPDATE, key, crm_id, conflicts=conflicts))
        return self._writer

    def _mapper_for(self, name: str) -> Mapper:
        """What maps values of another entity that come in records of this stream."""
        return self._mapper_of(self.run.entity(name), replace(self._mapper.options, entity=name, fields={}))

    def _hand_over(self, records: list[Incoming]) -> None:
        """Looks a batch up, and begins to write it.

        By match fields, what is deleted or gets other values in these may be the very record that another one becomes,
        so neither waits for a worker beside the other, and none is looked up before the other is written.
        """
        if self._mapper.options.match_fields:
            self._tell_apart(records)
        for is_alone, some in groupby(records, attrgetter("is_moving")):
            if is_alone:
                self.run.workers.finish()
            self._hand_over_together(list(some))
            if is_alone:
                self.run.workers.finish()

    def _tell_apart(self, records: list[Incoming]) -> None:
        """Says which records may end what others are recognised by, and which others may inherit that.

        Of records that the ledger knows, those that have become one record of the CRM are written in turn.
        """
        options, came = self._mapper.options, dict[str, tuple[str, ...]]()
        by_ledger = options.identify_by == "ledger"
        all_known = self._writer.known_of(each.key for each in records) if by_ledger else {}
        for each in records:
            known = all_known.get(each.key)
            is_deletion = options.deletes == "apply" and is_said(each.get(DELETED_AT))
            is_again = came.get(each.key, each.identifiers) != each.identifiers
            came[each.key] = each.identifiers
            each.is_moving = is_deletion or (by_ledger and (is_again or self._may_move(each, known)))
            each.may_inherit = by_ledger and known is None
            each.became = known.crm_id if known else ""
            each.identifiers += (f"id {each.became}",) if known else ()

    def _may_move(self, record: Incoming, known: Written | None) -> bool:
        """Whether a record gets other match values, or may, since what came before it is still being written."""
        return self.run.workers.is_busy_with(record.identifiers[:1]) or self._writer.is_moved(record, known)

    def _hand_over_together(self, records: list[Incoming]) -> None:
        ahead = self._writer.looked_up((record.key, record) for record in records if record.is_first)
        coming = iter(records)
        with self.run.workers.more_comes():
            while some := list(islice(coming, max(TOGETHER, self.run.workers.in_hand))):
                self._begin(some, ahead)

    def _begin(self, records: list[Incoming], ahead: Ahead) -> None:
        """Settles what needs no worker, notes what is to be created in one go, and gives the rest to the workers."""
        found = [self._at_hand(record, ahead) if record.is_first else None for record in records]
        plans = [each for each in found if isinstance(each, Planned)]
        if plans:
            self._writer.intend(plans)
        for record, each in zip(records, found, strict=True):
            if isinstance(each, Outcome):
                self.run.workers.in_turn(partial(self._settle, record, each))
            else:
                write = partial(self._write, record, ahead=ahead if record.is_first else None, plan=each)
                self.run.workers.begin(record.identifiers, write, partial(self._settle, record))

    def _at_hand(self, record: Incoming, ahead: Ahead) -> Outcome | Planned | None:
        if self._must_wait(record):
            return None
        found = self._unwritable(record) or self._writer.at_hand(record.key, record, ahead)
        if isinstance(found, Outcome) and found.action is Action.DEFER:
            self._set_aside(record)
        return found

    def _settle(self, record: Incoming, outcome: Outcome) -> None:
        """What was to be left and is not must not be taken for another record's."""
        if record.is_moving and record.became and outcome.action is Action.REJECT:
            self._writer.held_by_rejected.add(record.became)
        super()._settle(record, outcome)

    def _write(
        self,
        record: Incoming,
        *,
        last_chance: bool = False,
        ahead: Ahead | None = None,
        plan: Planned | None = None,
    ) -> Outcome:
        write = partial(self._writer.write, record.key, record, last_chance=last_chance, ahead=ahead, plan=plan)
        return self._in_turn(record, write)
