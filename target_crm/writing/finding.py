"""The record in the CRM that an incoming record means: none, one, or several. A failed look-up is never "none"."""

from __future__ import annotations

import threading
import unicodedata
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from crm_systems import kinds
from crm_systems.beside import CONTENT
from crm_systems.compiled import Rows
from crm_systems.errors import OF_ONE_RECORD
from crm_systems.model import Kind
from crm_systems.rows import key_of
from crm_systems.wire import is_empty, matches
from target_crm.ledger import Base, digest, short_digest
from target_crm.mapping import FileReader, brings_files
from target_crm.outcome import AsksCrm, Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.client import Client
    from crm_systems.model import Entity, Row
    from target_crm.ledger import Written
    from target_crm.mapping import Mapper
    from target_crm.options import StreamOptions


AT_ONCE = 90
"""How many records are looked up in the CRM by one request; its answer must hold them all."""
_FOLDED = kinds.TEXTS - {Kind.OWNER}
"""Kinds of fields whose values are compared as texts."""


def _folded(value: Any) -> str:
    """The same for texts that :func:`~crm_systems.wire.matches` may take for one, if one of them is ASCII."""
    return unicodedata.normalize("NFC", str(value)).casefold().strip()


def _gone(known: Written) -> Reject:
    return Reject(f"{known.crm_id}, which an earlier run wrote, is gone from the CRM, or this user may not see it")


def _was_sent(match: Mapping[str, Any], known: Written) -> bool:
    """Whether an earlier run gave a record these match values; False where nobody knows."""
    base = Base(known.base)
    return all(base.was_sent(name, short_digest(value)) for name, value in match.items())


class Existing(msgspec.Struct, frozen=True):
    """A record that is in the CRM."""

    crm_id: str
    row: Row
    """As the CRM gave it."""
    record: Row = msgspec.field(default_factory=dict)
    """The same, typed."""
    may_be_half_made: bool = False
    """Whether the answer to its create was lost, so that the CRM may have failed over the rest of it."""


class Ahead:
    """What is looked up for a batch of records at once, so that none costs a request or a statement of its own.

    It is good for one decision about each of them; any number of threads may ask.
    """

    def __init__(self, known: Mapping[str, Written], sought: Iterable[str], finder: Finder) -> None:
        self.known = known
        """What the ledger says, by key; what is not there, it does not know."""
        self._finder = finder
        self._lock = threading.Lock()
        self._portion_of: dict[str, list[str]] = {}
        self._found: dict[str, list[Existing]] = {}
        coming = iter(dict.fromkeys(sought))
        while some := list(islice(coming, AT_ONCE)):
            self._portion_of.update(dict.fromkeys(some, some))

    def found(self, value: str) -> list[Existing] | None:
        """The records that may have a value by which a record of the batch is recognised; None where nobody looked.

        The first that asks looks for many; where that fails, each looks for itself.
        """
        with self._lock:
            portion = self._portion_of.get(value)
            if portion:
                for each in portion:
                    del self._portion_of[each]
                try:
                    self._found.update(self._finder.find_many(portion))
                except OF_ONE_RECORD:
                    return None
            return self._found.get(value)


