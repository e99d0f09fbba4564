"""Widths and decimals of the database's columns, which describe does not tell.

Measured are Leads.lastname (80), company (100), city (30) and every number of decimals listed; the other widths are
inferred from the stock schema.
"""

from __future__ import annotations

import re

_WIDTH_BY_KIND = {
    "string": 100,
    "phone": 50,
    "email": 100,
    "url": 255,
    "picklist": 200,
    "skype": 255,
    "owner": 0,
    "file": 255,
    "image": 255,
}

_WIDTHS = {
    "firstname": 40,
    "lastname": 80,
    "first_name": 30,
    "last_name": 30,
    "department": 30,
    "title": 50,
    "designation": 50,
    "assistant": 30,
    "city": 30,
    "code": 30,
    "country": 30,
    "state": 30,
    "pobox": 30,
    "lane": 250,
    "tickersymbol": 30,
    "ownership": 50,
    "siccode": 50,
    "mailingcity": 40,
    "othercity": 40,
    "mailingcountry": 30,
    "othercountry": 30,
    "potentialname": 120,
    "ticket_title": 255,
    "subject": 255,
    "groupname": 100,
    "source": 100,
    "serial_no": 200,
}

_DECIMALS = {
    "salescommission": 3,
    "exciseduty": 3,
    "conversion_rate": 3,
    "commissionrate": 3,
    "qty_per_unit": 2,
    "qtyinstock": 3,
    "quantity": 3,
    "discount_percent": 3,
    "percentage": 3,
    "hours": 8,
    "days": 8,
    "hdnS_H_Percent": 8,
    "purchase_cost": 8,
    "margin": 8,
    "listprice": 8,
    "discount_amount": 8,
    "numsent": 0,
    "total_units": 2,
    "used_units": 2,
    "progress": 2,
}

_ADDRESS = re.compile(r"(bill|ship|mailing|other|address)_?(street|city|state|code|zip|country|pobox)$")
_CUSTOM = {"X Decimal": 3, "X Percent": 2, "X Currency": 2}


def width(name: str, kind: str) -> int | None:
    """How many characters a text column keeps; None for unlimited."""
    address = _ADDRESS.match(name)
    if address and address[2] == "street":
        return 250
    if kind in {"text", "multipicklist"} and name != "lane":
        return None
    if name in _WIDTHS:
        return _WIDTHS[name]
    return 30 if address else _WIDTH_BY_KIND.get(kind)


def decimals(module: str, name: str, kind: str, label: str) -> int:
    """How many decimals a number comes back with."""
    if name.startswith("cf_"):
        return _CUSTOM.get(label, 2 if kind == "currency" else 3)
    if module == "Currency":
        return 5
    if kind == "currency":
        return 8
    return _DECIMALS.get(name, 3)
