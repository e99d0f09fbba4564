"""What InTouch takes: creates, links and changes."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from crm_systems.errors import CrmError, Denied, OutcomeUnknown, ProtocolError, Rejected, ServerFault
from crm_systems.intouch.answers import NOT_OFFERED
from crm_systems.intouch.look_up import InTouchLookUp
from crm_systems.intouch.records import as_json, merged, normalised, with_contacts
from crm_systems.model import Request
from crm_systems.rows import is_identifier, key_of, record_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row


class InTouchWriting(InTouchLookUp):
    """What of InTouch writes; a change may need the whole record first."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._without_patch: set[str] = set()

    @property
    def _linking(self) -> str:
        return str(self.options["member_linking"])

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """A POST without id; a membership by ``connect-member``."""
        body = self.encoded(entity, with_contacts(entity, values, {}))
        if entity.name == "members":
            return self._link(call, entity, body)
        request = Request("POST", f"{entity.name}: create", f"/{entity.name}", json=body, repeatable=False)
        return self._written(call, entity, call(request), f"{entity.name}: create")

    def _link(self, call: Call, entity: Entity, body: dict[str, Any]) -> Row:
        """Links an organisation and a member; the vendor documents only that this can be done."""
        path = "/parties/connect-member"
        if self._linking == "path":
            path = f"/parties/{body['org']}/connect-member/{body['member']}"
        told = call(Request("POST", "members: link", path, json=body, repeatable=False))
        if told is not None and not isinstance(told, dict):
            raise OutcomeUnknown("members: link: the answer is no record")
        is_link = all(str((told or {}).get(name)) == str(body[name]) for name in entity.key)
        row: Row = {**body, **told} if is_link and told else body
        if self._members is not None:
            self._members[key_of(entity, row)] = row
        return row

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """PATCH with the changed fields; where that is not offered, PUT with the whole record as it is now."""
        changed = merged(entity, with_contacts(entity, values, current), current)
        body = self.encoded(entity, changed)
        about, path = f"{entity.name}: change", f"/{entity.name}/{current['id']}"
        if entity.name not in self._without_patch:
            try:
                return self._written(call, entity, call(Request("PATCH", about, path, json=body)), about, current["id"])
            except (Rejected, Denied, ServerFault) as error:
                if error.code not in NOT_OFFERED:
                    raise
        whole = self._one(call, entity, str(current["id"]))
        told = call(Request("PUT", about, path, json={**whole, **body}))
        self._without_patch.add(entity.name)
        return self._written(call, entity, told, about, current["id"])

    def _written(self, call: Call, entity: Entity, told: Any, about: str, identifier: Any = None) -> Row:
        """The record as it was stored (documented as the answer to each write), else as it is read now.

        Raises:
            OutcomeUnknown: the answer to a create does not tell the id.
            ProtocolError: that to a change is another record, or none and no object.
        """
        if identifier is not None and told is not None:
            names = [field.name for field in entity.fields]
            is_bare_yes = isinstance(told, dict) and not any(name in names for name in told)
            with suppress(ProtocolError) if is_bare_yes else nullcontext():
                told = record_with(told, str(identifier), names, about)
        number = told.get("id", identifier) if isinstance(told, dict) else identifier
        if not is_identifier(number) or not str(number).strip("0"):
            raise OutcomeUnknown(f"{about}: the answer does not tell the record's id")
        is_record = isinstance(told, dict) and is_identifier(told.get("id")) and len(told) > 1
        row = normalised(told) if is_record else self._read_back(call, entity, number)
        self._index.note(entity, row)
        return row

    def _read_back(self, call: Call, entity: Entity, number: Any) -> Row:
        """A record that was just written; what cannot be read now was written nevertheless."""
        with suppress(CrmError):
            return self.get(call, entity, str(number)) or {"id": number}
        return {"id": number}

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """JSON, with the numbers of code lists as numbers."""
        numbers = entity.private.get("numbers", ())
        fields = {field.name: field for field in entity.fields}
        return {
            name: as_json(fields[name], value, self.notation, as_number=name in numbers)
            for name, value in values.items()
        }
