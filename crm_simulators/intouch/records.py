"""The record endpoints, which every resource has in the same form: list, create, read, replace, patch, delete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crm_simulators import exact_json
from crm_simulators.base import Answer, Call
from crm_simulators.intouch import shapes
from crm_simulators.intouch.checks import Checker
from crm_simulators.intouch.model import CASE_TYPES, Key, Record, Resource, User
from crm_simulators.intouch.replies import RefusedError, as_json, bad_request, not_allowed, not_found, problem

if TYPE_CHECKING:
    from crm_simulators.intouch.database import Database
    from crm_simulators.intouch.switches import Switches
    from crm_simulators.intouch.table import Table

_PAGE_SIZE = 20
_LARGEST_PAGE = 1000
_LARGEST_INTEGER = 2**31 - 1
_KEPT = ("id", "entered", "enteredBy", "debit", "allNumber", "variableSymbol", "profit", "intlProfit", "audioURL")
"""What PUT does not reset: the fields that only the server sets."""


class Records:
    """Carries out what concerns the records of one resource.

    Args:
        login: Who asks; stamped on every change.
    """

    def __init__(self, database: Database, switches: Switches, resource: Resource, login: str, user: User) -> None:
        self.database = database
        self.switches = switches
        self.resource = resource
        self.login = login
        self.user = user
        self.table: Table = database.tables[resource.name]

    def listing(self, call: Call) -> Answer:
        """One page, in the documented envelope; ``orderBy`` and ``desc`` are missing when it is unsorted."""
        position, size = _number(call, "position", 0, least=0), self._size(call)
        case_type = self._case_type(call)
        order_by, desc = self._order(call, case_type), _boolean(call, "desc")
        if self.resource.name == "members" and not self.switches.members_paged:
            position, size = 0, max(len(self.table.rows), 1)
        total, rows = self._page(order_by, case_type, position, size, desc=desc)
        full = self.resource.name != "buscases" or case_type != 0
        page: Record = {"total": total, "position": position, "size": size}
        if order_by:
            page.update({"orderBy": order_by, "desc": desc})
        return as_json({**page, "items": [self.render(row, full=full) for row in rows]})

    def read(self, key: Key) -> Answer:
        """One record."""
        return as_json(self.render(self.row(key)))

    def create(self, call: Call) -> Answer:
        """Stores a new record: 201, the record as stored, and where to find it."""
        body = read_object(call)
        if "id" in body:
            if self.switches.post_with_id == "reject":
                raise bad_request("New record must not have an id", "id")
            del body["id"]
        return as_json(*self.created(self.insert(body), call))

    def replace(self, key: Key, call: Call) -> Answer:
        """PUT: the body is the whole record."""
        return self._change(key, call, merge=not self.switches.put_resets)

    def patch(self, key: Key, call: Call) -> Answer:
        """PATCH: the body holds only what changes."""
        return self._change(key, call, merge=True)

    def delete(self, key: Key) -> Answer:
        """DELETE, about which nothing is documented."""
        if self.switches.delete == 204:
            self.row(key)
            self.database.drop(self.resource.name, key)
            return Answer(b"", 204)
        raise not_allowed("GET", "PUT", "PATCH") if self.switches.delete == 405 else not_found()

    def row(self, key: Key) -> Record:
        """A stored row that the user may see."""
        row = self.table.rows.get(key)
        if row is None or not self._visible(row):
            raise not_found()
        return row

    def render(self, row: Record, *, full: bool = True) -> Record:
        """A row as JSON."""
        if row.get("id") in self.switches.broken:
            raise RefusedError(500, [problem("java.lang.NullPointerException")])
        return shapes.render(self.resource, row, self.switches, self.database.users, full=full)

    def insert(self, body: Record) -> Record:
        """Checks and stores a new row."""
        row = self.checked(body, {})
        return self.database.add(self.resource.name, {"ownerUser": self.login, **row}, self.login)

    def update(self, old: Record, body: Record, *, merge: bool) -> Record:
        """Checks and stores a new version of a row."""
        kept = old if merge else {name: old[name] for name in _KEPT if name in old}
        if self.resource.name == "buscases" and not self.switches.case_type_in_record:
            kept = {**kept, "caseType": old["caseType"]}
        row = self.checked(body, kept)
        return self.database.replace(self.resource.name, row, self.login)

    def checked(self, body: Record, kept: Record) -> Record:
        """The row that a body makes of what is kept of the old one; refuses everything that is wrong at once."""
        flat = shapes.flatten(self.resource, body, self.switches, kept)
        checker = Checker(self.database, self.switches)
        columns = shapes.writable(self.resource, self.switches, flat.get("caseType", kept.get("caseType")))
        values = checker.values(columns, flat)
        row = {name: value for name, value in {**kept, **values}.items() if value is not None}
        _compute(row)
        checker.whole(self.resource, row)
        if checker.problems:
            raise RefusedError(400, checker.problems)
        return row

    def created(self, row: Record, call: Call) -> tuple[Record, int, dict[str, str]]:
        """Body, status and headers of a 201."""
        path = f"{self.switches.context_path}/api/{self.resource.name}/{row['id']}"
        host = f"http://{call.headers.get('host', '')}" if self.switches.location == "absolute" else ""
        headers = {} if self.switches.location == "absent" else {"Location": host + path}
        return self.render(row), 201, headers

    def _change(self, key: Key, call: Call, *, merge: bool) -> Answer:
        old = self.row(key)
        body = read_object(call)
        if body.pop("id", key) != key:
            raise bad_request("Id differs from the address", "id")
        return as_json(self.render(self.update(old, body, merge=merge)))

    def _page(self, order_by: str, case_type: int, position: int, size: int, *, desc: bool) -> tuple[int, list[Record]]:
        if self.user.groups is None:
            return self.table.page(order_by, case_type, position, size, desc=desc)
        total = len(self.table.rows)
        _, rows = self.table.page(order_by, case_type, 0, total, desc=desc)
        visible = [row for row in rows if self._visible(row)]
        return len(visible), visible[position : position + size]

    def _visible(self, row: Record) -> bool:
        """Roles limit what one sees by the owner group (inferred); memberships and stores are for all."""
        return self.user.groups is None or row.get("ownerGroup") in {None, *self.user.groups}

    def _size(self, call: Call) -> int:
        size = _number(call, "size", _PAGE_SIZE, least=1)
        if size > _LARGEST_PAGE and self.switches.oversize == "reject":
            raise bad_request(f"At most {_LARGEST_PAGE}", "size")
        return min(size, _LARGEST_PAGE)

    def _case_type(self, call: Call) -> int:
        case_type = _number(call, "caseType", 0, least=0) if self.resource.name == "buscases" else 0
        if case_type and case_type not in CASE_TYPES and self.switches.unknown_case_type == "reject":
            raise bad_request("Unknown type", "caseType")
        return case_type

    def _order(self, call: Call, case_type: int) -> str:
        name = call.query.get("orderBy", "")
        known = shapes.writable(self.resource, self.switches, case_type)
        if name and name not in known:
            if self.switches.unknown_order == "reject":
                raise RefusedError(400, [problem("Unknown field", "orderBy")])
            return ""
        return name


def read_object(call: Call, *, empty: Record | None = None) -> Record:
    """The JSON object in a body; ``empty`` stands for a missing one, if that is allowed.

    Raises:
        RefusedError: 400 if the body is not a JSON object.
    """
    if empty is not None and not call.body:
        return empty
    try:
        body: Any = exact_json.loads(call.body)
    except ValueError:
        raise bad_request("Malformed JSON") from None
    if not isinstance(body, dict):
        raise bad_request("JSON object expected")
    return body


def is_number(text: str) -> bool:
    """Whether a part of an address or a parameter can be an id or a count."""
    return re.fullmatch(r"[0-9]{1,10}", text) is not None


def _compute(row: Record) -> None:
    """Profit follows from amount and expense (inferred)."""
    for prefix, name in (("amount", "expense"), ("intlAmount", "intlExpense")):
        profit = "profit" if prefix == "amount" else "intlProfit"
        if prefix in row and name in row:
            row[profit] = row[prefix] - row[name]


def _number(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name, str(default))
    if not is_number(text) or not least <= int(text) <= _LARGEST_INTEGER:
        raise bad_request("Invalid number", name)
    return int(text)


def _boolean(call: Call, name: str) -> bool:
    text = call.query.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise bad_request("Invalid boolean", name)
    return text == "true"
