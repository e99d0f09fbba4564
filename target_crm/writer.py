"""Decide, write, settle, note: what happens to one record.

A look-up has three answers (none, one, many) and a failed one is never "none". A write has three outcomes (done,
rejected, unknown) and an unknown one is settled by looking, never by sending again blindly.
"""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems import kinds
from crm_systems.errors import CrmError, Denied, OutcomeUnknown, ProtocolError, Rejected, Unavailable
from crm_systems.model import Kind
from crm_systems.wire import is_empty, matches, same
from target_crm.gate import Gate
from target_crm.ledger import Intent, Link, TakenMeanwhile, Written, digest
from target_crm.mapping import DELETED_AT, NotYet, Reject
from target_crm.outcome import Action, Change, Outcome
from target_crm.resemblance import likeness, mostly, resembles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.client import Client
    from crm_systems.model import Entity, Row
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapped, Mapper
    from target_crm.options import StreamOptions
    from target_crm.references import References

CLOCK_MARGIN = timedelta(seconds=5)
"""How far the server's clock may be off from what was heard of it."""
ATTEMPTS = 2
"""How often a create or a delete is sent whose answers are lost and which turns out not to have been carried out."""


@dataclass(frozen=True)
class Existing:
    """A record that is in the CRM."""

    crm_id: str
    row: Row
    """As the CRM gave it."""
    record: Row = field(default_factory=dict)
    """The same, typed."""


