"""Decide, write, settle, note: what happens to one record.

A look-up has three answers (none, one, many) and a failed one is never "none". A write has three outcomes (done,
rejected, unknown) and an unknown one is settled by looking, never by sending again blindly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from crm_systems.errors import Denied, OutcomeUnknown, Rejected, Unavailable
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same
from target_crm.conflicts import ThreeWay
from target_crm.creation import ATTEMPTS, Creator
from target_crm.encoding import unwritable
from target_crm.finding import Ahead, Existing, Finder
from target_crm.ledger import Link, TakenMeanwhile, Written, digest
from target_crm.mapping import DELETED_AT, NOTHING
from target_crm.outcome import OF_ONE_RECORD, Action, Change, Conflicted, NotYet, Outcome, Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.client import Client
    from target_crm.identity import Identity
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapped, Mapper


@dataclass(frozen=True)
class Came:
    """A record that came in, and what is known of it."""

    key: str
    record: Mapping[str, Any]
    mapped: Mapped
    fingerprint: str
    known: Written | None


class Writer:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(
        self, client: Client, ledger: Ledger, mapper: Mapper, identity: Identity, columns: Iterable[str]
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
        self.settle_open_intents = self._creator.settle_open_intents

    def looked_up(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> Ahead:
        """What the ledger, and when it is first asked the CRM, know of these records, each with its key."""
        records = list(records)
        keys = [each for key, record in records for each in (key, *self._identity.older_keys_of(record, key)) if each]
        known = self._ledger.written_of(self._options.stream, keys)
        sought = (self._finder.sought(record, key, self._mapper) for key, record in records)
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
            return self._delete(key, known)
        return self._upsert(key, record, known, ahead, last_chance=last_chance)

    def _known(self, key: str, record: Mapping[str, Any], ahead: Ahead | None) -> Written | None:
        """What the ledger knows of a record; one that it knows by an older spelling of the key is respelled."""
        stream = self._options.stream
        look = ahead.known.get if ahead else partial(self._ledger.written, stream)
        known = look(key)
        for older in () if known else self._identity.older_keys_of(record, key):
            if known := look(older):
                if not self._options.dry_run:
                    self._ledger.rename(stream, older, key)
                break
        return known

    def set_link(self, link: Link) -> bool:
        """Sets a reference that was left open, if what it points to has been written; says whether it was."""
        child = self._ledger.written(link.stream, link.key)
        field = self.entity.field(link.field)
        points_to = self._references.id_of(field, link.to_key) if child and field else None
        existing = self._finder.get(child.crm_id) if child and points_to else None
        if field is None or existing is None:
            return False
        value = self._mapper.typed(link.field, points_to)
        if not same(field.kind, value, existing.record.get(link.field)):
            self._system.update(self._client.call, self.entity, existing.row, {link.field: value})
        self._ledger.close_link(link)
        return True

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
        elif not by_id:
            existing = self._finder.find(key, mapped.values, known, ahead)
        return self._create(came) if existing is None else self._update(came, existing)

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
            return Outcome(Action.CREATE, key, changes=changes, left_open=left_open)
        self._leave_open(key, mapped, left_open)
        try:
            created = self._creator.create(key, values, came.known)
        except Rejected as error:
            if left_open:
                # The CRM may well want the reference that cannot be set yet.
                raise NotYet(str(error)) from None
            raise
        sent = {**mapped.values, **values}
        base = self._three_ways.created(came.record, sent, created.record)
        silent = self._note_stored(came, sent, created, base)
        return Outcome(Action.CREATE, key, created.crm_id, changes, silent, left_open)

    def _update(self, came: Came, existing: Existing) -> Outcome:
        key, mapped, known = came.key, came.mapped, came.known
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        decision = self._three_ways.compare(came.record, mapped.values, existing, known, came.fingerprint)
        changes, conflicts = tuple(decision.changes), tuple(decision.conflicts)
        left_open = self._links(key, mapped)
        outcome = Outcome(Action.UNCHANGED, key, existing.crm_id, changes, left_open=left_open, conflicts=conflicts)
        if changes:
            outcome = replace(outcome, action=Action.UPDATE)
        if self._options.dry_run:
            return outcome
        self._leave_open(key, mapped, left_open)
        if decision.leaves:
            # Told again until both sides agree.
            came = replace(came, fingerprint="")
        before = known.altered if known else {}
        if not changes:
            base = self._three_ways.packed(decision, existing.record)
            if known is None or (known.digest, known.base) != (came.fingerprint, base):
                # The CRM holds it already: if this note is lost, the next run looks once more.
                self._note(came, existing.crm_id, before, base, later=True)
            return outcome
        values = {change.field: change.after for change in changes}
        stored = self._finder.existing(self._system.update(self._client.call, self.entity, existing.row, values))
        kept = {name: pair for name, pair in before.items() if name not in values}
        base = self._three_ways.packed(decision, stored.record)
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
        pairs = {each.field: (digest(each.before), digest(each.after)) for each in altered}
        self._note(came, stored.crm_id, {**kept, **pairs}, base)
        return tuple(each for each in altered if not is_empty(each.before))

    def _note(
        self,
        came: Came,
        crm_id: str,
        altered: Mapping[str, tuple[str, str]],
        base: bytes | None,
        *,
        later: bool = False,
    ) -> None:
        written = Written(self.entity.name, crm_id, came.fingerprint, altered, base)
        self._ledger.note(self._options.stream, came.key, written, later=later)

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

    def _delete(self, key: str, known: Written | None) -> Outcome:
        if self._options.deletes == "ignore":
            return Outcome(Action.SKIP, key)
        crm_id = key if self._options.identify_by == "id" else known.crm_id if known else None
        existing = self._finder.get(crm_id) if crm_id else None
        if existing and not self.entity.deletable:
            raise Reject("the CRM does not let it be deleted")
        conflicts = tuple(self._three_ways.deleted(existing, known)) if existing else ()
        if existing and any(each.done == "left" for each in conflicts):
            return Outcome(Action.SKIP, key, existing.crm_id, conflicts=conflicts)
        if existing and not self._options.dry_run:
            self._delete_once(existing.crm_id)
        if not self._options.dry_run:
            self._ledger.forget(self._options.stream, key)
        action, crm_id = (Action.DELETE, existing.crm_id) if existing else (Action.SKIP, "")
        return Outcome(action, key, crm_id, conflicts=conflicts)

    def _delete_once(self, crm_id: str) -> None:
        for _attempt in range(ATTEMPTS):
            try:
                self._system.delete(self._client.call, self.entity, crm_id)
            except OutcomeUnknown as error:
                code = error.code
                self._client.sleep(self._options.settle_seconds)
                if self._finder.get(crm_id) is None:
                    return
            except Denied:
                # So is a delete that is repeated because its answer was lost.
                if self._finder.get(crm_id) is None:
                    return
                raise
            else:
                return
        raise Unavailable(f"{self.entity.name}: delete: the connection breaks again and again", code=code)

    def _kind(self, name: str) -> Kind:
        found = self._mapper.fields.get(name)
        return found.kind if found else Kind.ANY
