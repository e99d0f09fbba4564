"""What the stub of Vtiger's webservice holds and answers."""

from __future__ import annotations

import json
import re
import time
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = {
    "lead_no": ("string", b'"LEA%(n)d"'),
    "salutationtype": ("picklist", b'"Mr."'),
    "firstname": ("string", b'"Zbyn\xc4\x9bk %(n)d"'),
    "lastname": ("string", b'"Nov\xc3\xa1k-%(n)d"'),
    "company": ("string", b'"Company %(n)d s.r.o."'),
    "designation": ("string", b'"Head of Purchasing"'),
    "email": ("email", b'"lead%(n)d@example.com"'),
    "secondaryemail": ("email", b'""'),
    "phone": ("phone", b'"+420 777 %(n)06d"'),
    "mobile": ("phone", b'"+420 608 %(n)06d"'),
    "fax": ("phone", b'""'),
    "website": ("url", b'"www.company%(n)d.example.com"'),
    "leadsource": ("picklist", b'"Cold Call"'),
    "leadstatus": ("picklist", b'"Contacted"'),
    "industry": ("picklist", b'"Banking"'),
    "rating": ("picklist", b'"Active"'),
    "annualrevenue": ("currency", b'"%(n)d.50000000"'),
    "noofemployees": ("integer", b'"%(n)d"'),
    "assigned_user_id": ("owner", b'"19x1"'),
    "created_user_id": ("owner", b'"19x1"'),
    "modifiedby": ("reference", b'"19x1"'),
    "createdtime": ("datetime", b'"2025-03-04 05:06:07"'),
    "modifiedtime": ("datetime", b'"%(at)s"'),
    "description": ("text", b'"Met at the fair; wants an offer for %(n)d pieces, \\"as soon as possible\\"."'),
    "lane": ("string", b'"Dlouh\xc3\xa1 %(n)d"'),
    "city": ("string", b'"Brno"'),
    "code": ("string", b'"602 00"'),
    "state": ("string", b'""'),
    "country": ("string", b'"Czech Republic"'),
    "pobox": ("string", b'""'),
    "emailoptout": ("boolean", b'"0"'),
    "source": ("string", b'"CRM"'),
    "starred": ("boolean", b'"1"'),
    "cf_budget": ("currency", b'"1234.56"'),
    "cf_percent": ("double", b'"12.50"'),
    "cf_since": ("date", b'"2021-05-06"'),
    "cf_call": ("time", b'"13:45:00"'),
    "cf_tags": ("multipicklist", b'"alpha |##| beta & co"'),
    "cf_score": ("integer", b'"17"'),
}
"""Fields beside ``id``: type in describe, and the value in a row; ``n`` is the row's number."""
MOST_PREPARED = 50_000
"""So many rows of a module are kept as they are sent, so that many clients at once do not wait for the stub."""
LISTED = ("Mr.", "Cold Call", "Contacted", "Banking", "Active", "alpha", "beta & co")
"""The values of every pick list."""
READ_ONLY = {"createdtime", "modifiedtime", "modifiedby", "created_user_id", "lead_no"}
CONDITION = re.compile(r"(\w+) (>=|<=|>|<|=|in) (\([^)]*\)|'(?:[^']|'')*')")
QUERY = re.compile(r"select (.+?) from (\w+)(?: where (.*?))?(?: order by (\w+)( desc)?)? limit (?:(\d+),)?(\d+);?$")


def changed(n: int) -> str:
    """When a row was changed the last time: all are spread over some years, without an order."""
    day = f"{2019 + n % 6}-{n * 5 % 12 + 1:02}-{n * 11 % 28 + 1:02}"
    return f"{day} {n * 13 % 24:02}:{n * 17 % 60:02}:{n * 29 % 60:02}"


