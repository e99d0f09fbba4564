"""``convertlead``: a lead becomes an account, a contact and a potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.converting import text_of
from crm_simulators.vtiger.failures import Refused, wrong_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.checking import Checker
    from crm_simulators.vtiger.schema import Module
    from crm_simulators.vtiger.store import Record, Store

_BECOMES = ("Accounts", "Contacts", "Potentials")
_FIELDS = {
    "Accounts": {
        "company": "accountname",
        "phone": "phone",
        "website": "website",
        "annualrevenue": "annual_revenue",
        "noofemployees": "employees",
    },
    "Contacts": {"lastname": "lastname", "firstname": "firstname", "email": "email", "phone": "phone"},
    "Potentials": {"company": "potentialname"},
}
"""Which of a lead's fields go where, unless an administrator changed it (from the source)."""


@dataclass
class Conversion:
    """The lead leaves query but not retrieve (measured); what was made before a step fails stays (its source)."""

    store: Store
    access: Access
    add: Callable[[Module, Mapping[str, Any]], Record]

    def carry_out(self, element: Mapping[str, Any], check: Checker) -> dict[str, str] | None:
        """The ids of what it became; without an account or a contact nothing is done, and nothing told (its source)."""
        lead = check.record(text_of(element.get("leadId")))
        if lead.module != "Leads":
            raise wrong_id()
        if lead.converted:
            raise Refused("LEAD_ALREADY_CONVERTED", "Lead is already converted")
        entities = element.get("entities") or {}
        wanted = {name: entities[name] for name in _BECOMES if (entities.get(name) or {}).get("create")}
        if not {"Accounts", "Contacts"} & wanted.keys():
            return None
        owner = text_of(element.get("assignedTo")) or self.store.id_of("Users", self.access.user.number)
        made: dict[str, str] = {}
        for name, given in wanted.items():
            made[name] = self._made(lead, name, given, made, owner)
        lead.converted = True
        self.store.put(lead, {"modifiedtime": self.store.stamp()})
        return made

    def _made(self, lead: Record, name: str, given: Mapping[str, Any], made: Mapping[str, str], owner: str) -> str:
        """An account of the same name is taken in place of a new one (measured).

        The lead's fields, then those that are given; a mandatory one that nothing fills becomes ``????`` (its source).
        """
        module = self.access.listed(name)
        full = self.store.tables["Leads"].full(lead)
        links = {"account_id": made.get("Accounts")} if name == "Contacts" else {}
        if name == "Potentials":
            links = {"related_to": made.get("Accounts"), "contact_id": made.get("Contacts")}
        mapped = {mine: full.get(its) for its, mine in _FIELDS[name].items()}
        sent = {each: value for each, value in given.items() if text_of(value)}
        values = {**mapped, "assigned_user_id": owner, **links, **sent}
        for field in module.fields.values():
            if field.mandatory and not text_of(values.get(field.name)):
                values[field.name] = field.default or "????"
        same = (row for row in self.store.records(name) if row.get("accountname") == values.get("accountname"))
        known = next(same, None) if name == "Accounts" else None
        return str(known["id"]) if known else self.store.id(self.add(module, values))
