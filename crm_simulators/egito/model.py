"""What an Egito tenant stores: the fields of every type in one editable table, its dictionaries and users.

Documented: the five types, ``name surname companyName sourceId mainPhoneNumber`` of Lead, the dictionaries industry,
lead.source and relationshipType. Everything else in the table is inferred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.egito.switches import Switches

Record = dict[str, Any]
"""A stored row: flat, nested properties under dotted names."""
Id = int | str


class Kind(Enum):
    """How a parameter's text is bound."""

    ID = "id"
    TEXT = "text"
    INTEGER = "int"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    SELECT = "select"
    REFERENCE = "ref"
    OWNER = "owner"


@dataclass(frozen=True)
class Column:
    """One field; ``of`` is the dictionary of a select or the type of a reference."""

    name: str
    kind: Kind
    of: str = ""
    read_only: bool = False


_HEAD = "id id R"
_TAIL = "ownerId owner · created datetime R · modified datetime R"
_PHONE = "mainPhoneNumber.prefix text · mainPhoneNumber.suffix text · mainEmail text"
_FIELDS = {
    "Lead": f"""
        name text · surname text · companyName text · sexId select=sex · sourceId select=lead.source
        statusId select=lead.status · {_PHONE} · description text
    """,
    "Account": f"""
        name text · nip text · industryId select=industry · relationshipTypeId select=relationshipType · {_PHONE}
        website text · address.street text · address.postalCode text · address.city text
        address.countryId select=country
    """,
    "Contact": f"""
        accountId ref=Account · name text · surname text · sexId select=sex · position text · {_PHONE}
    """,
    "Opportunity": """
        accountId ref=Account · contactId ref=Contact · name text · value decimal · currencyId select=currency
        stageId select=opportunity.stage · probability int · closeDate date
    """,
}
_EXTRA = "name text · description text · value decimal"
_CUSTOM = "customFields.color text · customFields.points int"
_COLUMN = re.compile(r"(?P<name>[\w.]+) (?P<kind>[a-z]+)(=(?P<of>[\w.]+))?(?P<read_only> R)?")

DICTIONARY = "SelectDictionary"
DICTIONARIES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "industry": ("IT", "Budownictwo", "Usługi & handel", "Rolnictwo <eko>", ""),
    "lead.source": ("WWW", "Targi", "Polecenie", 'Reklama „radio"', "\U0001f4de Telefon"),
    "relationshipType": ("Klient", "Dostawca", "Partner", "Konkurent"),
    "sex": ("Kobieta", "Mężczyzna"),
    "lead.status": ("Nowy", "W toku", "Odrzucony"),
    "opportunity.stage": ("Oferta", "Negocjacje", "Wygrana", "Przegrana"),
    "currency": ("PLN", "EUR", "USD"),
    "country": ("Polska", "Czechy", "Słowacja", "Niemcy"),
    "phone.prefix": ("+48", "+420", "+421", "+49"),
})  # fmt: skip
"""Names of the rows by type; their ids differ from tenant to tenant."""


@dataclass(frozen=True)
class User:
    """Someone with access to the API: ``denied`` holds ``<Type>/<operation>``, ``own_only`` hides others' records."""

    number: int
    password: str
    denied: frozenset[str] = frozenset()
    own_only: bool = False


USERS: Mapping[str, User] = MappingProxyType(
    {
        "login@firma": User(1, "Hasło+1&=ż"),
        "gosc@firma": User(2, "gosc-haslo", frozenset({"Lead/create", "Lead/update", "Account/list"})),
        "handlowiec@firma": User(3, "handlowiec-haslo", own_only=True),
    }
)
CLIENTS: Mapping[str, str] = MappingProxyType({"api-klient-1": "sekret/1+ą", "api-klient-2": "sekret-2"})


def types(switches: Switches) -> dict[str, dict[str, Column]]:
    """The columns of every type, as the switches have them."""
    tables = {**_FIELDS, **dict.fromkeys(switches.extra_types, _EXTRA)}
    custom = f" · {_CUSTOM}" if switches.custom_fields else ""
    return {name: _columns(f"{_HEAD} · {table} · {_TAIL}{custom}", switches) for name, table in tables.items()}


def _columns(table: str, switches: Switches) -> dict[str, Column]:
    """Reads ``name kind[=dictionary or type] [R]``, R for read-only."""
    found = {}
    for line in filter(None, map(str.strip, re.split(r"[\n·]", table))):
        match = _COLUMN.fullmatch(line)
        if match is None:
            raise ValueError(f"not a column: {line}")
        column = Column(match["name"], Kind(match["kind"]), match["of"] or "", match["read_only"] is not None)
        column = _switched(column, switches)
        found[column.name] = column
    return found


def _switched(column: Column, switches: Switches) -> Column:
    if column.name == "sexId":
        return Column(switches.sex_field, column.kind, column.of)
    if column.name.endswith(".prefix") and switches.prefix == "dictionary":
        return Column(column.name, Kind.SELECT, "phone.prefix")
    return column
