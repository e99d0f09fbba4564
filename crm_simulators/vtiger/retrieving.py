"""One record as ``retrieve`` and the answers to writes show it, which is not as query shows it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.converting import decoded, encoded
from crm_simulators.vtiger.failures import Crashed, Refused
from crm_simulators.vtiger.inventory import with_lines
from crm_simulators.vtiger.schema import INVENTORY, LINE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.schema import Module
    from crm_simulators.vtiger.store import Record, Store

_NULL_REFERENCES = {"Contacts": ("account_id", "contact_id"), "Accounts": ("account_id",), "Invoice": ("potential_id",)}
"""References that stay null in 8.4's retrieve; everywhere else null becomes an empty string (measured)."""
_ACTOR_KEYS = {
    "Groups": "groupid",
    "Tax": "taxid",
    "DocumentFolders": "folderid",
    "CompanyDetails": "organization_id",
}
"""The bare number of a row, under the column's own name, in modules that are no entities (measured)."""
_NOT_RETRIEVED = {"Tax": ("compoundon", "regions")}


class Retriever:
    """Shows single records to one user."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access
        self._flavour = store.flavour

    def row(self, record: Record) -> dict[str, Any]:
        """The record; documents with their lines.

        Raises:
            Crashed: a document taxed by line has no lines (measured).
            Refused: the owner of a coreBOS record is gone.
        """
        module = self._store.modules[record.module]
        if self._flavour.is_corebos:
            return self._corebos_row(module, record)
        row = self._store.row(record)
        if not module.is_entity:
            return self._actor_row(module, record, row)
        if module.name == "Users":
            return row
        if module.name in {"Calendar", "Events"}:
            row["reminder_time"] = row["reminder_time"] or "0"
        kept = _NULL_REFERENCES.get(module.name, ()) if self._flavour.empty_is_null else ()
        row = {name: row[name] for name in self._access.in_order(module)}
        row = {name: "" if value is None and name not in kept else value for name, value in row.items()}
        if module.name in INVENTORY:
            row = self._document_row(row, record)
        lines = row.pop("_lines", {})
        if attachments := self._store.attachments.get(row["id"]):
            row["imageattachmentids"] = attachments
        if self._access.switches.is_berlicrm:
            row = {name: decoded(value) if isinstance(value, str) else value for name, value in row.items()}
        return {**row, "label": record.label if record.label is not None else self._label(module, record), **lines}

    def _document_row(self, row: dict[str, Any], record: Record) -> dict[str, Any]:
        if record.values.get("hdnTaxType") == "individual" and not self._store.lines_of(record):
            raise Crashed
        renamed = {"discount_percent": "hdnDiscountPercent", "discount_amount": "hdnDiscountAmount"}
        shown = {
            renamed.get(name, name): value for name, value in row.items() if name in renamed or name not in LINE_COLUMNS
        }
        return {**shown, "_lines": with_lines(self._store, record)}

    def revised_document(self, record: Record, sent: Mapping[str, Any]) -> dict[str, Any]:
        """A document as the answer to a revise shows it: what was sent first, and columns of the first line."""
        row = self.row(record)
        for name in [name for name in row if name.startswith("shipping")] + ["LineItems_FinalDetails"]:
            del row[name]
        label, lines = row.pop("label"), row.pop("LineItems")
        row.update(dict.fromkeys(("hdnDiscountPercent", "hdnDiscountAmount"), ""))
        joined = {name: lines[0].get(name) if lines else None for name in LINE_COLUMNS}
        undescribed = ("image", "purchase_cost", "margin")
        row.update({**joined, **dict.fromkeys(undescribed)})
        described = [item["name"] for item in self._store.modules[record.module].describe["fields"]]
        place = described.index("source")
        described[place:place] = undescribed
        order = [name for name in ("id", *sent, "conversion_rate", *described) if name in row]
        return {**{name: row[name] for name in order}, "label": label, "LineItems": lines}

    def _actor_row(self, module: Module, record: Record, row: dict[str, Any]) -> dict[str, Any]:
        hidden = _NOT_RETRIEVED.get(module.name, ())
        row = {name: row[name] for name in module.columns if name not in hidden}
        number = _ACTOR_KEYS.get(module.name)
        if number is None and module.name != "LineItem":
            return row
        identifier = row.pop("id", None)
        return {**({number: str(record.number)} if number else {}), **row, "id": identifier}

    def _label(self, module: Module, record: Record) -> str:
        table = self._store.tables[module.name]
        return encoded(" ".join(table.value(record, name) or "" for name in module.label_fields).strip())

    def _corebos_row(self, module: Module, record: Record) -> dict[str, Any]:
        if self._access.owner_is_gone(record):
            raise Refused("INVALID_ID_ATTRIBUTE", "Invalid owner of the record")
        row = self._store.row(record)
        row = {name: row[name] for name in module.columns}
        if module.is_entity:
            row["cbuuid"] = _uuid(self._store.id(record))
        return row

    def with_names(self, row: dict[str, Any], name: str) -> dict[str, Any]:
        """What coreBOS adds for each reference: ``<field>ename`` with module, name and uuid."""
        references = self._store.modules[name].references
        for field in sorted(references, key=lambda field: field == "assigned_user_id"):
            target = self._store.lookup(row.get(field) or "")
            if target:
                person = target.module in {"Users", "Groups"}
                label = self._name(target)
                uuid = "" if person else _uuid(row[field])
                row[f"{field}ename"] = {"module": target.module, "reference": label, "cbuuid": uuid}
        return row

    def _name(self, record: Record) -> str:
        module = self._store.modules[record.module]
        parts = ("first_name", "last_name") if module.name == "Users" else module.label_fields
        return " ".join(self._store.tables[module.name].value(record, part) or "" for part in parts)


def _uuid(identifier: str) -> str:
    return hashlib.sha1(identifier.encode()).hexdigest()  # noqa: S324 - only looks like coreBOS's
