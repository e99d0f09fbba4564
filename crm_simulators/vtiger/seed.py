"""The data that a simulator starts with: the same in every run, old, and odd."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from crm_simulators.vtiger.access import USERS
from crm_simulators.vtiger.inventory import seed_lines
from crm_simulators.vtiger.seed_modules import MAIN, base_values
from crm_simulators.vtiger.seed_values import value_for

if TYPE_CHECKING:
    from crm_simulators.vtiger.schema import Field, Module
    from crm_simulators.vtiger.store import Store, Values

START = datetime(2025, 1, 1, 0, 25, tzinfo=timezone.utc)
SPAN = timedelta(days=300)
CLUSTER = "2025-06-15 12:00:00"
"""The second that many rows share."""
CLUSTER_ROWS = 280
EMPTY = frozenset({"Emails", "PBXManager", "SMSNotifier", "ProductTaxes", "LineItem", "InventoryDetails"})
"""Modules without rows of their own (measured for the first four)."""
_BATCHES = 4
_GAPS = (1, 1, 1, 2, 3, 7)
_FIXED = frozenset({"id", "createdtime", "modifiedtime", "modifiedby", "created_user_id", "source", "starred", "tags"})


def amounts(rows: int, leads: int | None, invoices: int) -> dict[str, int]:
    """How many rows each large module gets."""
    fifth = rows // 5
    large = {"Accounts": rows // 2, "Contacts": rows, "Leads": rows // 2 if leads is None else leads}
    others = ("Potentials", "HelpDesk", "Calendar", "Events", "cbCalendar", "Products", "Documents", "ModComments")
    inventory = {"Invoice": min(invoices, fifth), "Quotes": min(20, fifth)}
    return {**large, **dict.fromkeys(others, fifth), **inventory}


class Seeder:
    """Fills a store."""

    def __init__(self, store: Store, *, rows: int, leads: int | None, invoices: int) -> None:
        self._store = store
        self._random = random.Random(20250101)
        self._amounts = amounts(rows, leads, invoices)
        self._small = min(12, rows // 50)

    def fill(self) -> None:
        """Adds everything."""
        self._people_and_lists()
        modules = [module for module in self._store.modules.values() if _has_rows(module)]
        order = sorted(modules, key=lambda module: _RANK.get(module.name, 0))
        counts = {module.name: self._amounts.get(module.name, self._small) for module in order}
        for batch in range(_BATCHES):
            for module in order:
                total = counts[module.name]
                plan = _Plan(module, total, self._store)
                for position in range(total * batch // _BATCHES, total * (batch + 1) // _BATCHES):
                    self._add(module, plan, position)
        seed_lines(self._store)
        self._members()
        for module in order:
            self._specials(module)

    def _members(self) -> None:
        """Each campaign has some."""
        people = [self._store.id(record) for record in self._store.raw("Contacts")]
        for position, record in enumerate(self._store.raw("Campaigns") if "Campaigns" in self._store.modules else []):
            campaign, members = self._store.id(record), people[position :: position + 2][:150]
            self._store.pairs |= {frozenset({campaign, each}) for each in members}

    def _people_and_lists(self) -> None:
        for name, rows in base_values(self._store).items():
            if name in self._store.modules:
                known = self._store.modules[name].columns
                for number, values in rows.items():
                    kept = {field: value for field, value in values.items() if field in known}
                    self._store.add(name, kept, number)

    def _add(self, module: Module, plan: _Plan, position: int) -> None:
        number = self._store.sequence + self._random.choice(_GAPS)
        self._store.add(module.name, plan.values(position), number)

    def _specials(self, module: Module) -> None:
        rows = self._store.raw(module.name)
        for record in rows[40::97]:
            record.deleted = True
        if module.name == "Leads":
            for record in rows[60::97]:
                record.converted = True
            if rows:
                self._store.put(rows[0], {"lastname": "ctl\x01\x00x", "description": "a\x0bb\u2028c"})
        if module.name == "Contacts" and self._store.flavour.is_corebos:
            # Their owner is gone, which spoils every page that holds one (measured: 3 of 701).
            for record in rows[5 :: max(1, len(rows) // 3)][:3]:
                self._store.put(record, {"assigned_user_id": "999"})
        if self._store.modules[module.name].unique:
            self._store.tables[module.name].recount()


class _Plan:
    """What the rows of one module hold."""

    def __init__(self, module: Module, total: int, store: Store) -> None:
        self._module = module
        self._total = max(1, total)
        self._store = store
        self._main = MAIN.get(module.name, _nothing)
        self._odd = [field for field in module.fields.values() if _may_be_odd(module, field)]
        self._label = next((name for name in module.label_fields if name in module.columns), None)
        self._columns = frozenset(module.columns)
        self._number = module.number_field
        self._letters = _LETTERS.get(module.name, module.name[:3].upper())
        self._owned = "assigned_user_id" in module.columns
        self._made_by: Values = {name: "19x1" for name in ("created_user_id", "creator") if name in module.columns}

    def values(self, position: int) -> Values:
        """The row at a position, counted from 0."""
        stamp = self._stamp(position)
        values: Values = {"createdtime": stamp, "modifiedtime": stamp, "modifiedby": "19x1", **self._made_by}
        if "source" in self._module.columns:
            values["source"] = "IMPORT" if position % 3 == 0 else "WEBSERVICE"
        if self._number:
            values[self._number] = f"{self._letters}{position + 1}"
        if self._owned:
            values["assigned_user_id"] = self._owner(position)
        for turn in range(4) if self._odd else ():
            field = self._odd[(position * 4 + turn) % len(self._odd)]
            values[field.name] = value_for(field, position + turn)
        if self._label:
            values[self._label] = f"{self._module.name} {position}"
        values.update(self._main(position, self._store))
        if position % 5 == 0 and not self._is_private(position):
            values["visibility"] = "Public"
        return {name: value for name, value in values.items() if name in self._columns}

    def _stamp(self, position: int) -> str:
        clustered = min(CLUSTER_ROWS, self._total * 28 // 100)
        middle = self._total // 2 - clustered // 2
        turn = (position * 7919) % self._total if self._total % 7919 else position
        if middle <= turn < middle + clustered:
            return CLUSTER
        return (START + SPAN * turn / self._total).strftime("%Y-%m-%d %H:%M:%S")

    def _is_private(self, position: int) -> bool:
        """Whether only administrators see an activity, so that other people's first pages are empty (measured)."""
        return self._module.name in {"Calendar", "Events"} and position < self._total * 0.6

    def _owner(self, position: int) -> str:
        if self._is_private(position):
            return "19x1"
        return _OWNERS[position % len(_OWNERS)]


def _nothing(_position: int, _store: Store) -> Values:
    return {}


_OWNERS = (*(f"19x{user.number}" for user in USERS.values()), "19x6", "20x5", "19x1")
_LETTERS = {"Contacts": "CON", "HelpDesk": "TT", "Calendar": "TSK", "Documents": "DOC", "PriceBooks": "PB"}
_RANK = {"Accounts": -5, "Vendors": -4, "Products": -3, "Services": -3, "Campaigns": -2, "Contacts": -1, "Invoice": 1}


def _has_rows(module: Module) -> bool:
    return module.is_entity and module.name not in EMPTY and module.name != "Users"


def _may_be_odd(module: Module, field: Field) -> bool:
    if field.name not in module.columns or field.name in _FIXED or field.is_reference:
        return False
    plain = not field.name.endswith("_no") and field.kind not in {"file", "image", "autogenerated"}
    return plain and field.name not in module.label_fields and field.name not in _NOT_ODD


_NOT_ODD = frozenset(
    {"activitytype", "visibility", "hdnTaxType", "assigned_user_id", "deleted", "isconvertedfromlead", "update_log"}
)
