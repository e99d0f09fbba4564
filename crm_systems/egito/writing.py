"""What Egito takes: creates, and changes of whole records."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crm_systems.egito.answers import id_in
from crm_systems.egito.forms import FORM, dotted, form, merged
from crm_systems.egito.look_up import DATA, EgitoLookUp
from crm_systems.egito.records import normaliser, written
from crm_systems.errors import CrmError, Denied, OutcomeUnknown, ProtocolError
from crm_systems.model import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row


class EgitoWriting(EgitoLookUp):
    """What of Egito writes; a change gets the record first. Of deletions only marketing text tells."""

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """``create`` answers the id only (documented); the record is read back."""
        body = merged({}, self.encoded(entity, values))
        told = call(self._saving(entity, "create", body, repeatable=False))
        identifier = id_in(told)
        if not identifier:
            raise OutcomeUnknown(f"{entity.name}: create: the answer does not tell the record's id")
        return self._saved(call, entity, {**body, "id": told["id"]})

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """The whole record as it is now, with the changes, as a form is saved: what is left out may be blanked.

        Of an answer that tells no id, which is documented, the record itself shows whether it was changed.
        """
        record = self._one(call, entity, str(current["id"]))
        if not record:
            raise Denied(f"{entity.name}: update: the record is gone")
        fixed = {field.name for field in entity.fields if not field.writable}
        whole = {name: value for name, value in record.items() if name not in fixed}
        body = {**merged(whole, self.encoded(entity, values)), "id": current["id"]}
        told = id_in(call(self._saving(entity, "update", body, repeatable=True)))
        if told != str(current["id"]) and (told or self._one(call, entity, str(current["id"])) == record):
            raise ProtocolError(f"{entity.name}: update: the answer does not tell the record's id")
        return self._saved(call, entity, body)

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Times as the tenant writes them; all else finds its text, or its place in JSON, with the body."""
        return {
            name: written(entity, field, value, self.notation.zone)
            for name, value in values.items()
            if (field := entity.field(name))
        }

    def _saving(self, entity: Entity, operation: str, body: Row, *, repeatable: bool) -> Request:
        about, path = f"{entity.name}: {operation}", f"{DATA}/{entity.name}/{operation}"
        if self.options["write_format"] == "form":
            headers = {"Content-Type": f"{FORM}; charset=UTF-8"}
            return Request("POST", about, path, form=form(body), headers=headers, repeatable=repeatable)
        shown = dotted(body) if self.options["write_format"] == "dotted_json" else body
        return Request("POST", about, path, json=shown, repeatable=repeatable)

    def _saved(self, call: Call, entity: Entity, sent: Row) -> Row:
        """The record that was written; what cannot be read back was written nevertheless."""
        row: Row = {}
        with suppress(CrmError):
            row = self._one(call, entity, str(sent["id"]))
        normalised = normaliser(entity, self.notation.zone)
        self._index.note(entity, normalised(row or sent))
        return normalised(row) if row else {"id": sent["id"]}
