"""What InTouch's records hold and how they look.

The documented fields, those that only its records show, and the shapes that the documentation leaves open: contact
details, the dates of memberships, code lists.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crm_systems.model import Choice, Entity, Field, Kind
from crm_systems.sampling import MOMENT, kind_of, values_by_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_systems.kinds import Notation
    from crm_systems.model import Row

CONTACTS = "contacts"
"""The field with the contact details (its name and shapes are inferred)."""
DETAILS = {
    "email": ("EMAIL", Kind.EMAIL),
    "phone": ("PHONE", Kind.PHONE),
    "mobile": ("MOBILE", Kind.PHONE),
    "web": ("WEB", Kind.URL),
}
"""Fields for the first contact detail of each type, beside the list of all."""
TWIN = "Value"
"""The ending of read-only fields with the readable text of a code (documented)."""
EITHER = ("enteredDate", "enterDate")
"""What the sample and the field table call the same date of a membership."""
NO_TIME = "T00:00:00"
WHOLE = re.compile(r"-?[0-9]{1,15}")
"""What is written as a number; anything else of digits, such as 5², is a text."""


def completed(entity: Entity, rows: Sequence[Row], contact_details: str) -> Entity:
    """A documented entity with what a sample of its records shows beyond the documentation."""
    values = values_by_field(rows)
    fields = [_redated(field, values.get(field.name, [])) for field in entity.fields]
    if entity.name == "members":
        absent = next((name for name in EITHER if name not in values), "") if rows else EITHER[1]
        fields = [field for field in fields if field.name != absent]
    known = {field.name for field in fields}
    fields += [
        Field(name, kind_of(name, found), writable=not (name.endswith(TWIN) and name.removesuffix(TWIN) in values))
        for name, found in values.items()
        if name not in known
    ]
    details: list[Field] = []
    if entity.name == "parties":
        fields, details = _with_details([_with_labels(field, rows) for field in fields], rows, contact_details)
    is_stamped = not rows or "modified" in values or "entered" in values
    return replace(
        entity,
        fields=(*fields, *details),
        replication_key=entity.replication_key if is_stamped else None,
        creation_key="entered"
        if "entered" in values and "entered" in {field.name for field in entity.fields}
        else None,
        private={"details": tuple(field.name for field in details)},
    )


def _redated(field: Field, values: list[Any]) -> Field:
    """A day whose values have a time of day is a time: the sample of a membership has one, the table says date."""
    if field.kind is Kind.DATE and any(MOMENT.fullmatch(str(each)) and NO_TIME not in str(each) for each in values):
        return replace(field, kind=Kind.DATETIME)
    return field


def _with_details(fields: list[Field], rows: Sequence[Row], contact_details: str) -> tuple[list[Field], list[Field]]:
    """The fields with that of all contact details, and those for single ones; none where records have none."""
    shown = next((field for field in fields if field.name == CONTACTS), None)
    if shown is None and rows and contact_details == "auto":
        return fields, []
    shape = {"array": Kind.LIST, "object": Kind.OBJECT}.get(contact_details)
    kind = shape or (shown.kind if shown and shown.kind is Kind.OBJECT else Kind.LIST)
    known = {field.name for field in fields}
    details = [Field(name, kind) for name, (_, kind) in DETAILS.items() if name not in known]
    return [*(each for each in fields if each is not shown), Field(CONTACTS, kind, "Contact details")], details


def _with_labels(field: Field, rows: Sequence[Row]) -> Field:
    """The categories with their names, which only records tell, side by side with their codes."""
    if field.name != "categories":
        return field
    names: dict[str, str] = {}
    for row in rows:
        codes, shown = str(row.get(field.name) or "").split(","), str(row.get(field.name + TWIN) or "").split(", ")
        if len(codes) == len(shown):
            names |= {code.strip(): name for code, name in zip(codes, shown, strict=True) if name}
    choices = tuple(Choice(each.value, names.get(each.value, each.label)) for each in field.choices)
    return replace(field, choices=choices)


def tied(entity: Entity, name: str, items: Sequence[Mapping[str, Any]]) -> Entity:
    """The entity with a field's values from a code list; one of numbers is written as numbers again."""
    field = entity.field(name)
    if field is None:
        return entity
    choices = tuple(Choice(str(item["value"]), str(item.get("name") or "")) for item in items if item.get("value"))
    kind = field.kind if field.kind is Kind.MULTIPICKLIST else Kind.PICKLIST
    numbers = entity.private.get("numbers", ())
    if field.kind in {Kind.INTEGER, Kind.NUMBER}:
        numbers = (*numbers, name)
    fields = tuple(replace(each, kind=kind, choices=choices) if each is field else each for each in entity.fields)
    return replace(entity, fields=fields, private={**entity.private, "numbers": numbers})


