"""What a record must have before it can be created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.model import Kind
from crm_systems.wire import is_empty
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Entity
    from target_crm.mapping.owners import Owners


class Mandatory:
    """The fields of an entity that the CRM needs in a new record."""

    def __init__(self, entity: Entity, owners: Owners) -> None:
        self._fields = entity.fields
        self._implied = entity.private.get("implied", ())
        self._owners = owners

    def missing(self, given: set[str]) -> list[str]:
        """Those that are not among the given ones."""
        return [
            each.name
            for each in self._fields
            if each.mandatory
            and each.writable
            and each.name not in given
            and not (each.kind is Kind.OWNER and self._owners.has_default)
            and each.name not in self._implied
        ]

    def hint(self, missing: list[str]) -> str:
        """What to do where an owner is missing."""
        is_owner = any(each.kind is Kind.OWNER for each in self._fields if each.name in missing)
        return ": set `default_owner`, or map a field to it with `streams`" if is_owner else ""

    def lacking(self, given: set[str]) -> list[str]:
        """What a record lacks, as one sentence; none if it lacks nothing."""
        missing = self.missing(given)
        if not missing:
            return []
        return [f"it has no {', '.join(missing)}, which the CRM needs{self.hint(missing)}"]

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a record that is to be created: without empty ones, with an owner.

        Raises:
            Reject: a mandatory field is empty.
        """
        filled = {name: value for name, value in values.items() if not is_empty(value)}
        if lacking := self.lacking(set(filled)):
            raise Reject(lacking[0])
        for each in self._fields:
            if each.kind is Kind.OWNER and each.mandatory and each.writable and each.name not in filled:
                filled[each.name] = self._owners.id_of(None)
        return filled
