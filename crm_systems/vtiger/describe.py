"""What Vtiger's describe says of a module, as an :class:`~crm_systems.model.Entity`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_systems.model import Choice, Entity, Field, Kind
from crm_systems.rows import fits, is_whole_number
from crm_systems.vtiger.corebos import LINE_ITEMS, TYPED, typed_fields
from crm_systems.vtiger.doubles import UNIQUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_systems.model import Row

KINDS = {
    "text": Kind.TEXT,
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "url": Kind.URL,
    "integer": Kind.INTEGER,
    "double": Kind.NUMBER,
    "currency": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "time": Kind.TIME,
    "picklist": Kind.PICKLIST,
    "multipicklist": Kind.MULTIPICKLIST,
    "reference": Kind.REFERENCE,
    "owner": Kind.OWNER,
    "file": Kind.FILE,
    "image": Kind.FILE,
}
"""The type names of describe; any other is a string."""

SECRET = frozenset({"accesskey", "user_password", "confirm_password", "user_hash", "crypt_type"})
"""Fields that are never read nor written, whatever describe says of them."""

UNDESCRIBED = dict.fromkeys(("discount_percent", "discount_amount", "purchase_cost", "margin"), Kind.NUMBER)
"""Kinds of fields that query returns and describe hides; any other is a string."""

READ_ONLY = frozenset({"id", "createdtime", "modifiedtime", "modifiedby", "created_user_id"})
"""Fields that the server sets itself, although describe calls some of them editable."""

WITHOUT_INVENTORY = frozenset({"8.4.0"})
"""Versions that take no invoice, quote nor order, since they look for the id of what has none yet (measured)."""

NEVER_WRITTEN = {"LineItem": "lines have no lasting ids, so they are written with their document, as its LineItems"}
"""Modules that describe calls writable, and why they are not: saving a document, or deleting one of its lines, gives
all its lines new ids, among them those that others had, and no line moves the document's totals (measured on 8.0.0)."""

NEVER_CREATED = frozenset({"Users"})
"""Modules that describe calls creatable and the server refuses to create (measured on 8.4.0)."""

ATTACHMENTS = "imageattachmentids"
"""What query adds to rows that have a file, and to no others; describe never names it, coreBOS nowhere (measured)."""

INVENTORY = frozenset({"Invoice", "Quotes", "SalesOrder", "PurchaseOrder"})
OFTEN_UNDESCRIBED = {
    "HelpDesk": ("update_log",),
    "LineItem": ("description",),
    **dict.fromkeys(INVENTORY, (*UNDESCRIBED, "image")),
}
"""What query returns and describe hides (measured on 8.4.0), for modules of which no row could be looked at."""
OF_LINES = re.compile(r"productid|quantity|listprice|comment|discount_amount|discount_percent|tax\d+")
"""Fields that a document shows of any one of its lines (measured); they are written with ``LineItems``."""
ACTIVITIES = frozenset({"Calendar", "Events"})
COMPUTED = frozenset({"duration_hours", "duration_minutes"})
"""What activities compute from start and end, whatever they are sent (measured on 7.2 to 8.4); events demand hours."""
IMPLIED = {"Calendar": ("activitytype",)}
"""Mandatory fields that a create fills in by itself."""
LINES = Field(
    LINE_ITEMS,
    Kind.LIST,
    "Line items",
    readable=False,
    items=(
        Field("productid", Kind.REFERENCE, mandatory=True, refers_to=("Products", "Services")),
        *(Field(name, Kind.NUMBER) for name in ("quantity", "listprice", "discount_amount", "discount_percent")),
    ),
)
"""The lines of an inventory document, which describe does not mention and a create needs."""


def _is_type(value: Any) -> bool:
    known = fits(value, {"name": str})
    choices, refers = (value.get(name) or [] for name in ("picklistValues", "refersTo")) if known else (None, None)
    return fits(choices, [{"value": object, "label": object}]) and fits(refers, [str])


DESCRIBED = {"name": str, "idPrefix": object, "fields": [{"name": str, "type": _is_type}]}
"""The shape of a description, as far as it is used."""


