"""What is no plain record endpoint: code lists, import and linking of parties, an invoice made from an order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from crm_simulators.intouch import shapes
from crm_simulators.intouch.checks import Checker
from crm_simulators.intouch.model import CANNOT_EMPLOY, RESOURCES, Record
from crm_simulators.intouch.records import Records, is_number, read_object
from crm_simulators.intouch.replies import RefusedError, as_json, bad_request, not_allowed, not_found, problem

if TYPE_CHECKING:
    from crm_simulators.base import Answer, Call
    from crm_simulators.intouch.database import Database
    from crm_simulators.intouch.model import User

_LIST_CODE = 32
_OWN = frozenset({"org", "member"})


def about(call: Call, flavour: str, timezone: str) -> Answer:
    """``/api/about``: what anybody may know of the installation (documented)."""
    if call.method != "GET":
        raise not_allowed("GET")
    version = [*map(int, flavour.split(".")), 0, 0]
    return as_json({"crmId": "ANNECA", "mode": 100, "partyId": 2, "timeZone": timezone, "version": version})


def lists(database: Database, user: User, call: Call, parts: list[str]) -> Answer:
    """``/api/lists`` (a plain array, not paged) and ``/api/lists/{list}`` (with its items); both documented."""
    if len(parts) == 1:
        if call.method != "GET":
            raise not_allowed("GET")
        return as_json([{"id": entry["id"], "name": entry["name"]} for entry in database.lists.values()])
    if len(parts) > 2:
        raise not_found()
    code = unquote(parts[1])
    if call.method == "PUT":
        return _put_list(database, user, call, code)
    if call.method != "GET":
        raise not_allowed("GET", "PUT")
    if code not in database.lists:
        raise not_found()
    return as_json(database.lists[code])


def _put_list(database: Database, user: User, call: Call, code: str) -> Answer:
    """Makes a list (201) or changes its name and lock (200); for administrators only (documented)."""
    if not user.admin:
        raise RefusedError(403, [problem("Administrator only")])
    body = read_object(call)
    name, locked = body.get("name"), body.get("locked", False)
    if not isinstance(name, str) or not name:
        raise bad_request("Value is required", "name")
    if not isinstance(locked, bool):
        raise bad_request("Boolean expected", "locked")
    if len(code) > _LIST_CODE:
        raise bad_request(f"Too long, at most {_LIST_CODE} characters", "id")
    old = database.lists.get(code)
    items = old["items"] if old else []
    database.lists[code] = {"id": code, "name": name, "locked": locked, "items": items}
    return as_json(database.lists[code], 200 if old else 201)


def import_party(records: Records, call: Call) -> Answer:
    """``parties/import``: the server decides between create and update (documented; how it decides is inferred)."""
    switches = records.switches
    if call.method != switches.import_verb:
        raise not_allowed(switches.import_verb)
    body = read_object(call)
    old = _recognised(records, body)
    values = {name: value for name, value in body.items() if name != "id"}
    if old is None:
        row = records.insert(values)
        out, status, headers = records.created(row, call)
    else:
        row = records.update(old, values, merge=switches.import_merges)
        out, status, headers = records.render(row), switches.import_updated_status, {}
    shown: dict[str, Record | None] = {"record": out, "id": {"id": row["id"]}, "empty": None}
    answer = as_json(shown[switches.import_body], status, headers)
    return answer if switches.import_body != "empty" else type(answer)(b"", status, headers=headers)


def _recognised(records: Records, body: Record) -> Record | None:
    rows = records.table.rows
    flat = shapes.flatten(records.resource, body, records.switches, {})
    contacts = flat.get("contacts")
    likeness = {"contacts": [c for c in contacts if _is_contact(c)] if isinstance(contacts, list) else []}
    if isinstance(flat.get("ico"), str):
        likeness["ico"] = flat["ico"]
    for key in records.switches.import_matches:
        if key == "id" and isinstance(body.get("id"), int) and body["id"] in rows:
            return rows[body["id"]]
        found = records.database.parties_like(key, likeness)
        if found:
            return rows[found[0]]
    return None


def _is_contact(contact: object) -> bool:
    return isinstance(contact, dict) and isinstance(contact.get("type"), str) and isinstance(contact.get("value"), str)


def connect_member(records: Records, call: Call, parts: list[str]) -> Answer:
    """Links a person to an organisation; that it exists is documented, its form is inferred."""
    if call.method != "POST":
        raise not_allowed("POST")
    body = read_object(call, empty={})
    if records.switches.connect_member == "path":
        if len(parts) != 2 or not all(map(is_number, parts)):
            raise not_found()
        body = {**body, "org": int(parts[0]), "member": int(parts[1])}
    elif parts:
        raise not_found()
    return _link(records, body)


def _link(records: Records, body: Record) -> Answer:
    database, switches = records.database, records.switches
    checker = Checker(database, replace(switches, required=True))  # a link without its key cannot even be stored
    values = checker.values(RESOURCES["members"].columns, {_column(n): _day(n, v) for n, v in body.items()})
    checker.whole(RESOURCES["members"], values)
    if checker.problems:
        unknown = [p for p in checker.problems if p.get("field") in _OWN and p["message"] == "Record does not exist"]
        raise not_found() if unknown and switches.connect_member == "path" else RefusedError(400, checker.problems)
    org, member = (records.row(values[name]) for name in ("org", "member"))
    if org.get("type") in CANNOT_EMPLOY or org is member:
        raise bad_request("Types do not make sense together", "org")
    old = database.tables["members"].rows.get((org["id"], member["id"]))
    if old and switches.connect_twice == "reject":
        raise bad_request("Membership exists", "member")
    row = {name: value for name, value in {**(old or {}), **values}.items() if value is not None}
    database.load("members", row)
    shown = shapes.render(RESOURCES["members"], row, switches, database.users)
    return as_json(shown, 200 if old else 201)


def _column(name: str) -> str:
    """The sample calls ``enterDate`` ``enteredDate``; both are read."""
    return "enterDate" if name == "enteredDate" else name


def _day(name: str, value: object) -> object:
    """A membership's date may bring a time of day, as in the sample."""
    is_date = name in {"enterDate", "enteredDate", "leaveDate"} and isinstance(value, str)
    return str(value).split("T", maxsplit=1)[0] if is_date else value