class Finder:
    """Finds the records of one stream in the CRM."""

    def __init__(self, client: Client, entity: Entity, options: StreamOptions) -> None:
        self._client = client
        self._system = client.system
        self._options = options
        self.entity = entity
        self.held_by_rejected: set[str] = set()
        """Ids of what was to get other match values, or to be deleted, by incoming records that were rejected."""
        has_files = brings_files(entity, [CONTENT])
        self._read = FileReader(entity, client.system) if has_files else kinds.Reader(entity, client.system.notation)
        self._by_columns = None if has_files else Rows(self._read)

    def find(
        self,
        key: str,
        values: Mapping[str, Any],
        known: Written | None,
        ahead: Ahead | None = None,
        *,
        at_hand: bool = False,
    ) -> Existing | None:
        """The record in the CRM, None if there is certainly none. ``at_hand``: by what was looked up ``ahead``.

        Raises:
            Reject: there are several, or the one that is meant is gone.
            AsksCrm: what is at hand does not tell.
        """
        if known and known.entity != self.entity.name:
            known = None
        by_ledger = self._options.identify_by == "ledger"
        if self._options.match_fields and not (by_ledger and known):
            match = {name: values.get(name) for name in self._options.match_fields}
            if by_ledger and any(map(is_empty, match.values())):
                return None
            found = self.match(match, ahead, at_hand=at_hand) or self._altered_match(match, known, at_hand=at_hand)
            if found and known is None and found.crm_id in self.held_by_rejected:
                raise Reject(
                    f"{found.crm_id} still holds what identifies it, since its own record was rejected; mend that first"
                )
            return found or (self._given_before(match, known, at_hand=at_hand) if known else None)
        if self._options.identify_by == "id":
            there = ahead.found(key) if ahead else None
            existing = self._asked_for(key, at_hand=at_hand) if there is None else next(iter(there), None)
            if existing is None and self._options.write_mode != "update_only":
                raise Reject("the CRM shows this user no record with this id")
            return existing
        if known is None:
            return None
        existing = self._asked_for(known.crm_id, at_hand=at_hand)
        if existing is None:
            raise _gone(known)
        return existing

    def match(self, match: Mapping[str, Any], ahead: Ahead | None = None, *, at_hand: bool = False) -> Existing | None:
        """The record that has these values, by our comparison.

        Raises:
            Reject: there are several, or a value is empty.
            AsksCrm: nobody looked ahead, and nothing but what is ``at_hand`` may tell.
        """
        empty = [name for name, value in match.items() if is_empty(value)]
        if empty:
            raise Reject(f"it cannot be identified: {', '.join(empty)} is empty")
        first = next(iter(match.values()))
        there = ahead.found(first) if ahead and len(match) == 1 and isinstance(first, str) else None
        if there is None and at_hand:
            raise AsksCrm
        if there is None:
            there = [self.existing(row) for row in self._system.find(self._client.call, self.entity, match)]
        found = [existing for existing in there if matches(self.entity, match, existing.record)]
        if len(found) > 1:
            ids = ", ".join(sorted(existing.crm_id for existing in found))
            raise Reject(f"{len(found)} records have the same {', '.join(match)}: {ids}")
        return found[0] if found else None

    def sought(self, record: Mapping[str, Any], key: str, mapper: Mapper) -> str:
        """The value by which a record can be looked up along with others; empty where it cannot."""
        if not self._system.looks_up_many:
            return ""
        if self._options.identify_by == "id":
            return key
        if len(self._options.match_fields) != 1 or mapper.fields[self._options.match_fields[0]].kind not in _FOLDED:
            return ""
        name = self._options.match_fields[0]
        value = mapper.trimmed(name, mapper.typed(name, mapper.incoming(record, name)))
        # What else a server takes for the same text is compared one by one.
        return value if isinstance(value, str) and value.isascii() else ""

    def find_many(self, values: list[str]) -> dict[str, list[Existing]]:
        """The records that may have each of these values, which :meth:`sought` gave.

        Raises:
            Rejected, Denied, ProtocolError: one of them cannot be looked up.
        """
        by_id = self._options.identify_by == "id"
        name = self.entity.key[0] if by_id else self._options.match_fields[0]
        there: defaultdict[str, list[Existing]] = defaultdict(list)
        rows = self._system.find_many(self._client.call, self.entity, name, values)
        records = self._by_columns.records(rows) if self._by_columns else map(self._read, rows)
        for row, record in zip(rows, records, strict=True):
            existing = Existing(key_of(self.entity, row), row, record)
            there[existing.crm_id if by_id else _folded(record.get(name))].append(existing)
        return {each: there[each if by_id else _folded(each)] for each in values}

    def _altered_match(self, match: Mapping[str, Any], known: Written | None, *, at_hand: bool) -> Existing | None:
        """The record that an earlier run gave these match fields, if the CRM altered one: it cut it, for example."""
        if known is None or not any(name in known.altered for name in match):
            return None
        existing = self._asked_for(known.crm_id, at_hand=at_hand)
        if existing is None:
            return None
        now = existing.record
        kept = {name: value for name, value in match.items() if name not in known.altered}
        rest = (known.altered[name] == (digest(match[name]), digest(now.get(name))) for name in match.keys() - kept)
        return existing if all(rest) and matches(self.entity, kept, now) else None

    def _given_before(self, match: Mapping[str, Any], known: Written, *, at_hand: bool) -> Existing | None:
        """The record that another run gave these values since all were read, where a look-up asks what was read once.

        Raises:
            Reject: it is hidden from this user, so that a create would double it.
        """
        if not _was_sent(match, known):
            return None
        existing = self._asked_for(known.crm_id, at_hand=at_hand)
        if existing is None and self._options.write_mode != "update_only":
            raise _gone(known)
        return existing if existing and matches(self.entity, match, existing.record) else None

    def _asked_for(self, crm_id: str, *, at_hand: bool) -> Existing | None:
        if at_hand:
            raise AsksCrm
        return self.get(crm_id)

    def get(self, crm_id: str) -> Existing | None:
        """The record with an id of this CRM."""
        row = self._system.get(self._client.call, self.entity, crm_id)
        return None if row is None else self.existing(row)

    def name_in(self, values: Mapping[str, Any]) -> str:
        """What people call the record that has these values."""
        return " ".join(str(values[name]) for name in self.entity.label_fields if not is_empty(values.get(name)))

    def existing(self, row: Row) -> Existing:
        """A record from a row that the CRM gave.

        Raises:
            ProtocolError: the row does not have its key.
        """
        return Existing(key_of(self.entity, row), row, self._read(row))