class Module:
    """Prepared rows; their ids have gaps, and more of them in the second half."""

    def __init__(self, name: str, prefix: int, rows: int) -> None:
        self.name, self.prefix, self.rows = name, prefix, rows
        half = rows // 2
        self.numbers = array("q", (3 * n if n <= half else 3 * half + 11 * (n - half) for n in range(1, rows + 1)))
        self.place = {number: index for index, number in enumerate(self.numbers)}
        self.made: dict[int, dict[str, Any]] = {}
        self.highest = self.numbers[-1] if self.numbers else 0
        self.emails: dict[str, int] = {}
        self._templates: dict[str, bytes] = {}
        self._prepared: dict[tuple[str, int], bytes] = {}

    def template(self, columns: str) -> bytes:
        """A row of these columns, with a place for its number."""
        if columns not in self._templates:
            names = KINDS if columns == "*" else [each for each in columns.replace(" ", "").split(",") if each in KINDS]
            parts = [b'"%s":%s' % (name.encode(), KINDS[name][1]) for name in names]
            parts.append(b'"id":"%dx%%(id)d"' % self.prefix)
            self._templates[columns] = b"{" + b",".join(parts) + b"}"
        return self._templates[columns]

    def rendered(self, columns: str, number: int) -> bytes:
        """The row with this id, prepared once where there are not too many."""
        if number in self.made:
            return json.dumps(self.made[number]).encode()
        if (columns, number) not in self._prepared:
            place = self.place[number]
            row = self.template(columns) % {b"n": place, b"id": number, b"at": changed(place).encode()}
            if len(self._prepared) == MOST_PREPARED:
                return row
            self._prepared[columns, number] = row
        return self._prepared[columns, number]

    def selected(self, where: str) -> Sequence[int]:
        """The numbers of the ids for which a condition holds, ascending."""
        if " or " in where:
            return sorted({number for part in where.split(" or ") for number in self.selected(part)})
        low, high, only = 0, 2**60, None
        for field, operator, written in CONDITION.findall(where):
            texts = [each.replace("''", "'") for each in re.findall(r"'((?:[^']|'')*)'", written)]
            if field == "modifiedtime":
                only = [number for number, place in self.place.items() if changed(place) >= texts[0]]
            elif field == "id" and operator in {">", ">="}:
                low = max(low, int(texts[0].rpartition("x")[2]) - (operator == ">="))
            elif field == "id" and operator in {"<", "<="}:
                high = min(high, int(texts[0].rpartition("x")[2]) - (operator == "<"))
            elif field == "id":
                only = [int(each.rpartition("x")[2]) for each in texts]
            else:
                only = [number for each in texts if (number := self._by_email(each)) is not None]
        if only is not None:
            known = (each for each in only if each in self.place or each in self.made)
            return sorted(each for each in known if low < each <= high)
        first, last = bisect_right(self.numbers, low), bisect_right(self.numbers, high)
        return memoryview(self.numbers)[first:last]  # No copy, of which a million rows would take thousands.

    def _by_email(self, address: str) -> int | None:
        found = re.fullmatch(r"lead(\d+)@example\.com", address)
        if found and int(found[1]) < self.rows:
            return self.numbers[int(found[1])]
        return self.emails.get(address)

    def create(self, element: dict[str, Any]) -> dict[str, Any]:
        """Stores a record and gives it as the server would."""
        self.highest += 1
        number = self.highest
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        stored = dict.fromkeys(KINDS, "") | {name: str(value) for name, value in element.items()}
        stored |= {"createdtime": now, "modifiedtime": now, "id": f"{self.prefix}x{number}"}
        self.made[number] = stored
        self.emails[str(element.get("email", ""))] = number
        return stored

    def described(self) -> dict[str, Any]:
        """What describe says."""
        fields = [_field(name, kind) for name, (kind, _) in {"id": ("autogenerated", b""), **KINDS}.items()]
        return {
            "name": self.name,
            "label": self.name,
            "createable": True,
            "updateable": True,
            "deleteable": True,
            "retrieveable": True,
            "fields": fields,
            "idPrefix": str(self.prefix),
            "isEntity": True,
            "labelFields": "lastname",
        }


def _field(name: str, kind: str) -> dict[str, Any]:
    told: dict[str, Any] = {"name": kind}
    if kind in {"picklist", "multipicklist"}:
        told["picklistValues"] = [{"label": each, "value": each} for each in LISTED]
    if kind == "reference":
        told["refersTo"] = ["Users"]
    return {
        "name": name,
        "label": name.title(),
        "mandatory": name == "lastname",
        "type": told,
        "nullable": True,
        "editable": name not in READ_ONLY | {"id"},
    }


class Crm:
    """The answers of the stub."""

    def __init__(self, modules: int, rows: int) -> None:
        names = ["Leads", *(f"Module{number}" for number in range(2, modules + 1))]
        self.modules = {name: Module(name, 10 + place, rows) for place, name in enumerate(names)}
        self.prefixes = {module.prefix: module for module in self.modules.values()}

    def answer(self, asked: dict[str, str]) -> bytes:
        """The body for an operation's parameters."""
        operation = asked.get("operation", "")
        found: Callable[[dict[str, str]], Any] | None = getattr(self, f"_{operation}", None)
        if found is None:
            return b'{"success":false,"error":{"code":"ACCESS_DENIED","message":""}}'
        result = found(asked)
        body = result if isinstance(result, bytes) else json.dumps(result).encode()
        return b'{"success":true,"result":' + body + b"}"

    def _getchallenge(self, _asked: dict[str, str]) -> Any:
        now = int(time.time())
        return {"token": "6b01dcd28597b", "serverTime": now, "expireTime": now + 300}

    def _login(self, _asked: dict[str, str]) -> Any:
        return {"sessionName": "5e55", "userId": "19x1", "version": "0.22", "vtigerVersion": "8.4.0", "is_admin": "on"}

    def _logout(self, _asked: dict[str, str]) -> Any:
        return {"message": "successfull"}

    def _listtypes(self, _asked: dict[str, str]) -> Any:
        information = {name: {"isEntity": True, "label": name, "singular": name} for name in self.modules}
        return {"types": list(self.modules), "information": information}

    def _describe(self, asked: dict[str, str]) -> Any:
        return self.modules[asked["elementType"]].described()

    def _query(self, asked: dict[str, str]) -> bytes:
        found = QUERY.match(asked["query"])
        if found is None or found[2] not in self.modules:
            return b"[]"
        module = self.modules[found[2]]
        numbers = module.selected(found[3] or "")
        if found[5]:
            numbers = numbers[::-1]
        first = int(found[6] or 0)
        shown = numbers[first : first + min(int(found[7]), 100)]
        return b"[" + b",".join(module.rendered(found[1], number) for number in shown) + b"]"

    def _create(self, asked: dict[str, str]) -> Any:
        return self.modules[asked["elementType"]].create(json.loads(asked["element"]))

    def _revise(self, asked: dict[str, str]) -> Any:
        element = json.loads(asked["element"])
        prefix, _, number = element["id"].partition("x")
        module = self.prefixes[int(prefix)]
        stored = json.loads(module.rendered("*", int(number))) | element
        module.made[int(number)] = stored
        return stored
