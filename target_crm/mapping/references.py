"""Who a reference points to: from the terms of the source to an id of this CRM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crm_systems.errors import Denied, Rejected
from crm_systems.kinds import Reader
from crm_systems.wire import matches
from target_crm.mapping.keys import keys_meant_by
from target_crm.outcome import AsksCrm, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_systems.client import Client
    from crm_systems.model import Entity, Field
    from target_crm.ledger import Ledger
    from target_crm.options import StreamOptions

HAS_WORD = re.compile(r"[^\W\d_]{2}")
"""What a label has and an id such as ``12x62`` has not."""

TO_BE_CREATED = "(to be created)"
"""Stands, in a dry run, before the key of a record that has no id yet."""


class References:
    """Resolves the references of one stream.

    A record may name the one it means by what the ledger knows of the source, or by its label in this CRM; one that is
    not identified by ``ledger`` also by its id in this CRM.
    """

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        options: StreamOptions,
        describe: Callable[[str], Entity],
        planned: dict[str, set[str]],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._describe = describe
        self._by_ledger = self.may_come_later = options.identify_by == "ledger"
        """Whether a record is written without a reference that cannot be resolved yet, to be set when it can."""
        self._by_id = options.identify_by == "id"
        self._there: dict[tuple[str, str], str | None] = {}
        self.planned = planned
        """The records that a dry run would create, so that what refers to them is no problem: entities by key."""

    def look_ahead(self, values: Iterable[Any]) -> None:
        """Asks the ledger at once for what these references, texts and numbers, point to."""
        if not self._by_id:
            self._ledger.pointed_to.look_ahead(name for value in values for name in keys_meant_by(value))

    def id_of(self, field: Field, value: Any, *, at_hand: bool = False) -> str | None:
        """The id that a reference points to, None where nothing is known of it.

        Raises:
            Reject: it could be several records.
            AsksCrm: neither the ledger nor what is planned tells, and nothing but what is ``at_hand`` may.
        """
        names = keys_meant_by(value)
        for name in names:
            found = [] if self._by_id else self._ledger.pointed_to.ids_of(field.refers_to, name)
            if len(found) > 1:
                raise Reject(f"its {field.name} could point to {', '.join(found)}")
            if found:
                return found[0]
            entities = self.planned.get(name)
            if entities and (not field.refers_to or entities.intersection(field.refers_to)):
                return f"{TO_BE_CREATED} {name}"
        if at_hand:
            # The record that it points to may also be among those that are being written.
            raise AsksCrm
        return self._in_crm(field, names[0]) if not self._by_ledger or HAS_WORD.search(names[0]) else None

    def _in_crm(self, field: Field, value: str) -> str | None:
        """A record that has this id, or else this label; looked up once."""
        place = (",".join(field.refers_to), value)
        if place in self._there:
            return self._there[place]
        found = self._look_up(field, value)
        # By ledger, what is missing now can only come by the ledger.
        if found is not None or self._by_ledger:
            self._there[place] = found
        return found

    def _look_up(self, field: Field, value: str) -> str | None:
        labelled: list[str] = []
        hidden = False
        for name in field.refers_to:
            try:
                entity = self._describe(name)
                if not self._by_ledger and self._client.system.get(self._client.call, entity, value) is not None:
                    return value
                if not self._by_id:
                    labelled += self._labelled(entity, value)
            except (Denied, Rejected):
                hidden = True
        if len(labelled) > 1:
            raise Reject(f"its {field.name} could point to {', '.join(labelled)}")
        if not labelled and hidden and not self._by_ledger and not HAS_WORD.search(value):
            # Nobody may look whether it is there, so the CRM itself has to say.
            return value
        return labelled[0] if labelled else None

    def _labelled(self, entity: Entity, label: str) -> list[str]:
        if entity.label_field is None:
            return []
        match = {entity.label_field: label}
        rows = self._client.system.find(self._client.call, entity, match)
        reader = Reader(entity, self._client.system.notation)
        return [str(row[entity.key[0]]) for row in rows if matches(entity, match, reader(row))]
