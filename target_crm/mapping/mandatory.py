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
        needed = [each for each in entity.fields if each.mandatory and each.writable]
        self._needed = [each.name for each in needed if each.name not in entity.implied]
        self._needed_owners = [each.name for each in needed if each.kind is Kind.OWNER]
        self._owners = owners

    def missing(self, given: set[str]) -> list[str]:
        """Those that are not among the given ones."""
        missing = [name for name in self._needed if name not in given]
        if missing and self._owners.has_default:
            missing = [name for name in missing if name not in self._needed_owners]
        return missing

    def hint(self, missing: list[str]) -> str:
        """What to do where an owner is missing."""
        is_owner = any(name in missing for name in self._needed_owners)
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
        filled = {name: value for name, value in values.items() if value or not is_empty(value)}
        if lacking := self.lacking(set(filled)):
            raise Reject(lacking[0])
        for name in self._needed_owners:
            if name not in filled:
                filled[name] = self._owners.id_of(None)
        return filled