class Writer:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(
        self, client: Client, ledger: Ledger, mapper: Mapper, references: References, keys: tuple[str, ...]
    ) -> None:
        self._client = client
        self._system = client.system
        self._ledger = ledger
        self._mapper = mapper
        self._options: StreamOptions = mapper.options
        self._references = references
        self._keys = keys
        self.entity: Entity = mapper.entity
        self._reader = kinds.Reader(self.entity, self._system.notation)
        self._gate = Gate()
        self._ours: set[str] = set()
        """Ids of the records that this run created."""

    def key_of(self, record: Mapping[str, Any]) -> str:
        """What the source calls a record; without a key, what it is recognised by, or else its whole content.

        Empty where the stream has a key and the record has none.
        """
        values = [record.get(name) for name in self._keys]
        if not all(map(is_empty, values)):
            return str(values[0]) if len(values) == 1 else json.dumps(values, default=str)
        if self._options.match_fields:
            return digest(self._recognised_by(record))
        return "" if values else digest(dict(record))

    def names_of(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """Records that share one of these may be the same one, and must be written in turn."""
        key = f"key {self.key_of(record)}"
        if not self._options.match_fields or record.get(DELETED_AT):
            return (key,)
        return key, f"match {self._recognised_by(record)}"

    def _recognised_by(self, record: Mapping[str, Any]) -> str:
        """Equal for records that may have the same match fields, at times for others too."""
        incoming = {target: name for name in record if (target := self._options.fields.get(name, name))}
        return json.dumps(
            [
                _coarse(self._loosely_typed(name, record.get(incoming.get(name, name))))
                for name in self._options.match_fields
                if not self._refers(name)
            ]
        )

    def _refers(self, name: str) -> bool:
        known = self.entity.field(name)
        return known is None or known.kind is Kind.OWNER or bool(known.refers_to)

    def _loosely_typed(self, name: str, value: Any) -> Any:
        try:
            return self._mapper.typed(name, value)
        except ValueError:
            return value

    def write(self, record: Mapping[str, Any], *, last_chance: bool = False) -> Outcome:
        """Does with a record what is to be done.

        Raises:
            CrmError: the connection is in trouble, so that no record could be written.
        """
        key = self.key_of(record)
        if not key:
            return Outcome(Action.REJECT, key, reason="its key is empty")
        try:
            if record.get(DELETED_AT):
                return self._delete(key)
            return self._upsert(key, record, last_chance=last_chance)
        except NotYet as error:
            return Outcome(Action.REJECT if last_chance else Action.DEFER, key, reason=str(error))
        except Reject as error:
            return Outcome(Action.REJECT, key, reason=str(error))
        except TakenMeanwhile:
            reason = "what became of an earlier create of it is not known yet, or another run writes it; run again"
            return Outcome(Action.REJECT, key, reason=reason)
        except (Rejected, Denied, ProtocolError) as error:
            return Outcome(Action.REJECT, key, reason=str(error), server_says=error.server_says)
        except Unavailable as error:
            if error.code != "HTTP 500":
                raise
            return Outcome(Action.REJECT, key, reason=str(error))

    def settle_open_intents(self) -> None:
        """Finds out what became of creates that an earlier run was cut off in."""
        stream = self._options.stream
        before = self._ledger.intents(stream)
        if not before or self._options.dry_run:
            return
        self._client.sleep(self._options.settle_seconds)
        # What another run that is still alive has settled meanwhile is none of ours.
        for intent in (each for each in self._ledger.intents(stream) if each in before):
            found = self._made_by(intent)
            if found is None:
                self._ledger.drop_intent(intent.stream, intent.key)
            else:
                self._ledger.note(intent.stream, intent.key, Written(self.entity.name, found.crm_id, ""))

    def set_link(self, link: Link) -> bool:
        """Sets a reference that was left open, if what it points to has been written; says whether it was."""
        child = self._ledger.written(link.stream, link.key)
        field = self.entity.field(link.field)
        if child is None or field is None:
            return False
        points_to = self._references.id_of(field, link.to_key)
        existing = self._get(child.crm_id)
        if points_to is None or existing is None:
            return False
        value = self._mapper.typed(link.field, points_to)
        if not same(field.kind, value, existing.record.get(link.field)):
            self._system.update(self._client.call, self.entity, existing.row, {link.field: value})
        self._ledger.close_link(link)
        return True

    def _upsert(self, key: str, record: Mapping[str, Any], *, last_chance: bool) -> Outcome:
        mapped = self._mapper(record, last_chance=last_chance)
        known = self._ledger.written(self._options.stream, key)
        fingerprint = digest([self.entity.name, mapped.as_given])
        if self._options.identify_by == "ledger" and known and known.digest == fingerprint:
            return Outcome(Action.UNCHANGED, key, known.crm_id, left_open=self._links(key, mapped))
        existing = self._find(key, mapped.values, known)
        if existing is None:
            return self._create(key, mapped, fingerprint, known)
        return self._update(key, mapped, fingerprint, existing, known)

    def _find(self, key: str, values: Mapping[str, Any], known: Written | None) -> Existing | None:
        """The record in the CRM, None if there is certainly none.

        Raises:
            Reject: there are several, or the one that is meant is gone.
        """
        if known and known.entity != self.entity.name:
            known = None
        if self._options.match_fields:
            match = {name: values.get(name) for name in self._options.match_fields}
            return self._match(match) or self._altered_match(match, known)
        if self._options.identify_by == "id":
            existing = self._get(key)
            if existing is None and self._options.write_mode != "update_only":
                raise Reject("the CRM has no record with this id")
            return existing
        if known is None:
            return None
        existing = self._get(known.crm_id)
        if existing is None:
            raise Reject(f"{known.crm_id}, which an earlier run wrote, is gone from the CRM")
        return existing

    def _match(self, match: Mapping[str, Any]) -> Existing | None:
        empty = [name for name, value in match.items() if is_empty(value)]
        if empty:
            raise Reject(f"it cannot be identified: {', '.join(empty)} is empty")
        found = [
            existing
            for existing in map(self._existing, self._system.find(self._client.call, self.entity, match))
            if matches(self.entity, match, existing.record)
        ]
        if len(found) > 1:
            ids = ", ".join(sorted(existing.crm_id for existing in found))
            raise Reject(f"{len(found)} records have the same {', '.join(match)}: {ids}")
        return found[0] if found else None

    def _altered_match(self, match: Mapping[str, Any], known: Written | None) -> Existing | None:
        """The record that an earlier run gave these match fields, if the CRM altered one: it cut it, for example."""
        if known is None or not any(name in known.altered for name in match):
            return None
        existing = self._get(known.crm_id)
        if existing is None:
            return None
        now = existing.record
        kept = {name: value for name, value in match.items() if name not in known.altered}
        rest = (known.altered[name] == (digest(match[name]), digest(now.get(name))) for name in match.keys() - kept)
        return existing if all(rest) and matches(self.entity, kept, now) else None

    def _get(self, crm_id: str) -> Existing | None:
        row = self._system.get(self._client.call, self.entity, crm_id)
        return None if row is None else self._existing(row)

    def _existing(self, row: Row) -> Existing:
        return Existing("|".join(str(row[name]) for name in self.entity.key), row, self._reader(row))

    def _create(self, key: str, mapped: Mapped, fingerprint: str, known: Written | None) -> Outcome:
        if self._options.write_mode == "update_only":
            return Outcome(Action.SKIP, key)
        values = self._mapper.complete(mapped.values)
        changes = tuple(Change(name, None, value) for name, value in values.items())
        left_open = self._links(key, mapped)
        if self._options.dry_run:
            self._references.planned.setdefault(key, set()).add(self.entity.name)
            return Outcome(Action.CREATE, key, changes=changes, left_open=left_open)
        self._leave_open(key, mapped, left_open)
        created = self._create_once(key, values, known)
        altered = self._altered({**mapped.values, **values}, created.record)
        self._note(key, created.crm_id, fingerprint, altered)
        silent = tuple(each for each in altered if not is_empty(each.before))
        return Outcome(Action.CREATE, key, created.crm_id, changes, silent, left_open)

    def _create_once(self, key: str, values: dict[str, Any], known: Written | None) -> Existing:
        """Creates a record exactly once, whatever happens to the answer."""
        intent = Intent(self._options.stream, key, self.entity.name, self._client.server_time(), values)
        self._ledger.intend(intent, known)
        unknown: CrmError | None = None
        for _attempt in range(ATTEMPTS):
            try:
                with self._gate.shared():
                    created = self._existing(self._system.create(self._client.call, self.entity, values))
                    self._ours.add(created.crm_id)
                    return created
            except (OutcomeUnknown, ProtocolError) as error:
                unknown = error
            except CrmError:
                self._ledger.drop_intent(intent.stream, intent.key)
                raise
            self._client.sleep(self._options.settle_seconds)
            found = self._made_by(intent)
            if found is not None:
                return found
        self._ledger.drop_intent(intent.stream, intent.key)
        raise self._given_up(unknown)

    def _given_up(self, unknown: CrmError | None) -> Exception:
        """What is wrong when no attempt at a create had an answer or an effect."""
        code = unknown.code if unknown else ""
        if isinstance(unknown, ProtocolError):
            return unknown
        if code == "HTTP 500":
            return Reject("the server fails on it (HTTP 500) and stores nothing")
        return Unavailable(f"{self.entity.name}: create: the connection breaks again and again", code=code)

    def _made_by(self, intent: Intent) -> Existing | None:
        """The record that a create with a lost answer made, None if it made none."""
        sent = {name: self._mapper.typed(name, value) for name, value in intent.sent.items() if self.entity.field(name)}
        with self._gate.alone():
            found: Existing | None = None
            if self._options.match_fields:
                with suppress(Reject):
                    found = self._match({name: sent.get(name) for name in self._options.match_fields})
            found = found or self._look_for(intent, sent)
            if found:
                self._ours.add(found.crm_id)
            return found

    def _look_for(self, intent: Intent, sent: Mapping[str, Any]) -> Existing | None:
        """The record among those made since the intent that is most like what was sent, and nobody else's.

        One that was changed after it was made may differ in some fields.
        """
        since = intent.at - CLOCK_MARGIN
        walks = self._system.walks(self._client.call, self.entity, since, parallel=1)
        rows = [self._existing(row) for walk in walks for page in walk(self._client.call) for row in page.rows]
        made = [row for row in rows if self._is_made_since(row, since) and row.crm_id not in self._ours]
        taken = self._ledger.keys_of(self.entity.name, [row.crm_id for row in made])
        free = [row for row in made if row.crm_id not in taken]
        likely = [row for row in free if resembles(self.entity, sent, row.record)]
        likely = likely or [row for row in free if self._is_changed(row) and mostly(self.entity, sent, row.record)]
        return max(likely, key=lambda row: likeness(self.entity, sent, row.record), default=None)

    def _is_made_since(self, existing: Existing, since: datetime) -> bool:
        made = existing.record.get(self.entity.creation_key or "")
        return made is None or datetime.fromisoformat(made) >= since

    def _is_changed(self, existing: Existing) -> bool:
        made, changed = (
            existing.record.get(name or "") for name in (self.entity.creation_key, self.entity.replication_key)
        )
        return bool(made) and made != changed

    def _update(self, key: str, mapped: Mapped, fingerprint: str, existing: Existing, known: Written | None) -> Outcome:
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, existing.crm_id)
        changes = self._differences(mapped.values, existing, known, fingerprint)
        left_open = self._links(key, mapped)
        if self._options.dry_run:
            action = Action.UPDATE if changes else Action.UNCHANGED
            return Outcome(action, key, existing.crm_id, changes, left_open=left_open)
        self._leave_open(key, mapped, left_open)
        before = known.altered if known else {}
        if not changes:
            if known is None or known.digest != fingerprint:
                self._note_written(key, existing.crm_id, fingerprint, before)
            return Outcome(Action.UNCHANGED, key, existing.crm_id, left_open=left_open)
        values = {change.field: change.after for change in changes}
        stored = self._existing(self._system.update(self._client.call, self.entity, existing.row, values))
        altered = self._altered(values, stored.record)
        kept = {name: pair for name, pair in before.items() if name not in values}
        self._note(key, existing.crm_id, fingerprint, altered, kept)
        silent = tuple(each for each in altered if not is_empty(each.before))
        return Outcome(Action.UPDATE, key, existing.crm_id, changes, silent, left_open)

    def _differences(
        self, values: Mapping[str, Any], existing: Existing, known: Written | None, fingerprint: str
    ) -> tuple[Change, ...]:
        """What is to be changed. A value that the CRM altered when it was last sent is not sent again."""
        found = []
        for name, value in values.items():
            kind = self._kind(name)
            if name not in existing.record:
                if not is_empty(value) and not (known and known.digest == fingerprint):
                    found.append(Change(name, None, value))
                continue
            now = existing.record[name]
            remembered = known.altered.get(name) if known else None
            if not same(kind, value, now) and remembered != (digest(value), digest(now)):
                found.append(Change(name, now, value))
        return tuple(found)

    def _altered(self, sent: Mapping[str, Any], stored: Row) -> tuple[Change, ...]:
        return tuple(
            Change(name, value, stored[name])
            for name, value in sent.items()
            if name in stored and not same(self._kind(name), value, stored[name])
        )

    def _note(
        self,
        key: str,
        crm_id: str,
        fingerprint: str,
        altered: tuple[Change, ...],
        kept: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        pairs = {each.field: (digest(each.before), digest(each.after)) for each in altered}
        self._note_written(key, crm_id, fingerprint, {**(kept or {}), **pairs})

    def _note_written(self, key: str, crm_id: str, fingerprint: str, altered: Mapping[str, tuple[str, str]]) -> None:
        self._ledger.note(self._options.stream, key, Written(self.entity.name, crm_id, fingerprint, altered))

    def _links(self, key: str, mapped: Mapped) -> tuple[Link, ...]:
        fields = {each.name: each.refers_to for each in self.entity.fields}
        return tuple(
            Link(self._options.stream, key, name, fields[name], to_key) for name, to_key in mapped.open_links.items()
        )

    def _leave_open(self, key: str, mapped: Mapped, links: tuple[Link, ...]) -> None:
        """Noted before the write, so that a crash in between loses no reference."""
        if self._references.may_come_later:
            given = [name for name in mapped.as_given if self._refers(name)]
            if given:
                self._ledger.leave_open(self._options.stream, key, given, links)

    def _delete(self, key: str) -> Outcome:
        if self._options.deletes == "ignore":
            return Outcome(Action.SKIP, key)
        known = self._ledger.written(self._options.stream, key)
        crm_id = key if self._options.identify_by == "id" else known.crm_id if known else None
        existing = self._get(crm_id) if crm_id else None
        if self._options.dry_run:
            return Outcome(Action.DELETE if existing else Action.SKIP, key, existing.crm_id if existing else "")
        if existing:
            self._delete_once(existing.crm_id)
        self._ledger.forget(self._options.stream, key)
        return Outcome(Action.DELETE if existing else Action.SKIP, key, existing.crm_id if existing else "")

    def _delete_once(self, crm_id: str) -> None:
        for _attempt in range(ATTEMPTS):
            try:
                self._system.delete(self._client.call, self.entity, crm_id)
            except OutcomeUnknown as error:
                code = error.code
                self._client.sleep(self._options.settle_seconds)
                if self._get(crm_id) is None:
                    return
            except Denied:
                # So is a delete that is repeated because its answer was lost.
                if self._get(crm_id) is None:
                    return
                raise
            else:
                return
        raise Unavailable(f"{self.entity.name}: delete: the connection breaks again and again", code=code)

    def _kind(self, name: str) -> Kind:
        found = self.entity.field(name)
        return found.kind if found else Kind.ANY


def _coarse(value: Any) -> str:
    """The same text for values that may count as equal, in the CRM or here."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(Decimal(value).normalize())
    return unicodedata.normalize("NFKD", str(value)).casefold().strip()
