"""Decide, write, settle, note: what happens to one record.

A look-up has three answers (none, one, many) and a failed one is never "none". A write has three outcomes (done,
rejected, unknown) and an unknown one is settled by looking, never by sending again blindly.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from crm_systems.beside import CONTENT
from crm_systems.errors import Rejected
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same
from target_crm.encoding import unwritable
from target_crm.ledger import Create, TakenMeanwhile, Written, digest, fingerprint
from target_crm.mapping import DELETED_AT, NOTHING, Mapped
from target_crm.outcome import OF_ONE_RECORD, Action, AsksCrm, Change, Conflicted, NotYet, Outcome, Reject
from target_crm.writing.conflicts import Came, ThreeWay
from target_crm.writing.conversion import CONVERT, Converter
from target_crm.writing.creation import ATTEMPTS, Creator
from target_crm.writing.deleting import Deleter
from target_crm.writing.finding import Ahead, Existing, Finder
from target_crm.writing.links import Links
from target_crm.writing.planned import Planned, set_by
from target_crm.writing.rehearsal import Rehearsal
from target_crm.writing.two_ways import TwoWays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crm_systems.client import Client
    from target_crm.ledger import Ledger, Link
    from target_crm.mapping import Identity, Mapper

T = TypeVar("T")


class Writer:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        mapper: Mapper,
        identity: Identity,
        maker: Callable[[str], Mapper],
        columns: Iterable[str],
    ) -> None:
        self._client = client
        self._system = client.system
        self._ledger = ledger
        self._mapper = mapper
        self._options = mapper.options
        self._references = mapper.references
        self.entity = mapper.entity
        self._identity = identity
        self._finder = Finder(client, mapper.entity, mapper.options)
        self._creator = Creator(client, ledger, mapper, self._finder)
        self._three_ways = ThreeWay(mapper, columns)
        self._two_ways = TwoWays(client, ledger, mapper.options, mapper.entity.name)
        self._deleter = Deleter(client, ledger, mapper, self._finder, self._three_ways)
        self._converter = Converter(client, ledger, mapper, self._finder, maker)
        self._rehearsal = Rehearsal(mapper)
        self._links = Links(ledger, mapper)
        self.can_set = self._links.can_set
        self.settle_open_intents = self._creator.settle_open_intents

    def looked_up(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> Ahead:
        """What the ledger, and when it is first asked the CRM, know of these records, each with its key."""
        records = list(records)
        known = self._two_ways.written_of(key for key, _record in records if key)
        older = [
            each for key, record in records if key not in known for each in self._identity.older_keys_of(record, key)
        ]
        if older:
            known.update(self._two_ways.written_of(older))
        by_ledger = self._options.identify_by == "ledger"
        unknown = (each for each in records if not (by_ledger and each[0] in known))
        sought = (self._finder.sought(record, key, self._mapper) for key, record in unknown)
        return Ahead(known, filter(None, sought), self._finder)

    def at_hand(self, key: str, record: Mapping[str, Any], ahead: Ahead) -> Outcome | Planned | None:
        """What is to be done with a record, if what was looked up tells; None if the CRM must be asked for it alone.

        Raises:
            CrmError: the connection is in trouble.
        """
        try:
            return self._told(key, lambda: self._decide(key, record, ahead, at_hand=True))
        except AsksCrm:
            return None

    def intend(self, plans: Sequence[Planned]) -> None:
        """Notes creates, all at once, so that they may be sent."""
        with suppress(TakenMeanwhile):
            self._note_intents(plans)

    def write(
        self,
        key: str,
        record: Mapping[str, Any],
        *,
        last_chance: bool = False,
        ahead: Ahead | None = None,
        plan: Planned | None = None,
    ) -> Outcome:
        """Does with a record what is to be done, or what was planned.

        Raises:
            CrmError: the connection is in trouble, so that no record could be written.
        """
        return self._told(
            key, lambda: self._in_turn(key, record, ahead, plan, last_chance=last_chance), last_chance=last_chance
        )

    def _told(self, key: str, what: Callable[[], T], *, last_chance: bool = False) -> T | Outcome:
        """What comes of a record, whatever is said against it."""
        try:
            return what()
        except Reject as error:
            waits = isinstance(error, NotYet) and not last_chance
            conflicts = error.conflicts if isinstance(error, Conflicted) else ()
            return Outcome(Action.DEFER if waits else Action.REJECT, key, conflicts=conflicts, reason=str(error))
        except OF_ONE_RECORD as error:
            return Outcome(Action.REJECT, key, reason=str(error), server_says=error.server_says)

    def _in_turn(
        self, key: str, record: Mapping[str, Any], ahead: Ahead | None, plan: Planned | None, *, last_chance: bool
    ) -> Outcome:
        """Decides anew when another run was faster."""
        for _turn in range(ATTEMPTS):
            try:
                found = plan or self._decide(key, record, ahead, last_chance=last_chance)
                return found if isinstance(found, Outcome) else self._carry_out(found)
            except TakenMeanwhile:
                ahead = plan = None
                self._creator.await_turn(key)
        raise Reject("other runs write it again and again; run again when they have ended")

    def _decide(
        self,
        key: str,
        record: Mapping[str, Any],
        ahead: Ahead | None,
        *,
        last_chance: bool = False,
        at_hand: bool = False,
    ) -> Outcome | Planned:
        """Does what is to be done, but for a create, which is planned. ``at_hand``: by what was looked up ``ahead``.

        Raises:
            AsksCrm: what is at hand does not tell.
        """
        broken = unwritable(record)
        if broken:
            raise Reject(f"its {', '.join(broken)} holds half a surrogate pair, which is no text")
        if not key:
            raise Reject("its key is empty")
        if at_hand and record.get(DELETED_AT):
            raise AsksCrm
        if record.get(DELETED_AT) and self._options.deletes == "apply" and not self._options.dry_run:
            # What is just being created cannot be found yet.
            self._creator.await_turn(key)
            ahead = None
        known = self._known(key, record, ahead)
        if record.get(DELETED_AT):
            return self._deleter.delete(key, known)
        if self._options.write_mode == CONVERT:
            if at_hand:
                raise AsksCrm
            return self._converter.convert(key, record, known, last_chance=last_chance)
        return self._upsert(key, record, known, ahead, last_chance=last_chance, at_hand=at_hand)

    def _known(self, key: str, record: Mapping[str, Any], ahead: Ahead | None) -> Written | None:
        """What the ledger knows of a record; one that it knows by an older spelling of the key is respelled."""
        stream = self._options.stream
        older_keys = self._identity.older_keys_of(record, key)
        there = ahead.known if ahead else self._two_ways.written_of([key, *older_keys])
        known = there.get(key)
        for older in () if known else older_keys:
            if known := there.get(older):
                if not self._options.dry_run:
                    self._ledger.rename(stream, older, key)
                break
        return known

    def set_link(self, link: Link) -> Outcome | None:
        """Sets a reference that was left open, if what it points to has been written; None where it is not."""
        child = self._two_ways.written_of([link.key]).get(link.key)
        field = self.entity.field(link.field)
        points_to = self._references.id_of(field, link.to_key) if child and field else None
        existing = self._finder.get(child.crm_id) if child and points_to else None
        if child is None or existing is None:
            return None
        values = {link.field: self._mapper.typed(link.field, points_to)}
        came = Came(link.key, self._three_ways.linking(link), Mapped(values), child.digest, child)
        decision = self._three_ways.compare(came, existing, is_new=True)
        if decision.changes:
            self._three_ways.keep(self._ledger, (link.key, child.crm_id), decision.conflicts)
            row = self._system.update(self._client.call, self.entity, existing.row, values)
            existing = self._finder.existing(row)
        base = self._three_ways.agreed(decision, existing.record)
        self._note(came, child.crm_id, child.altered, base, is_written=bool(decision.changes))
        self._ledger.links.close(link)
        return Outcome(Action.UPDATE, link.key, child.crm_id, conflicts=tuple(decision.conflicts))

    def _upsert(
        self,
        key: str,
        record: Mapping[str, Any],
        known: Written | None,
        ahead: Ahead | None,
        *,
        last_chance: bool,
        at_hand: bool,
    ) -> Outcome | Planned:
        by_id, by_ledger = (self._options.identify_by == each for each in ("id", "ledger"))
        existing = self._finder.find(key, {}, known, ahead, at_hand=at_hand) if by_id else None
        now = existing.record if existing else NOTHING
        is_new = by_ledger and known is None
        mapped = self._mapper(record, last_chance=last_chance, now=now, is_new=is_new, at_hand=at_hand)
        its_print = fingerprint(self.entity.name, mapped.as_given, like=known.digest if known else "")
        came = Came(key, record, mapped, its_print, known)
        if self._options.dry_run and (again := self._rehearsal.again(came)):
            return again
        if by_ledger and known and self._three_ways.is_settled(known, its_print):
            return Outcome(Action.UNCHANGED, key, known.crm_id, left_open=self._links.left_open(key, mapped))
        if at_hand and by_ledger and known:
            raise AsksCrm
        if by_ledger and known and known.digest == its_print:
            # Looked at once, since an earlier version did not note what the CRM held.
            existing = self._finder.get(known.crm_id) or Existing(known.crm_id, {})
        elif known and self._three_ways.is_echo(came, known):
            return self._note_echo(came, known)
        elif not by_id:
            existing = self._finder.find(key, mapped.values, known, ahead, at_hand=at_hand)
        if by_ledger and known is None:
            self._two_ways.check(key, existing)
        if self._options.dry_run and not (by_ledger and known):
            existing = self._rehearsal.found(came) or existing
        if existing is None:
            return self._create(came, at_hand=at_hand)
        return self._update(came, existing, at_hand=at_hand)

    def _note_echo(self, came: Came, known: Written) -> Outcome:
        """Nothing is to be written, wherever the record is now."""
        if not self._options.dry_run:
            written = replace(known, digest=came.fingerprint)
            self._ledger.note(self._options.stream, came.key, written, later=True)
        return Outcome(Action.UNCHANGED, came.key, known.crm_id)

    def _create(self, came: Came, *, at_hand: bool) -> Outcome | Planned:
        key, mapped = came.key, came.mapped
        if self._options.write_mode == "update_only":
            return Outcome(Action.SKIP, key)
        values = self._mapper.mandatory.complete(mapped.values)
        for remark in self._system.remarks(self.entity, values):
            self._mapper.note(remark)
        left_open = self._links.left_open(key, mapped)
        if self._options.dry_run:
            self._references.planned.setdefault(key, set()).add(self.entity.name)
            self._rehearsal.note(came, Existing("", {}))
            return Outcome(
                Action.CREATE, key, name=self._finder.name_in(values), changes=set_by(values), left_open=left_open
            )
        if at_hand and self._two_ways.is_paired:
            raise AsksCrm
        self._two_ways.await_turn(key)
        intent = self._creator.intent(key, values)
        if at_hand and not (intent.before and intent.before.lasts):
            raise AsksCrm
        return Planned(came, intent, left_open)

    def _note_intents(self, plans: Sequence[Planned]) -> None:
        creates = []
        for each in plans:
            known = each.came.known.crm_id if each.came.known else None
            creates.append(Create(each.intent, known, self._links.named_in(each.came.mapped), each.left_open))
        self._creator.note(creates)
        for each in plans:
            each.is_noted = True

    def _carry_out(self, plan: Planned) -> Outcome:
        if not plan.is_noted:
            self._note_intents([plan])
        came, values = plan.came, plan.intent.sent
        try:
            created = self._creator.create(plan.intent)
        except Rejected as error:
            if plan.left_open:
                # The CRM may well want the reference that cannot be set yet.
                raise NotYet(str(error)) from None
            raise
        sent = {**came.mapped.values, **values}
        lacks_file = CONTENT in sent and not created.record.get(CONTENT)
        base = None if lacks_file else self._three_ways.created(came, sent, created.record)
        # If this note is lost, its intent is there and tells what to look for, as surely as the CRM was looked at.
        later = plan.intent.before is not None and plan.intent.before.is_sure and not self._two_ways.is_paired
        came = replace(came, fingerprint="") if lacks_file else came
        silent = self._note_stored(came, sent, created, base, later=later)
        if lacks_file:
            raise Reject(f"it was created as {created.crm_id}, but the CRM did not keep its file")
        name = self._finder.name_in(values)
        return Outcome(Action.CREATE, came.key, created.crm_id, set_by(values), silent, plan.left_open, name=name)

    def _update(self, came: Came, existing: Existing, *, at_hand: bool) -> Outcome:
        key, mapped, known = came.key, came.mapped, came.known
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        if self._three_ways.is_still_so(came, existing):
            return Outcome(Action.UNCHANGED, key, existing.crm_id, left_open=self._links.left_open(key, mapped))
        decision = self._three_ways.compare(came, existing)
        changes, conflicts = tuple(decision.changes), tuple(decision.conflicts)
        left_open = self._links.left_open(key, mapped)
        outcome = Outcome(Action.UNCHANGED, key, existing.crm_id, changes, left_open=left_open, conflicts=conflicts)
        if changes:
            outcome = replace(outcome, action=Action.UPDATE, name=self._finder.name_in(existing.record))
        if self._options.dry_run:
            if changes:
                self._rehearsal.note(came, existing)
            return outcome
        if changes and at_hand:
            raise AsksCrm
        self._links.leave_open(key, mapped, left_open)
        if decision.leaves:
            # Told again until both sides agree.
            came = replace(came, fingerprint="")
        before = known.altered if known else {}
        if not changes:
            base = self._three_ways.agreed(decision, existing.record)
            if known is None or (known.digest, known.base) != (came.fingerprint, base):
                self._note(came, existing.crm_id, before, base)
            return outcome
        self._three_ways.keep(self._ledger, (key, existing.crm_id), conflicts)
        values = {change.field: change.after for change in changes}
        stored = self._finder.existing(self._system.update(self._client.call, self.entity, existing.row, values))
        kept = {name: pair for name, pair in before.items() if name not in values}
        base = self._three_ways.agreed(decision, stored.record)
        silent = self._note_stored(came, values, replace(stored, crm_id=existing.crm_id), base, kept)
        return replace(outcome, silent=silent)

    def _note_stored(
        self,
        came: Came,
        sent: Mapping[str, Any],
        stored: Existing,
        base: bytes | None,
        kept: Mapping[str, tuple[str, str]] = NOTHING,
        *,
        later: bool = False,
    ) -> tuple[Change, ...]:
        """Notes what was written; gives what was sent and stored otherwise."""
        now = stored.record
        altered = [
            Change(name, value, now[name])
            for name, value in sent.items()
            if name in now and value != now[name] and not same(self._kind(name), value, now[name])
        ]
        told = [each for each in altered if each.field != CONTENT or each.after]
        pairs = {each.field: (digest(each.before), digest(each.after)) for each in told}
        self._note(came, stored.crm_id, {**kept, **pairs}, base, is_written=True, later=later)
        return tuple(each for each in altered if not is_empty(each.before) and each.field != CONTENT)

    def _note(
        self,
        came: Came,
        crm_id: str,
        altered: Mapping[str, tuple[str, str]],
        base: bytes | None,
        *,
        is_written: bool = False,
        later: bool = False,
    ) -> None:
        """What is lost of it costs no more than another look, unless something was written and it is not ``later``."""
        base = self._two_ways.noted(came.known, crm_id, base, is_written=is_written)
        written = Written(self.entity.name, crm_id, came.fingerprint, altered, base)
        self._ledger.note(self._options.stream, came.key, written, later=later or not is_written)

    def _kind(self, name: str) -> Kind:
        found = self._mapper.fields.get(name)
        return found.kind if found else Kind.ANY
