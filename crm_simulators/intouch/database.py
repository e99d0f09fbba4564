"""What the installation holds: tables, code lists, users, and who is stamped on a change."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from crm_simulators.intouch.model import CASE_TYPES, LISTS, RESOURCES, USERS, Key, Record
from crm_simulators.intouch.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulators.clock import Clock
    from crm_simulators.intouch.switches import Switches

PRAGUE = ZoneInfo("Europe/Prague")


class Database:
    """All tables of one installation; everything that changes goes through it."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._never_modified_is_null = switches.never_modified != "entered"
        self.tables = {name: Table(nulls_first=switches.nulls_first) for name in RESOURCES}
        self.users = dict(USERS)
        self.lists: dict[str, Record] = {}
        self._next_id = dict.fromkeys(RESOURCES, 1)
        self._parties_by: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._make_lists(with_case_types=switches.case_types_listed)

    def now(self) -> str:
        """The server's local time to the second, without a zone (documented)."""
        local = self._clock.on_the_wall(PRAGUE).replace(tzinfo=None, microsecond=0)
        return local.isoformat()

    def new_id(self, resource: str) -> int:
        """The next number of a table; numbers are never used twice."""
        number = self._next_id[resource]
        self._next_id[resource] = number + 1
        return number

    def add(self, resource: str, values: Record, login: str) -> Record:
        """Stores a new record and stamps it; an invoice gets its number and variable symbol (documented)."""
        if resource == "members":
            return self.load(resource, dict(values))
        now = self.now()
        row = {"id": self.new_id(resource), **values, "entered": now, "enteredBy": login}
        if resource == "invoices":
            number = f"{now[:4]}{row['id']:04}"
            row.update({"allNumber": f"{number}CZ", "variableSymbol": number})
        if not self._never_modified_is_null:
            row.update({"modified": now, "modifiedBy": login})
        return self.load(resource, row)

    def replace(self, resource: str, row: Record, login: str) -> Record:
        """Stores a new version of a record and stamps the change."""
        if resource != "members":
            row = {**row, "modified": self.now(), "modifiedBy": login}
        return self.load(resource, row)

    def load(self, resource: str, row: Record) -> Record:
        """Stores a row as it is, with the stamps that it brings."""
        key = key_of(resource, row)
        self.drop(resource, key)
        self.tables[resource].put(key, row)
        if resource == "parties":
            for mark in marks(row):
                self._parties_by[mark].add(row["id"])
        return row

    def drop(self, resource: str, key: Key) -> None:
        """Removes a row without a trace, as the CRM does; references to it are left dangling."""
        table = self.tables[resource]
        if resource == "parties" and key in table.rows:
            for mark in marks(table.rows[key]):
                self._parties_by[mark].discard(table.rows[key]["id"])
        table.remove(key)

    def parties_like(self, field: str, row: Record) -> list[int]:
        """The parties that share the row's ``ico``, ``email``, ``phone`` or ``name``, lowest id first."""
        found = {number for mark in marks(row) if mark[0] == field for number in self._parties_by[mark]}
        return sorted(found)

    def _make_lists(self, *, with_case_types: bool) -> None:
        for code, (name, items) in LISTS.items():
            rows = [{"name": title, "sequence": 0, "value": value} for value, title in items.items()]
            self.lists[code] = {"id": code, "name": name, "locked": False, "items": rows}
        if with_case_types:
            rows = [{"name": name, "sequence": 0, "value": str(number)} for number, (name, _) in CASE_TYPES.items()]
            self.lists["_caseType"] = {"id": "_caseType", "name": "Zakázka: Typ", "locked": True, "items": rows}


def key_of(resource: str, row: Record) -> Key:
    """The ``id``; of a membership org and member (documented as its key)."""
    return (row["org"], row["member"]) if resource == "members" else row["id"]


def marks(row: Record) -> Iterator[tuple[str, str]]:
    """What a party can be recognised by: (``ico`` | ``email`` | ``phone`` | ``name``, normalised value)."""
    if row.get("ico"):
        yield "ico", row["ico"].strip()
    for contact in row.get("contacts") or ():
        if contact["type"] == "EMAIL":
            yield "email", contact["value"].strip().lower()
        elif contact["type"] in {"PHONE", "MOBILE"}:
            yield "phone", "".join(filter(str.isdigit, contact["value"]))
    name = " ".join(filter(None, (row.get("company"), row.get("firstname"), row.get("surname"))))
    if name:
        yield "name", name.casefold()