def entity_of(described: Mapping[str, Any], sample: Sequence[Row] | None) -> Entity:
    """The entity. ``sample``: a few rows as query gives them; None where the module cannot be queried."""
    name = described["name"]
    secret = SECRET | {field["name"] for field in described["fields"] if field["type"]["name"] == "password"}
    fields = [_field(name, field) for field in described["fields"] if field["name"] not in secret]
    returned = {key for row in sample or () for key in row} - secret
    hidden = returned if sample else set(OFTEN_UNDESCRIBED.get(name, ()))
    known = {field.name for field in fields}
    merged = [replace(field, readable=not sample or field.name in returned) for field in fields]
    merged += [Field(key, UNDESCRIBED.get(key, Kind.STRING), writable=False) for key in sorted(hidden - known)]
    typed = typed_fields(described)
    if typed is None and ATTACHMENTS not in returned and any(field.kind is Kind.FILE for field in fields):
        merged.append(Field(ATTACHMENTS, Kind.STRING, writable=False))
    if name in INVENTORY:
        # What a document says of one of its lines says whether it must have any.
        needs = any(field["name"] == "productid" and field.get("mandatory") for field in described["fields"])
        merged.append(replace(LINES, mandatory=needs))
    readable = {field.name for field in merged if field.readable}
    key = ("id",) if "id" in readable else _key_of_relation(fields, sample or ())
    is_writable = key == ("id",) and name not in NEVER_WRITTEN  # what has no id cannot be looked up
    return Entity(
        name=name,
        label=described.get("label") or name,
        fields=tuple(merged),
        key=key,
        label_fields=tuple(each for each in str(described.get("labelFields") or "").split(",") if each in known),
        implied=IMPLIED.get(name, ()),
        replication_key="modifiedtime" if "modifiedtime" in readable else None,
        creation_key="createdtime" if "createdtime" in readable else None,
        readable=sample is not None,
        creatable=is_writable and bool(described.get("createable")) and name not in NEVER_CREATED,
        why_not_creatable=NEVER_WRITTEN.get(name, ""),
        updatable=is_writable and bool(described.get("updateable")),
        deletable=is_writable and bool(described.get("deleteable")),
        private={
            "prefix": str(described["idPrefix"]),
            "is_entity": bool(described.get("isEntity")),
            UNIQUE: tuple(str(each["name"]) for each in described["fields"] if each.get("isunique") is True),
            TYPED: typed,
            "largest_file": next((_largest(each) for each in described["fields"] if _largest(each)), None),
        },
    )


def _key_of_relation(fields: Sequence[Field], sample: Sequence[Row]) -> tuple[str, ...]:
    """What identifies rows without an id: the records that each must relate, as ``ProductTaxes`` product and tax.

    Nothing does where there are not two of them, where rows that differ share them, or where one is gone.
    """
    names = tuple(field.name for field in fields if field.mandatory and field.kind is Kind.REFERENCE)
    rows = {json.dumps(row, sort_keys=True, default=str): row for row in sample}.values()
    keys = {tuple(str(row.get(name)) for name in names) for row in rows}
    are_there = all(row.get(name) for row in sample for name in names)
    return names if len(names) > 1 and len(keys) == len(rows) and are_there else ()


def _largest(field: Mapping[str, Any]) -> int | None:
    """How many bytes a file of this field may have."""
    told = field["type"].get("maxUploadFileSize")
    return int(told) if is_whole_number(told) else None


def _field(module: str, described: Mapping[str, Any]) -> Field:
    kind = described["type"]
    name = described["name"]
    is_of_lines = module in INVENTORY and bool(OF_LINES.fullmatch(name))
    is_computed = module in ACTIVITIES and name in COMPUTED and not described.get("mandatory")
    fixed = name in READ_ONLY or is_of_lines or is_computed
    return Field(
        name=name,
        kind=KINDS.get(kind["name"], Kind.STRING),
        label=described.get("label") or "",
        mandatory=bool(described.get("mandatory")),
        writable=bool(described.get("editable")) and not fixed,
        choices=tuple(Choice(str(each["value"]), str(each["label"])) for each in kind.get("picklistValues") or ()),
        refers_to=tuple(kind.get("refersTo") or ()),
    )
