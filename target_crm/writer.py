"""Decide, write, settle, note: what happens to one record.

A look-up has three answers (none, one, many) and a failed one is never "none". A write has three outcomes (done,
rejected, unknown) and an unknown one is settled by looking, never by sending again blindly.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from crm_systems.beside import CONTENT
from crm_systems.errors import Rejected
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same
from target_crm.conversion import CONVERT, Converter
from target_crm.creation import ATTEMPTS, Creator
from target_crm.deletion import delete
from target_crm.encoding import unwritable
from target_crm.finding import Ahead, Finder
from target_crm.ledger import Create, TakenMeanwhile, Written, digest, fingerprint
from target_crm.links import Links
from target_crm.mapping import DELETED_AT, NOTHING
from target_crm.outcome import OF_ONE_RECORD, Action, AsksCrm, Change, NotYet, Outcome, Reject
from target_crm.planned import Came, Planned, set_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crm_systems.client import Client
    from target_crm.finding import Existing
    from target_crm.identity import Identity
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapper


T = TypeVar("T")


class Writer:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(
        self, client: Client, ledger: Ledger, mapper: Mapper, identity: Identity, maker: Callable[[str], Mapper]
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
        self._converter = Converter(client, ledger, mapper, self._finder, maker)
        self._links = Links(client, ledger, mapper, self._finder)
        self.settle_open_intents = self._creator.settle_open_intents
        self.set_link, self.can_set = self._links.set, self._links.can_set

    def looked_up(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> Ahead:
        """What the ledger, and when it is first asked the CRM, know of these records, each with its key."""
        records = list(records)
        known = self._ledger.written_of(self._options.stream, filter(None, (key for key, _record in records)))
        older = [
            each for key, record in records if key not in known for each in self._identity.older_keys_of(record, key)
        ]
        known.update(self._ledger.written_of(self._options.stream, older))
        sought = (self._finder.sought(record, key, self._mapper) for key, record in records)
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
            return Outcome(Action.DEFER if waits else Action.REJECT, key, reason=str(error))
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
            return self._delete(key, known)
        if self._options.write_mode == CONVERT:
            if at_hand:
                raise AsksCrm
            return self._converter.convert(key, record, known, last_chance=last_chance)
        return self._upsert(key, record, known, ahead, last_chance=last_chance, at_hand=at_hand)

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
        if by_ledger and known and known.digest == its_print:
            return Outcome(Action.UNCHANGED, key, known.crm_id, left_open=self._links.left_open(key, mapped))
        came = Came(key, record, mapped, its_print, known)
        if not by_id:
            existing = self._finder.find(key, mapped.values, known, ahead, at_hand=at_hand)
        if existing is None:
            return self._create(came, at_hand=at_hand)
        return self._update(came, existing, at_hand=at_hand)

    def _create(self, came: Came, *, at_hand: bool) -> Outcome | Planned:
        key, mapped = came.key, came.mapped
        if self._options.write_mode == "update_only":
            return Outcome(Action.SKIP, key)
        values = self._mapper.complete(mapped.values)
        for remark in self._system.remarks(self.entity, values):
            self._mapper.note(remark)
        left_open = self._links.left_open(key, mapped)
        if self._options.dry_run:
            self._references.planned.setdefault(key, set()).add(self.entity.name)
            return Outcome(Action.CREATE, key, name=self._name_in(values), changes=set_by(values), left_open=left_open)
        intent = self._creator.intent(key, values)
        if at_hand and not (intent.before and intent.before.lasts):
            raise AsksCrm
        return Planned(came, intent, left_open)

    def _note_intents(self, plans: Sequence[Planned]) -> None:
        creates = []
        for each in plans:
            known = each.came.known.crm_id if each.came.known else None
            creates.append(Create(each.intent, known, self._links.named_in(each.came.mapped), each.left_open))
        self._ledger.intend(creates)
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
        # If this note is lost, its intent is there and tells what to look for, as surely as the CRM was looked at.
        later = plan.intent.before is not None and plan.intent.before.is_sure
        silent = self._note_stored(replace(came, fingerprint="") if lacks_file else came, sent, created, later=later)
        if lacks_file:
            raise Reject(f"it was created as {created.crm_id}, but the CRM did not keep its file")
        name = self._name_in(values)
        return Outcome(Action.CREATE, came.key, created.crm_id, set_by(values), silent, plan.left_open, name=name)

    def _update(self, came: Came, existing: Existing, *, at_hand: bool) -> Outcome:
        key, mapped, known = came.key, came.mapped, came.known
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        changes = self._differences(mapped.values, existing, known, came.fingerprint)
        left_open = self._links.left_open(key, mapped)
        if self._options.dry_run:
            action = Action.UPDATE if changes else Action.UNCHANGED
            name = self._name_in(existing.record)
            return Outcome(action, key, existing.crm_id, changes, left_open=left_open, name=name)
        if changes and at_hand:
            raise AsksCrm
        self._links.leave_open(key, mapped, left_open)
        before = known.altered if known else {}
        if not changes:
            if known is None or known.digest != came.fingerprint:
                # The CRM holds it already: if this note is lost, the next run looks once more.
                self._note(came, existing.crm_id, before, later=True)
            return Outcome(Action.UNCHANGED, key, existing.crm_id, left_open=left_open)
        values = {change.field: change.after for change in changes}
        stored = self._finder.existing(self._system.update(self._client.call, self.entity, existing.row, values))
        kept = {name: pair for name, pair in before.items() if name not in values}
        silent = self._note_stored(came, values, replace(stored, crm_id=existing.crm_id), kept)
        name = self._name_in(existing.record)
        return Outcome(Action.UPDATE, key, existing.crm_id, changes, silent, left_open, name=name)

    def _differences(
        self, values: Mapping[str, Any], existing: Existing, known: Written | None, fingerprint: str
    ) -> tuple[Change, ...]:
        """What is to be changed. A value that the CRM altered when it was last sent is not sent again."""
        if values.items() <= existing.record.items():
            return ()
        found = []
        for name, value in values.items():
            if name not in existing.record:
                if not is_empty(value) and not (known and known.digest == fingerprint):
                    found.append(Change(name, None, value))
                continue
            now = existing.record[name]
            if type(value) is type(now) and value == now:
                continue
            kind = self._kind(name)
            remembered = known.altered.get(name) if known else None
            if not same(kind, value, now) and remembered != (digest(value), digest(now)):
                found.append(Change(name, now, value))
        return tuple(found)

    def _note_stored(
        self,
        came: Came,
        sent: Mapping[str, Any],
        stored: Existing,
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
        self._note(came, stored.crm_id, {**kept, **pairs}, later=later)
        return tuple(each for each in altered if not is_empty(each.before) and each.field != CONTENT)

    def _note(self, came: Came, crm_id: str, altered: Mapping[str, tuple[str, str]], *, later: bool = False) -> None:
        written = Written(self.entity.name, crm_id, came.fingerprint, altered)
        self._ledger.note(self._options.stream, came.key, written, later=later)

    def _delete(self, key: str, known: Written | None) -> Outcome:
        if self._options.deletes == "ignore":
            return Outcome(Action.SKIP, key)
        crm_id = key if self._options.identify_by == "id" else known.crm_id if known else None
        existing = self._finder.get(crm_id) if crm_id else None
        if existing and not self.entity.deletable:
            raise Reject("the CRM does not let it be deleted")
        if existing and not self._options.dry_run:
            delete(self._client, self._finder, existing.crm_id, self._options.settle_seconds)
        if not self._options.dry_run:
            self._ledger.forget(self._options.stream, key)
        if existing is None:
            return Outcome(Action.SKIP, key)
        return Outcome(Action.DELETE, key, existing.crm_id, name=self._name_in(existing.record))

    def _name_in(self, values: Mapping[str, Any]) -> str:
        """What people call the record that has these values."""
        return " ".join(str(values[name]) for name in self.entity.label_fields if not is_empty(values.get(name)))

    def _kind(self, name: str) -> Kind:
        found = self._mapper.fields.get(name)
        return found.kind if found else Kind.ANY
