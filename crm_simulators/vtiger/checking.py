"""What the server checks before it writes, in its order."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.compare import key
from crm_simulators.vtiger.converting import text_of
from crm_simulators.vtiger.failures import Crashed, Refused, denied, unknown_error, wrong_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.schema import Field, Module
    from crm_simulators.vtiger.store import Record, Store

_LARGEST_PACKET = 16 * 1024 * 1024
"""Characters that the database takes at once (5 MB passed, 20 MB did not; the limit itself is inferred)."""
_ID = re.compile(r"(\d+)x(\w+)$")


def element_of(text: str | None) -> dict[str, Any]:
    """The parameter ``element``; an empty one, or no object, makes PHP throw."""
    if not text:
        raise Crashed
    if len(text) > _LARGEST_PACKET:
        raise unknown_error()
    try:
        element = json.loads(text)
    except ValueError:
        raise unknown_error() from None
    if element == []:
        return {}
    if not isinstance(element, dict):
        raise Crashed
    return element


class Checker:
    """Checks what one user wants to write."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access

    def record(self, identifier: str) -> Record:
        """The record that an id names, for reading or writing.

        Raises:
            Refused: ACCESS_DENIED for nearly everything, INVALID_ID_ATTRIBUTE for a record of another module.
        """
        match = _ID.match(identifier)
        module = self._store.by_prefix.get(int(match[1])) if match else None
        if match is None or module is None:
            raise denied("Permission to perform the operation is denied for id")
        self._access.listed(module.name)
        number = int(match[2]) if match[2].isdigit() else 0
        record = self._store.tables[module.name].rows.get(number)
        if record is None or record.deleted:
            raise self._missing(module, number)
        if not self._access.sees(record):
            raise denied("Permission to read given object is denied")
        return record

    def _missing(self, module: Module, number: int) -> Refused:
        if module.is_entity and module.name != "Users" and self._is_somewhere_else(module.name, number):
            return wrong_id()
        return wrong_id() if self._store.flavour.missing_is_wrong_id else denied()

    def _is_somewhere_else(self, name: str, number: int) -> bool:
        tables = (table for other, table in self._store.tables.items() if other not in {name, "Users"})
        rows = (table.rows.get(number) for table in tables if table.module.is_entity)
        return any(record is not None and not record.deleted for record in rows)

    def references(self, module: Module, element: Mapping[str, Any]) -> None:
        """Whether each reference and the owner have the form of an id, and of an allowed module.

        That the record exists is not checked (measured).
        """
        for field in module.fields.values():
            text = text_of(element.get(field.name))
            if not field.is_reference or not text or not field.editable:
                continue
            prefix, _, number = text.partition("x")
            if not prefix or not number:
                raise wrong_id()
            target = self._store.by_prefix.get(int(prefix)) if prefix.isdigit() else None
            if target is None:
                raise denied("Permission to perform the operation is denied for id")
            if field.kind == "reference" and target.name not in field.refers_to:
                raise Refused("REFERENCE_INVALID", f"Invalid reference specified for {field.name}")

    def mandatory(self, fields: Iterable[Field], element: Mapping[str, Any]) -> None:
        """Whether every mandatory field has a value; a blank and a zero are values."""
        for field in fields:
            value = element.get(field.name)
            if field.mandatory and not isinstance(value, dict) and text_of(value) == "":
                raise Refused("MANDATORY_FIELDS_MISSING", f"{self._name(field)} does not have a value")

    def _name(self, field: Field) -> str:
        return f"{field.label} ({field.name})" if self._store.flavour.is_corebos else field.name

    def choices(self, module: Module, element: Mapping[str, Any], held: Mapping[str, Any]) -> None:
        """Whether each pick list has its value, or the record has it already; only berliCRM asks (measured)."""
        for name, value in element.items() if self._access.switches.is_berlicrm else ():
            field = module.fields.get(name)
            if (
                field is None
                or field.kind != "picklist"
                or name == "activitytype"
                or value in ("", None, held.get(name))
            ):
                continue
            if text_of(value) not in field.choices:
                raise denied(f"Illegal value ({text_of(value)}) for {name} ({field.label})")

    def owner(self, element: Mapping[str, Any]) -> bool:
        """Whether the owner, if there is one, exists: any user's or group's number, whatever the prefix (measured).

        Raises:
            Refused: the owner is gone, and the user is no administrator (inferred).
        """
        text = text_of(element.get("assigned_user_id"))
        if not text:
            return True
        record = self._store.lookup(text)
        exists = record is not None and record.module in {"Users", "Groups"}
        if not exists and not self._access.user.is_admin:
            raise denied("Cannot assign record to the given user")
        return exists

    def unique(self, module: Module, element: Mapping[str, Any], own: Record | None = None) -> None:
        """Whether the unique name is still free; the refusal has the integer 0 as its code (measured)."""
        name = key(text_of(element.get(module.unique or "")))
        if not name or not self._access.switches.unique_names:
            return
        table = self._store.tables[module.name]
        taken = table.names[name]
        if own is not None and key(table.value(own, module.unique or "") or "") == name:
            taken -= 1
        if taken > 0:
            raise Refused(0, "Duplicate(s) detected!")
