"""Converting a lead into a contact, an account and a deal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crm_systems.errors import OutcomeUnknown, Rejected
from crm_systems.model import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call

LEADS = "Leads"
BECOMES = ("Accounts", "Contacts", "Potentials")
NEEDS = ("Accounts", "Contacts")
"""Without one of them the server answers success and does nothing (seen in Vtiger's code)."""
ALREADY = "LEAD_ALREADY_CONVERTED"
OWNER = "assigned_user_id"


def convert(call: Call, identifier: str, owner: str, made: Mapping[str, Mapping[str, Any]]) -> dict[str, str] | None:
    """By ``convertlead``; an account of the same name is taken in place of a new one (measured).

    The ids of what it became; None: it was converted before.

    Raises:
        Rejected: nothing says that it can be.
        OutcomeUnknown: the answer was lost, or is none.
    """
    if not any(name in made for name in NEEDS):
        raise Rejected(f"{LEADS}: convert: the CRM turns a lead into {' or '.join(NEEDS)} at least")
    entities = {name: {"create": True, "name": name, **values} for name, values in made.items()}
    element = {"leadId": identifier, **({"assignedTo": owner} if owner else {}), "entities": entities}
    form = {"operation": "convertlead", "element": json.dumps(element)}
    try:
        told = call(Request("POST", f"{LEADS}: convert", form=form, repeatable=False))
    except Rejected as error:
        if error.code == ALREADY:
            return None
        raise
    if not isinstance(told, dict) or not set(made) <= set(told):
        raise OutcomeUnknown(f"{LEADS}: convert: the answer does not tell what became of it")
    return {name: str(told[name]) for name in made}