def normalised(row: Row) -> Row:
    """A row with its first contact details beside the others, and with the time of entry where nobody changed it."""
    whole = {**row}
    if row.get("entered") and not row.get("modified"):
        whole["modified"] = row["entered"]
    if CONTACTS in row:
        found: dict[str, str] = {}
        for kind, value in _details(row[CONTACTS]):
            found.setdefault(kind.upper(), value)
        whole |= {name: found.get(kind) for name, (kind, _) in DETAILS.items() if name not in row}
    return whole


def _details(contacts: Any) -> list[tuple[str, str]]:
    """Contact details as type and value, from ``[{type, value}]`` or ``{type: [value]}``."""
    if isinstance(contacts, list):
        given = [each for each in contacts if isinstance(each, dict) and each.get("value") is not None]
        return [(str(each.get("type")), str(each["value"])) for each in given]
    if isinstance(contacts, dict):
        each = ((k, v) for k, many in contacts.items() for v in (many if isinstance(many, list) else [many]))
        return [(kind, str(value)) for kind, value in each if value is not None]
    return []


def with_contacts(entity: Entity, values: Mapping[str, Any], current: Row) -> dict[str, Any]:
    """The values with single contact details set among all that the record has; the others stay."""
    field = entity.field(CONTACTS)
    given = {name: values[name] for name in entity.private.get("details", ()) if name in values}
    if field is None or not given:
        return dict(values)
    details = _details(values[CONTACTS] if CONTACTS in values else current.get(CONTACTS))
    for name, value in given.items():
        details = _with_detail(details, DETAILS[name][0], value)
    contacts: Any = [{"type": kind, "value": value} for kind, value in details]
    if field.kind is Kind.OBJECT:
        contacts = {kind: [v for k, v in details if k == kind] for kind, _ in details}
    return {**{name: value for name, value in values.items() if name not in given}, CONTACTS: contacts}


def _with_detail(details: list[tuple[str, str]], kind: str, value: str | None) -> list[tuple[str, str]]:
    """The details with the first one of a kind replaced, added, or taken away."""
    place = next((index for index, each in enumerate(details) if each[0].upper() == kind), None)
    if place is None:
        return [*details, (kind, value)] if value else details
    changed = [(details[place][0], value)] if value else []
    return [*details[:place], *changed, *details[place + 1 :]]


def merged(entity: Entity, values: Mapping[str, Any], current: Row) -> dict[str, Any]:
    """The values with the parts of objects that the record has and nobody mentions."""
    whole = dict(values)
    for name, value in values.items():
        field, before = entity.field(name), current.get(name)
        if field and field.kind is Kind.OBJECT and name != CONTACTS and isinstance(before, dict) and value:
            whole[name] = {**before, **value}
    return whole


def as_json(field: Field, value: Any, notation: Notation, *, as_number: bool) -> Any:
    """A typed value as a JSON body has it; times are local, without a zone (documented)."""
    if value is None or (isinstance(value, (bool, list, dict)) and field.kind is not Kind.MULTIPICKLIST):
        return value
    if field.kind is Kind.MULTIPICKLIST:
        return notation.separator.join(value)
    if field.kind is Kind.DATETIME:
        local = datetime.fromisoformat(value).astimezone(notation.zone)
        return local.replace(tzinfo=None, microsecond=0).isoformat()
    if (field.kind is Kind.REFERENCE or as_number) and WHOLE.fullmatch(str(value)):
        return int(value)
    return value
