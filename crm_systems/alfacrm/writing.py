"""What alfaCRM takes: creates, changes and deletions, each in a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm.lists import SYSTEM, address, branches_of, parent_of, spec_of
from crm_systems.alfacrm.look_up import AlfaCrmLookUp
from crm_systems.alfacrm.records import encoded, is_wiped
from crm_systems.catalogue import catalogue
from crm_systems.errors import CrmError, OutcomeUnknown, ProtocolError, Rejected
from crm_systems.kinds import Reader
from crm_systems.model import Request
from crm_systems.rows import record_in
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row


class AlfaCrmWriting(AlfaCrmLookUp):
    """What of alfaCRM writes; a change looks records up first."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._homes: dict[tuple[str, ...], int] = {}
        self._updates_whole = False

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """In the branch of the record or of its parent, else in the first; read again, since the answer is an echo."""
        parent = parent_of(entity, values)
        branch = self._branch_for(call, entity, values, parent)
        body = {**entity.private.get("defaults", {}), **self.encoded(entity, values)}
        for name, own in (("branch_ids", [branch]), ("branch_id", branch)):
            if name in entity.implied and is_empty(body.get(name)):
                body[name] = own
        path, about = address(entity, branch, "create"), f"{entity.name}: create"
        answer = call(Request("POST", about, path=path, query=parent or {}, json=body, repeatable=False))
        echo = answer.get("model") if isinstance(answer, dict) else None
        if not isinstance(echo, dict) or not str(echo.get("id")).isdecimal() or not int(echo["id"]):
            raise OutcomeUnknown(f"{about}: the server does not say what it created")
        try:
            row = self._stored(call, entity, str(echo["id"]), parent, branch) or echo
        except CrmError:
            # It is created: a reading that fails must not look like a create that did.
            row = echo
        return self._remembered(entity, row)

    def _branch_for(
        self, call: Call, entity: Entity, values: Mapping[str, Any], parent: Mapping[str, str] | None
    ) -> int:
        """The branch to create a record in.

        Raises:
            Rejected: it is none in which we work, so that we would never find the record again.
        """
        own = branches_of(values)
        if not own:
            return self._home(call, entity, parent)
        found = self._lists.branch_among(call, own)
        if found is None and not entity.private.get("branchless"):
            what = f"{entity.name}: its branch is closed, or left out by `branches`"
            raise Rejected(what, hint="name it in `branches` to work in it")
        return found or own[0]

    def _home(self, call: Call, entity: Entity, parent: Mapping[str, str] | None) -> int:
        """The branch of the parent; the first where there is no parent or it tells none."""
        place = (entity.name, *(parent or {}).values())
        if place not in self._homes:
            spec = spec_of(entity, parent) if parent else None
            row = self.get(call, catalogue(SYSTEM)[spec["entity"]], parent[spec["field"]]) if parent and spec else None
            self._homes[place] = self._branch_in(call, row or {})
        return self._homes[place]

    def _branch_in(self, call: Call, row: Mapping[str, Any]) -> int:
        known = self._lists.branches(call)
        return next((each for each in branches_of(row) if each in known), known[0])

    def _stored(
        self, call: Call, entity: Entity, identifier: str, parent: Mapping[str, str] | None, branch: int
    ) -> Row | None:
        """A record as it is stored now; it may have moved to another branch."""
        return self._one(call, entity, identifier, parent, branch) or self._one(call, entity, identifier, parent)

    def _remembered(self, entity: Entity, row: Row) -> Row:
        self._index.note(entity, row)
        if entity.name in self._parents:
            self._parents[entity.name][str(row["id"])] = parent_of(entity, row) or {}
        return row

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """Sends what changes (as the vendor's samples do); the whole record where a tenant turns out to want that.

        One client believes that an update wipes what it is not given: it shows when fields that were not sent are
        missed by the server, which may not name them, or are empty afterwards, or the record is in no list any more.
        """
        sent = self.encoded(entity, values)
        if not self._updates_whole:
            try:
                row = self._send_update(call, entity, current, sent)
            except Rejected as error:
                if error.field in sent:
                    raise
            except ProtocolError:
                pass  # It may be in no list any more; if there is another reason, the next answer has it too.
            else:
                if row and not is_wiped(entity, current, row, values):
                    return self._remembered(entity, row)
        typed = Reader(entity, self.notation)(current)
        writable = {name: value for name, value in typed.items() if (known := entity.field(name)) and known.writable}
        kept = {name: value for name, value in writable.items() if not is_empty(value) and name not in values}
        row = self._send_update(call, entity, current, {**self.encoded(entity, kept), **sent})
        self._updates_whole = True
        return self._remembered(entity, row or current)

    def _send_update(self, call: Call, entity: Entity, current: Row, body: Mapping[str, Any]) -> Row | None:
        """The record as it is stored then; None where no list shows it."""
        parent, branch = parent_of(entity, current), self._branch_in(call, current)
        query = {"id": str(current["id"]), **(parent or {})}
        about = f"{entity.name}: update"
        answer = call(Request("POST", about, path=address(entity, branch, "update"), query=query, json=body))
        if "success" not in record_in(answer, about) and "model" not in answer:
            raise ProtocolError(f"{about}: the server does not say that it changed the record")
        return self._stored(call, entity, str(current["id"]), parent, branch)

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """In the record's own branch; whether it is gone or archived then is not documented."""
        row = self.get(call, entity, identifier)
        if row is None:
            return
        query = {"id": identifier, **(parent_of(entity, row) or {})}
        path = address(entity, self._branch_in(call, row), "delete")
        call(Request("POST", f"{entity.name}: delete", path=path, query=query, json={}, repeatable=False))
        self._lists.forget(entity)

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Typed values by the names and in the forms of a write."""
        return encoded(entity, values, self.notation)
