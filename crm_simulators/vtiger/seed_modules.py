"""What the rows of the well-known modules hold, and the rows of the modules that are no entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.vtiger.access import USERS
from crm_simulators.vtiger.seed_values import CITIES, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crm_simulators.vtiger.store import Store, Values


def _pick(store: Store, module: str, position: int) -> str | None:
    """The id of some row that is there already."""
    table = store.tables.get(module)
    if not table or not table.numbers:
        return None
    return store.id_of(module, table.numbers[position % len(table.numbers)])


def _account(position: int, store: Store) -> Values:
    parent = _pick(store, "Accounts", position * 3) if position % 4 == 1 else None
    return {
        "accountname": f"{NAMES[position % len(NAMES)].strip()} {position} GmbH & Co",
        "account_id": parent,
        "bill_city": CITIES[position % len(CITIES)],
        "phone": f"+49{position}",
    }


def _contact(position: int, store: Store) -> Values:
    return {
        "lastname": f"{NAMES[position % len(NAMES)]} {position}",
        "firstname": ("Anna", "Zoë", "", "Ёлка", "Jean-Luc")[position % 5],
        "account_id": _pick(store, "Accounts", position) if position % 3 else None,
        "email": f"c{position}@example.com",
        "mailingcity": CITIES[position % len(CITIES)],
    }


def _lead(position: int, _store: Store) -> Values:
    return {
        "lastname": f"{NAMES[position % len(NAMES)]} {position}",
        "company": f"Company {position} & Co",
        "city": CITIES[position % len(CITIES)],
        "email": f"bulk{position}@example.com",
    }


def _potential(position: int, store: Store) -> Values:
    return {
        "potentialname": f"Deal {position} & more",
        "related_to": _pick(store, "Accounts", position),
        "contact_id": _pick(store, "Contacts", position) if position % 2 else None,
        "amount": f"{position * 12.5:.{store.modules['Potentials'].fields['amount'].decimals}f}",
        "closingdate": f"2025-{position % 12 + 1:02}-{position % 28 + 1:02}",
        "sales_stage": ("Prospecting", "Closed Won", "Qualification")[position % 3],
    }


def _ticket(position: int, store: Store) -> Values:
    return {
        "ticket_title": f"Ticket <{position}> & é",
        "parent_id": _pick(store, "Accounts", position),
        "contact_id": _pick(store, "Contacts", position),
        "product_id": _pick(store, "Products", position),
        "ticketstatus": ("Open", "Closed", "Wait For Response")[position % 3],
        "ticketpriorities": ("Low", "High", "Normal")[position % 3],
    }


def _activity(position: int, store: Store) -> Values:
    return {
        "subject": f"Task {position} é & <x>",
        "date_start": f"2024-{position % 12 + 1:02}-06",
        "due_date": f"2026-{position % 12 + 1:02}-24",
        "time_start": "09:30:00",
        "time_end": "",
        "duration_hours": str(position * 31 - 4089),
        "duration_minutes": "30",
        "parent_id": _pick(store, "Accounts", position),
        "contact_id": _pick(store, "Contacts", position) if position % 2 else None,
        "activitytype": "Task",
        "visibility": "",
        "reminder_time": None,
    }


def _event(position: int, store: Store) -> Values:
    return {**_activity(position, store), "activitytype": ("Meeting", "Call")[position % 2]}


def _product(position: int, store: Store) -> Values:
    price = store.modules["Products"].fields["unit_price"].decimals
    return {
        "productname": f"Prod <{CITIES[position % len(CITIES)]}> & {position}",
        "productcode": f"P-{position:04}",
        "unit_price": f"{(position % 7) * 100.5:.{price}f}",
        "vendor_id": _pick(store, "Vendors", position),
        "discontinued": "1",
    }


def _document(position: int, _store: Store) -> Values:
    return {
        "notes_title": f"Doc {position} & é",
        "filename": f"http://example.com/f{position}?a=1&b=2",
        "notecontent": f"<p>note {position} &amp; more</p>",
        "filelocationtype": "E",
        "filesize": "0",
        "filestatus": "1",
        "folderid": "22x1",
    }


def _comment(position: int, store: Store) -> Values:
    return {
        "commentcontent": f'Comment {position} <b>&</b> "x"\nline2',
        "related_to": _pick(store, ("Accounts", "Contacts")[position % 2], position),
        "is_private": "0",
        "related_email_id": "0",
    }


def _invoice(position: int, store: Store) -> Values:
    return {**_order(position, store), "invoicestatus": ("Created", "Paid", "Sent")[position % 3]}


def _order(position: int, store: Store) -> Values:
    """A document without its lines, which are added afterwards."""
    return {
        "subject": f"Inv & {position}" if position else "T1 & <x>",
        "account_id": _pick(store, "Accounts", position),
        "contact_id": _pick(store, "Contacts", position) if position % 2 else None,
        "hdnTaxType": "individual",
        "currency_id": "21x1",
        "conversion_rate": "1.000",
        "bill_street": "<b>5th</b> & Main",
        "ship_street": "y",
    }


MAIN: Mapping[str, Callable[[int, Store], Values]] = {
    "Accounts": _account,
    "Contacts": _contact,
    "Leads": _lead,
    "Potentials": _potential,
    "HelpDesk": _ticket,
    "Calendar": _activity,
    "Events": _event,
    "Products": _product,
    "Documents": _document,
    "ModComments": _comment,
    "Invoice": _invoice,
    "Quotes": _order,
    "SalesOrder": _order,
    "PurchaseOrder": _order,
}


def base_values(store: Store) -> dict[str, dict[int, Values]]:
    """The rows of users, groups, currencies and the like, by module and number."""
    places = 6 if store.flavour.is_corebos else 5
    return {
        "Users": {user.number: _user(name) for name, user in USERS.items()},
        "Groups": {
            2: {"groupname": "Team Selling", "description": "Group Related to Sales"},
            3: {"groupname": "Marketing Group", "description": "Group Related to Marketing Activities"},
            4: {"groupname": "Support Group", "description": "Group Related to providing Support to Customers"},
            5: {"groupname": "Support & Co", "description": "grp <b></b>"},
        },
        "Currency": {
            1: {**_currency("USA, Dollars", "USD", "$"), "conversion_rate": f"{1:.{places}f}", "defaultid": "-11"},
            2: {**_currency("Euro", "EUR", "€"), "conversion_rate": f"{0.92:.{places}f}", "defaultid": "0"},
        },
        "DocumentFolders": {1: {"foldername": "Default", "description": "This is a Default Folder", "sequence": "1"}},
        "CompanyDetails": {1: {"organizationname": "Example & Co", "city": "Berlin", "logo": None, "vatid": None}},
        "Tax": {number: _tax(number) for number in (1, 2, 3)},
    }


def _currency(name: str, code: str, symbol: str) -> Values:
    fixed = {"currency_position": "$1.0", "currency_status": "Active", "deleted": "0"}
    return {"currency_name": name, "currency_code": code, "currency_symbol": symbol, **fixed}


def _tax(number: int) -> Values:
    label, percentage = (("VAT", "4.500"), ("Sales", "10.000"), ("Service", "12.500"))[number - 1]
    fixed = {"deleted": "0", "method": "Simple", "type": "Fixed", "compoundon": "[]", "regions": "[]"}
    return {"taxname": f"tax{number}", "taxlabel": label, "percentage": percentage, **fixed}


def _user(name: str) -> Values:
    user = USERS[name]
    return {
        "user_name": user.name,
        "is_admin": "on" if user.is_admin else "off",
        "first_name": user.first_name,
        "last_name": user.last_name,
        "roleid": "H2" if user.is_admin else "H5",
        "email1": f"{user.name}@example.com",
        "status": "Active",
        "hour_format": user.hour_format,
        "date_format": user.date_format,
        "time_zone": user.time_zone,
        "currency_decimal_separator": user.separators[0],
        "currency_grouping_separator": user.separators[1],
        "currency_id": "21x1",
        "internal_mailer": "1",
        "language": "en_us",
        "userlabel": f"{user.first_name} {user.last_name}",
    }
