"""Decide, write, settle, note: what happens to one record.

A look-up has three answers (none, one, many) and a failed one is never "none". A write has three outcomes (done,
rejected, unknown) and an unknown one is settled by looking, never by sending again blindly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT
from crm_systems.errors import Rejected
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same
from target_crm.conflicts import Came, ThreeWay
from target_crm.conversion import CONVERT, Converter
from target_crm.creation import ATTEMPTS, Creator
from target_crm.deleting import Deleter
from target_crm.encoding import unwritable
from target_crm.finding import Ahead, Existing, Finder
from target_crm.ledger import Link, TakenMeanwhile, Written, digest
from target_crm.mapping import DELETED_AT, NOTHING, Mapped
from target_crm.outcome import OF_ONE_RECORD, Action, Change, Conflicted, NotYet, Outcome, Reject
from target_crm.two_ways import TwoWays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crm_systems.client import Client
    from target_crm.identity import Identity
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapper


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
        self.settle_open_intents = self._creator.settle_open_intents

    def looked_up(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> Ahead:
        """What the ledger, and when it is first asked the CRM, know of these records, each with its key."""
        records = list(records)
        keys = [each for key, record in records for each in (key, *self._identity.older_keys_of(record, key)) if each]
        known = self._two_ways.written_of(keys)
        by_ledger = self._options.identify_by == "ledger"
        unknown = (each for each in records if not (by_ledger and each[0] in known))
        sought = (self._finder.sought(record, key, self._mapper) for key, record in unknown)
        return Ahead(known, filter(None, sought), self._finder)

    def write(
        self, key: str, record: Mapping[str, Any], *, last_chance: bool = False, ahead: Ahead | None = None
    ) -> Outcome:
        """Does with a record what is to be done.

        Raises:
            CrmError: the connection is in trouble, so that no record could be written.
        """
        try:
            return self._in_turn(key, record, ahead, last_chance=last_chance)
        except Reject as error:
            waits = isinstance(error, NotYet) and not last_chance
            conflicts = error.conflicts if isinstance(error, Conflicted) else ()
            return Outcome(Action.DEFER if waits else Action.REJECT, key, conflicts=conflicts, reason=str(error))
        except OF_ONE_RECORD as error:
            return Outcome(Action.REJECT, key, reason=str(error), server_says=error.server_says)

    def _in_turn(self, key: str, record: Mapping[str, Any], ahead: Ahead | None, *, last_chance: bool) -> Outcome:
        """Decides anew when another run was faster."""
        for _turn in range(ATTEMPTS):
            try:
                return self._decide(key, record, ahead, last_chance=last_chance)
            except TakenMeanwhile:
                ahead = None
                self._creator.await_turn(key)
        raise Reject("other runs write it again and again; run again when they have ended")

    def _decide(self, key: str, record: Mapping[str, Any], ahead: Ahead | None, *, last_chance: bool) -> Outcome:
        broken = unwritable(record)
        if broken:
            raise Reject(f"its {', '.join(broken)} holds half a surrogate pair, which is no text")
        if not key:
            raise Reject("its key is empty")
        if record.get(DELETED_AT) and self._options.deletes == "apply" and not self._options.dry_run:
            # What is just being created cannot be found yet.
            self._creator.await_turn(key)
            ahead = None
        known = self._known(key, record, ahead)
        if record.get(DELETED_AT):
            return self._deleter.delete(key, known)
        if self._options.write_mode == CONVERT:
            return self._converter.convert(key, record, known, last_chance=last_chance)
        return self._upsert(key, record, known, ahead, last_chance=last_chance)

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
        self._ledger.close_link(link)
        return Outcome(Action.UPDATE, link.key, child.crm_id, conflicts=tuple(decision.conflicts))

    def can_set(self, link: Link) -> bool:
        """Whether what a reference points to has been written or, in a dry run, would be."""
        field = self.entity.field(link.field)
        return field is not None and self._references.id_of(field, link.to_key) is not None

    def _upsert(
        self, key: str, record: Mapping[str, Any], known: Written | None, ahead: Ahead | None, *, last_chance: bool
    ) -> Outcome:
        by_id = self._options.identify_by == "id"
        existing = self._finder.find(key, {}, known, ahead) if by_id else None
        now = existing.record if existing else NOTHING
        is_new = self._options.identify_by == "ledger" and known is None
        mapped = self._mapper(record, last_chance=last_chance, now=now, is_new=is_new)
        fingerprint = digest([self.entity.name, mapped.as_given])
        by_ledger = self._options.identify_by == "ledger"
        if by_ledger and known and self._three_ways.is_settled(known, fingerprint):
            return Outcome(Action.UNCHANGED, key, known.crm_id, left_open=self._links(key, mapped))
        came = Came(key, record, mapped, fingerprint, known)
        if by_ledger and known and known.digest == fingerprint:
            # Looked at once, since an earlier version did not note what the CRM held.
            existing = self._finder.get(known.crm_id) or Existing(known.crm_id, {})
        elif known and self._three_ways.is_echo(came, known):
            return self._note_echo(came, known)
        elif not by_id:
            existing = self._finder.find(key, mapped.values, known, ahead)
        if by_ledger and known is None:
            self._two_ways.check(key, existing)
        return self._create(came) if existing is None else self._update(came, existing)

    def _note_echo(self, came: Came, known: Written) -> Outcome:
        """Nothing is to be written, wherever the record is now."""
        if not self._options.dry_run:
            written = replace(known, digest=came.fingerprint)
            self._ledger.note(self._options.stream, came.key, written, later=True)
        return Outcome(Action.UNCHANGED, came.key, known.crm_id)

    def _create(self, came: Came) -> Outcome:
        key, mapped = came.key, came.mapped
        if self._options.write_mode == "update_only":
            return Outcome(Action.SKIP, key)
        values = self._mapper.complete(mapped.values)
        for remark in self._system.remarks(self.entity, values):
            self._mapper.note(remark)
        changes = tuple(Change(name, None, value) for name, value in values.items())
        left_open = self._links(key, mapped)
        if self._options.dry_run:
            self._references.planned.setdefault(key, set()).add(self.entity.name)
            return Outcome(Action.CREATE, key, name=self._finder.name_in(values), changes=changes, left_open=left_open)
        self._two_ways.await_turn(key)
        self._leave_open(key, mapped, left_open)
        try:
            created = self._creator.create(key, values, came.known)
        except Rejected as error:
            if left_open:
                # The CRM may well want the reference that cannot be set yet.
                raise NotYet(str(error)) from None
            raise
        sent = {**mapped.values, **values}
        lacks_file = CONTENT in sent and not created.record.get(CONTENT)
        base = None if lacks_file else self._three_ways.created(came, sent, created.record)
        silent = self._note_stored(replace(came, fingerprint="") if lacks_file else came, sent, created, base)
        if lacks_file:
            raise Reject(f"it was created as {created.crm_id}, but the CRM did not keep its file")
        name = self._finder.name_in(values)
        return Outcome(Action.CREATE, key, created.crm_id, changes, silent, left_open, name=name)

    def _update(self, came: Came, existing: Existing) -> Outcome:
        key, mapped, known = came.key, came.mapped, came.known
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        decision = self._three_ways.compare(came, existing)
        changes, conflicts = tuple(decision.changes), tuple(decision.conflicts)
        left_open = self._links(key, mapped)
        outcome = Outcome(Action.UNCHANGED, key, existing.crm_id, changes, left_open=left_open, conflicts=conflicts)
        if changes:
            outcome = replace(outcome, action=Action.UPDATE, name=self._finder.name_in(existing.record))
        if self._options.dry_run:
            return outcome
        self._leave_open(key, mapped, left_open)
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
        self._note(came, stored.crm_id, {**kept, **pairs}, base, is_written=True)
        return tuple(each for each in altered if not is_empty(each.before) and each.field != CONTENT)

    def _note(
        self,
        came: Came,
        crm_id: str,
        altered: Mapping[str, tuple[str, str]],
        base: bytes | None,
        *,
        is_written: bool = False,
    ) -> None:
        """What is lost of it costs no more than another look, unless something was written."""
        base = self._two_ways.noted(came.known, crm_id, base, is_written=is_written)
        written = Written(self.entity.name, crm_id, came.fingerprint, altered, base)
        self._ledger.note(self._options.stream, came.key, written, later=not is_written)

    def _links(self, key: str, mapped: Mapped) -> tuple[Link, ...]:
        fields = self._mapper.fields
        return tuple(
            Link(self._options.stream, key, name, fields[name].refers_to, to_key)
            for name, to_key in mapped.open_links.items()
        )

    def _leave_open(self, key: str, mapped: Mapped, links: tuple[Link, ...]) -> None:
        """Noted before the write, so that a crash in between loses no reference."""
        if self._references.may_come_later:
            given = [name for name in mapped.as_given if self._mapper.is_reference(name)]
            if given:
                self._ledger.leave_open(self._options.stream, key, given, links)

    def _kind(self, name: str) -> Kind:
        found = self._mapper.fields.get(name)
        return found.kind if found else Kind.ANY
