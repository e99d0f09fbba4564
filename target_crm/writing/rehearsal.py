"""What a dry run would have written by now, so that a record that comes twice is planned as it will be met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from crm_systems.wire import identifying, is_empty, same
from target_crm.ledger import short_digest
from target_crm.outcome import Action, Change, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_crm.mapping import Mapper
    from target_crm.writing.finding import Existing
    from target_crm.writing.planned import Came


class Rehearsal:
    """The records of one stream that were planned; any number of threads may ask about different ones."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper
        self._options = mapper.options
        self._planned: dict[str, Existing | None] = {}
        """By what a record is recognised by; None where what the CRM has under it would have other values by now."""

    def note(self, came: Came, existing: Existing) -> None:
        """Remembers what would be in the CRM when a record is written over one that is there."""
        planned = replace(existing, record={**existing.record, **came.mapped.values})
        places = self._match(existing.record), self._match(planned.record), self._key(came)
        self._planned.update(zip(places, (None, planned, planned), strict=True))

    def again(self, came: Came) -> Outcome | None:
        """What would be done with a record that came before; None with one that did not."""
        met = self._planned.get(self._key(came))
        if met is None:
            return None
        if self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, came.key, met.crm_id)
        changes = tuple(
            Change(name, met.record.get(name), value)
            for name, value in came.mapped.values.items()
            if not same(self._mapper.kind_of(name), value, met.record.get(name))
        )
        self.note(came, met)
        return Outcome(Action.UPDATE if changes else Action.UNCHANGED, came.key, met.crm_id, changes)

    def found(self, came: Came, existing: Existing | None) -> Existing | None:
        """What would be there, in place of what the CRM has, that is recognised by the same values."""
        match = self._match(came.mapped.values)
        return self._planned.get(match, existing) if match else existing

    def _key(self, came: Came) -> str:
        match = self._match(came.mapped.values) if self._options.identify_by == "fields" else ""
        return f"key {came.key} {match}"

    def _match(self, values: Mapping[str, Any]) -> str:
        """Equal for records with the same match fields; empty where one says nothing."""
        names, mapper = self._options.match_fields, self._mapper
        match = [identifying(mapper.kind_of(name), values.get(name)) for name in names]
        return "" if not match or any(map(is_empty, match)) else f"match {list(map(short_digest, match))}"