def invoice_from_case(invoices: Records, cases: Records, call: Call) -> Answer:
    """``invoices/createWithBusCase?busCase=…&method=0|1``: all lines of an order, or the issued ones only."""
    if call.method != "POST":
        raise not_allowed("POST")
    parameters = {**call.form, **call.query}
    number, method = parameters.get("busCase", ""), parameters.get("method", "0")
    if not is_number(number):
        raise bad_request("Value is required", "busCase")
    if method not in {"0", "1"}:
        raise bad_request("Invalid value", "method")
    case = cases.row(int(number))
    chosen = [line for line in case.get("items", []) if method == "0" or (line.get("issued") and not line["invoiced"])]
    row = invoices.insert(_invoice(invoices, case, chosen))
    marked = [{**line, "invoiced": True} if line in chosen else line for line in case.get("items", [])]
    cases.database.replace("buscases", {**case, "items": marked}, cases.login)
    return as_json(*invoices.created(row, call))


def _invoice(invoices: Records, case: Record, chosen: list[Record]) -> Record:
    """The body of the invoice: the order's head and the chosen lines, priced together."""
    lines = [{name: value for name, value in line.items() if name != "invoiced"} for line in chosen]
    total = sum(line["amount"] * line["unitPrice"] for line in lines if line.get("amount") and line.get("unitPrice"))
    head: Record = {name: case[name] for name in ("customer", "person", "currency") if name in case}
    return {
        **head,
        "buscase": case["id"],
        "totalPrice": total,
        shapes.lines_name(invoices.resource, invoices.switches): lines,
    }
