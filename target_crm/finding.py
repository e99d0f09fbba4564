"""The record in the CRM that an incoming record means: none, one, or several. A failed look-up is never "none"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_systems import kinds
from crm_systems.rows import key_of
from crm_systems.wire import is_empty, matches
from target_crm.ledger import digest
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.client import Client
    from crm_systems.model import Entity, Row
    from target_crm.ledger import Written
    from target_crm.options import StreamOptions


@dataclass(frozen=True)
class Existing:
    """A record that is in the CRM."""

    crm_id: str
    row: Row
    """As the CRM gave it."""
    record: Row = field(default_factory=dict)
    """The same, typed."""


class Finder:
    """Finds the records of one stream in the CRM."""

    def __init__(self, client: Client, entity: Entity, options: StreamOptions) -> None:
        self._client = client
        self._system = client.system
        self._options = options
        self.entity = entity
        self._reader = kinds.Reader(entity, client.system.notation)

    def find(self, key: str, values: Mapping[str, Any], known: Written | None) -> Existing | None:
        """The record in the CRM, None if there is certainly none.

        Raises:
            Reject: there are several, or the one that is meant is gone.
        """
        if known and known.entity != self.entity.name:
            known = None
        if self._options.match_fields:
            match = {name: values.get(name) for name in self._options.match_fields}
            return self.match(match) or self._altered_match(match, known)
        if self._options.identify_by == "id":
            existing = self.get(key)
            if existing is None and self._options.write_mode != "update_only":
                raise Reject("the CRM has no record with this id")
            return existing
        if known is None:
            return None
        existing = self.get(known.crm_id)
        if existing is None:
            raise Reject(f"{known.crm_id}, which an earlier run wrote, is gone from the CRM")
        return existing

    def match(self, match: Mapping[str, Any]) -> Existing | None:
        """The record that has these values, by our comparison.

        Raises:
            Reject: there are several, or a value is empty.
        """
        empty = [name for name, value in match.items() if is_empty(value)]
        if empty:
            raise Reject(f"it cannot be identified: {', '.join(empty)} is empty")
        found = [
            existing
            for existing in map(self.existing, self._system.find(self._client.call, self.entity, match))
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
        existing = self.get(known.crm_id)
        if existing is None:
            return None
        now = existing.record
        kept = {name: value for name, value in match.items() if name not in known.altered}
        rest = (known.altered[name] == (digest(match[name]), digest(now.get(name))) for name in match.keys() - kept)
        return existing if all(rest) and matches(self.entity, kept, now) else None

    def get(self, crm_id: str) -> Existing | None:
        """The record with an id of this CRM."""
        row = self._system.get(self._client.call, self.entity, crm_id)
        return None if row is None else self.existing(row)

    def existing(self, row: Row) -> Existing:
        """A record from a row that the CRM gave.

        Raises:
            ProtocolError: the row does not have its key.
        """
        return Existing(key_of(self.entity, row), row, self._reader(row))
