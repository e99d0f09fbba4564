"""How a stored row looks as JSON, and how JSON that comes in is brought to the form of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.intouch.model import CASE_TYPES, COUNTRIES, RESOURCES, Kind, Record
from crm_simulators.intouch.replies import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.intouch.model import Column, Resource, User
    from crm_simulators.intouch.switches import Switches

FLAT_CONTACTS = {
    "email": ("EMAIL", 0),
    "email2": ("EMAIL", 1),
    "phone": ("PHONE", 0),
    "mobile": ("MOBILE", 0),
    "web": ("WEB", 0),
}


def render(
    resource: Resource, row: Record, switches: Switches, users: Mapping[str, User], *, full: bool = True
) -> Record:
    """One record as the API shows it; ``full`` False leaves of an order what all types share (documented)."""
    out = {name: row.get(name) for name in resource.columns}
    if resource.name == "members":
        return _nulls(_membership(out, switches), switches)
    if resource.name == "parties":
        _add_twins(out, users)
        _add_contacts(out, row, switches)
    if resource.name == "buscases":
        _add_case(out, row, switches, full=full)
    if resource.has_lines and full:
        out[lines_name(resource, switches)] = row.get("items", [])
    _add_custom(out, row, resource.custom, switches)
    if switches.never_modified == "absent" and not out["modified"]:
        del out["modified"], out["modifiedBy"]
    if switches.time_format == "HH:mm":
        _cut_seconds(out, resource.columns.values())
    return _nulls(out, switches)


def lines_name(resource: Resource, switches: Switches) -> str:
    """The name of the array of lines."""
    return switches.invoice_items if resource.name == "invoices" else "items"


def flatten(resource: Resource, body: Record, switches: Switches, old: Record) -> Record:
    """A body with custom fields, contact details and lines where a row has them; ``old`` is what a PATCH meets."""
    out = dict(body)
    if resource.custom and switches.custom_attributes == "nested" and "attributes" in out:
        attributes = out.pop("attributes")
        if not isinstance(attributes, dict):
            raise bad_request("Object expected", "attributes")
        out.update(attributes)
    if resource.name == "parties":
        _take_contacts(out, switches, old)
    name = lines_name(resource, switches)
    if resource.has_lines and name in out:
        out["items"] = out.pop(name)
    return out


def writable(resource: Resource, switches: Switches, case_type: object) -> dict[str, Column]:
    """The columns that a body may name; those of an order depend on its type."""
    found = dict(resource.columns)
    if switches.custom_attributes != "absent":
        found.update(resource.custom)
    if resource.name == "buscases" and isinstance(case_type, int) and case_type in CASE_TYPES:
        found.update(CASE_TYPES[case_type][1])
    return found


def expand(name: str, row: Record) -> Record:
    """A row with every column of its table, empty ones as None."""
    resource = RESOURCES[name]
    extra = CASE_TYPES[row["caseType"]][1] if name == "buscases" and "caseType" in row else {}
    return {**dict.fromkeys((*resource.columns, *resource.custom, *extra)), **row}


def _nulls(out: Record, switches: Switches) -> Record:
    if switches.nulls == "absent":
        return {name: value for name, value in out.items() if value is not None}
    return out


def _membership(out: Record, switches: Switches) -> Record:
    enter, leave = out.pop("enterDate"), out.pop("leaveDate")
    tail = "T00:00:00" if switches.member_dates == "datetime" else ""
    out[switches.member_date_name] = enter and enter + tail
    out["leaveDate"] = leave and leave + tail
    return out


def _add_twins(out: Record, users: Mapping[str, User]) -> None:
    """The ``…Value`` fields with the readable text of a code (documented)."""
    for name in ("country", "countryM"):
        out[f"{name}Value"] = COUNTRIES.get(out[name], out[name])
    codes = (out["categories"] or "").split(",")
    out["categoriesValue"] = ", ".join(f"Kategorie {code[1:]}" for code in codes if code) or None
    user = users.get(out["enteredBy"])
    out["enteredByValue"] = user.name if user else out["enteredBy"]


def _add_contacts(out: Record, row: Record, switches: Switches) -> None:
    contacts = row.get("contacts") or []
    if switches.contact_details == "array":
        out["contacts"] = contacts
    elif switches.contact_details == "object":
        out["contacts"] = by_type(contacts)
    elif switches.contact_details == "flat":
        found = by_type(contacts)
        for name, (kind, index) in FLAT_CONTACTS.items():
            values = found.get(kind, [])
            out[name] = values[index] if index < len(values) else None


def by_type(contacts: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """Contact details as type → values."""
    found: dict[str, list[str]] = {}
    for contact in contacts:
        found.setdefault(contact["type"], []).append(contact["value"])
    return found


def _add_case(out: Record, row: Record, switches: Switches, *, full: bool) -> None:
    if full:
        out.update({name: row.get(name) for name in CASE_TYPES[row["caseType"]][1]})
        if switches.time_format == "HH:mm":
            _cut_seconds(out, CASE_TYPES[row["caseType"]][1].values())
    if not switches.case_type_in_record:
        del out["caseType"]


def _add_custom(out: Record, row: Record, custom: Mapping[str, Column], switches: Switches) -> None:
    if not custom or switches.custom_attributes == "absent":
        return
    values = {name: row.get(name) for name in custom}
    if switches.custom_attributes == "nested":
        out["attributes"] = _nulls(values, switches)
    else:
        out.update(values)


def _cut_seconds(out: Record, columns: Iterable[Column]) -> None:
    for column in columns:
        if column.kind is Kind.TIME and out.get(column.name):
            out[column.name] = out[column.name][:5]


def _take_contacts(out: Record, switches: Switches, old: Record) -> None:
    """Brings contact details of whatever shape to ``[{"type", "value"}]``; the contents are checked elsewhere."""
    shape = switches.contact_details
    if shape == "flat" and FLAT_CONTACTS.keys() & out.keys():
        found = by_type(old.get("contacts") or ())
        flat = {
            n: next(iter(found.get(kind, [])[index : index + 1]), None) for n, (kind, index) in FLAT_CONTACTS.items()
        }
        flat.update({name: out.pop(name) for name in FLAT_CONTACTS if name in out})
        given = [(kind, flat[name]) for name, (kind, _) in FLAT_CONTACTS.items()]
        out["contacts"] = [{"type": kind, "value": value} for kind, value in given if value is not None and value != ""]
    elif shape == "object" and isinstance(out.get("contacts"), dict):
        out["contacts"] = [{"type": k, "value": v} for k, values in out["contacts"].items() for v in _as_list(values)]
    elif shape == "absent" and "contacts" in out:
        raise bad_request("Unknown field", "contacts")


def _as_list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
