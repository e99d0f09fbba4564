"""What the records of a Vtiger store must look like on the way out, worked out apart from the tap."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_simulators.vtiger import VtigerSimulator

SECRETS = {"accesskey", "user_password", "confirm_password", "user_hash", "crypt_type"}
DOCUMENTS = {"Invoice", "Quotes", "SalesOrder", "PurchaseOrder"}
OF_SOME_LINE = {"productid", "quantity", "listprice", "comment", "tax1", "tax2", "tax3", "image"} | {
    "discount_percent",
    "discount_amount",
    "purchase_cost",
    "margin",
}
"""What a document shows of one of its lines: of which one, the server does not say."""
PRIVATE_MODULES = {"Calendar", "Events"}
NUMBERS = {"double", "currency", "decimal"}
HIDDEN_NUMBERS = {"discount_percent", "discount_amount", "purchase_cost", "margin"}


def expected(simulator: VtigerSimulator, module: str, user: str = "admin") -> dict[str, dict[str, Any]]:
    """The records that a user must get, by id (or by position, where a module has none)."""
    kinds = {item["name"]: item["type"]["name"] for item in simulator.store.modules[module].describe["fields"]}
    for name in HIDDEN_NUMBERS - kinds.keys():
        kinds[name] = "double"
    rows = [row for row in simulator.store.records(module) if _is_visible(simulator, module, row, user)]
    more = {"imagenamefullpath": None} if simulator.flavour == "corebos" and module == "Contacts" else {}
    return {
        row["id"]: {
            **{
                name: shown(kinds.get(name, "string"), value)
                for name, value in row.items()
                if name not in SECRETS and not _is_of_a_line(simulator, module, name)
            },
            **more,
        }
        for row in rows
    }


def _is_visible(simulator: VtigerSimulator, module: str, row: dict[str, Any], user: str) -> bool:
    if user in {"admin", "usadmin"}:
        return True
    own = {"euro": {"19x6", "20x5"}, "limited": {"19x8"}}[user]
    everything = simulator.flavour != "simplycrm" or simulator.switches.sees_all
    if everything and module not in PRIVATE_MODULES:
        return True
    return row.get("assigned_user_id") in own or (everything and row.get("visibility") == "Public")


def shown(kind: str, value: str | None) -> Any:
    """One stored value as a record holds it."""
    if value is None or value == "":
        return None
    if (kind, value) in {("date", "0000-00-00"), ("datetime", "0000-00-00 00:00:00"), ("reference", "0")}:
        return None
    if kind == "boolean":
        return {"1": True, "on": True, "0": False, "off": False}[value]
    if kind == "datetime":
        return value.replace(" ", "T") + "+00:00"
    if kind == "multipicklist":
        return value.split(" |##| ")
    return int(value) if kind == "integer" else exact(Decimal(value)) if kind in NUMBERS else value


def exact(number: Decimal | int) -> tuple[str, int, tuple[int, ...], int | str]:
    """A number with its digits, so that 12.5 is not 12.50 and is no text either."""
    return ("number", *Decimal(number).as_tuple())


def comparable(simulator: VtigerSimulator, module: str, record: dict[str, Any]) -> dict[str, Any]:
    """A record that came out, with its decimals as :func:`exact` has them."""
    kinds = {item["name"]: item["type"]["name"] for item in simulator.store.modules[module].describe["fields"]}
    for name in HIDDEN_NUMBERS - kinds.keys():
        kinds[name] = "double"
    return {
        name: exact(value) if kinds.get(name) in NUMBERS and value is not None else value
        for name, value in record.items()
        if not _is_of_a_line(simulator, module, name)
    }


def _is_of_a_line(simulator: VtigerSimulator, module: str, name: str) -> bool:
    return module in DOCUMENTS and simulator.flavour != "corebos" and name in OF_SOME_LINE
