"""What InTouch CRM stores: the fields of every resource in one editable table, code lists, users, versions.

Documented: the field references of party (its first half), membership, opportunity and communication, and the sample
fields of the rest. Everything else in the table is inferred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]
Key = int | tuple[int, int]


class Kind(Enum):
    """The types of the vendor's reference; ``user`` and ``group`` are strings that must name one."""

    TEXT = "text"
    INTEGER = "int"
    DECIMAL = "decimal"
    BOOLEAN = "bool"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    USER = "user"
    GROUP = "group"
    CATEGORIES = "categories"


@dataclass(frozen=True)
class Column:
    """One field: ``length`` 0 is unlimited, ``codes`` names a code list, ``refers`` the resource it points to."""

    name: str
    kind: Kind
    length: int = 0
    read_only: bool = False
    codes: str = ""
    refers: str = ""


@dataclass(frozen=True)
class Resource:
    """One collection below ``/api``; ``custom`` are the fields of its ``…_attr`` table."""

    name: str
    since: str
    columns: Mapping[str, Column]
    required: tuple[str, ...] = ()
    custom: Mapping[str, Column] = field(default_factory=dict)
    has_lines: bool = False


_LINE = re.compile(
    r"(?P<name>\w+) (?P<kind>[a-z]+)(\((?P<length>\d+)\))?(?P<read_only> R)?( (?P<what>list|ref)=(?P<of>\w+))?"
)


def columns(table: str) -> Mapping[str, Column]:
    """Reads lines of ``name kind[(length)] [R] [list=code | ref=resource]``, R for read-only."""
    found = {}
    for line in filter(None, map(str.strip, re.split(r"[\n·]", table))):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a column: {line}")
        found[match["name"]] = Column(
            name=match["name"],
            kind=Kind(match["kind"]),
            length=int(match["length"] or 0),
            read_only=match["read_only"] is not None,
            codes=match["of"] if match["what"] == "list" else "",
            refers=match["of"] if match["what"] == "ref" else "",
        )
    return MappingProxyType(found)


_AUDIT = """
entered datetime R · enteredBy text(16) R · modified datetime R · modifiedBy text(16) R
ownerUser user · ownerGroup group
"""
_PARTY = """
id int R · type text(16) · firstname text(64) · surname text(64) · titleBefore text(32) · company text(128)
ico text(16) · dic text(16) · dic2 text(16) · street text(128) · streetM text(128) · city text(64) · cityM text(64)
zip text(16) · zipM text(16) · adrState text(64) · adrStateM text(64) · country text(2) · countryM text(2)
bankAccount text(32) · bankCode text(16) · bankSymbol text(16) · birthday date · bornNumber text(16) · card text(32)
canShopping bool · categories categories · comment text · debit int R · deliveryAddr text(1)
enteredFrom text(16) list=_enf
"""
_MEMBERSHIP = """
org int ref=parties · member int ref=parties · priority int · role text(64) · enterDate date · leaveDate date
forContact bool · forBusiness bool · forTechnical bool · forInvoice bool · authorized bool
"""
_OPPORTUNITY = """
id int R · agendaCategory text(16) list=_agenda · amount decimal · branch int ref=parties · closeDate date
collect date · comment text · currency text(3) · customer int ref=parties · expense decimal
intlAmount decimal · intlExpense decimal · intlProfit decimal R · lostOccasion text(16) list=_lost
name text(128) · notification int · opType text(4) list=_opType
parent int ref=opportunities · person int ref=parties · probability int · profit decimal R · reallyClosed date
stage text(16) list=_opStage
"""
_BUSCASE = """
id int R · caseType int · customer int ref=parties · person int ref=parties · name text(128) · number text(32)
totalPrice decimal · currency text(3) · comment text · opportunity int ref=opportunities
"""
_PRODUCT = """
id int R · customer int ref=parties · name text(128) · action bool · code text(32) · price decimal · vat int
comment text
"""
_STORE = """
id int R · subject text(64) · street text(128) · city text(64) · zip text(16) · country text(2)
"""
_INVOICE = """
id int R · customer int ref=parties · person int ref=parties · buscase int ref=buscases · allNumber text(32) R
variableSymbol text(16) R · issueDate date · dueDate date · totalPrice decimal · currency text(3) · comment text
"""
_COMM = """
id int R · agendaCategory text(16) list=_agenda · audioURL text R · branch int ref=parties · buscase int ref=buscases
callDuration int · callUid decimal · campaign int · comment text · contacted date · contactedTime time
contactType int list=_contactType · customer int ref=parties · letterBody text · name text(128)
opportunity int ref=opportunities · person int ref=parties · phone text(32) · planContact date
"""
LINES = columns("""
product int ref=products · name text(128) · amount decimal · unitPrice decimal · issued bool · invoiced bool R
""")
"""A line of an order or invoice (documented only that there are lines, and that one can be issued and invoiced)."""

CASE_TYPES: Mapping[int, tuple[str, Mapping[str, Column]]] = MappingProxyType(
    {
        1: ("Zakázka", columns("deliveryDate date · deliveryAddr text(1) · transport text(32)")),
        2: ("Servis", columns("deviceSerial text(64) · warrantyUntil date · repairHours decimal")),
        3: ("Projekt", columns("start date · startTime time · budget decimal · manager user")),
    }
)
"""Types of orders: their names, and the fields that only they have."""


def _resource(name: str, since: str, table: str, **more: Any) -> Resource:
    return Resource(name=name, since=since, columns=columns(table + _AUDIT), **more)


RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {
        resource.name: resource
        for resource in (
            _resource(
                "parties",
                "6.2",
                _PARTY,
                required=("type",),
                custom=columns("attrShirtSize text(8) · attrPoints int · attrSigned date"),
            ),
            Resource("members", "6.5", columns(_MEMBERSHIP), required=("org", "member")),
            _resource(
                "opportunities",
                "6.2",
                _OPPORTUNITY,
                required=("name", "customer"),
                custom=columns("attrChance text(32)"),
            ),
            _resource("buscases", "6.5", _BUSCASE, required=("name", "customer", "caseType"), has_lines=True),
            _resource("products", "6.5", _PRODUCT, required=("name",)),
            _resource("stores", "6.5", _STORE, required=("subject",)),
            _resource("invoices", "6.5", _INVOICE, required=("customer",), has_lines=True),
            _resource("comm", "7.1", _COMM, required=("name",), custom=columns("attrMood int")),
        )
    }
)

PARTY_TYPES = frozenset(
    ("ORGANIZATION", "INDIVIDUAL", "FREELANCER", "BRANCH", "JOB", "DEPARTMENT", "ROBOT", "FAMILY", "GROUP", "ANONYMOUS")
)
NEEDS: Mapping[str, str] = MappingProxyType({
    "ORGANIZATION": "company", "BRANCH": "company", "INDIVIDUAL": "surname", "FREELANCER": "surname",
})  # fmt: skip
"""What a party of a type cannot do without (inferred)."""
CANNOT_EMPLOY = frozenset({"INDIVIDUAL", "JOB", "ANONYMOUS", "ROBOT"})
"""Types that cannot be the ``org`` of a membership: «a firm cannot be an employee of a person»."""
CONTACT_TYPES = ("EMAIL", "PHONE", "MOBILE", "WEB")
COUNTRIES: Mapping[str, str] = MappingProxyType({
    "CZ": "Česko", "SK": "Slovensko", "PL": "Polsko", "DE": "Německo", "AT": "Rakousko",
})  # fmt: skip
GROUPS = frozenset({"obchod", "servis"})

LISTS: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        "_enf": ("Kontakt: Původ", {"bcca": "Vizitka", "impr": "Import", "web": "Web <formulář>"}),
        "_agenda": ("Kategorie agendy", {"obch": "Obchod", "serv": "Servis & reklamace"}),
        "_lost": ("Příležitost: Důvod ztráty", {"cena": "Cena", "konk": "Konkurence"}),
        "_opType": ("Příležitost: Typ", {"new": "Nový", "old": "Stávající"}),
        "_opStage": (
            "Příležitost: Fáze",
            {"init": "Začátek", "apro": "Schváleno", "won": "Vyhráno", "lost": "Ztraceno"},
        ),
        "_contactType": ("Komunikace: Typ", {"1": "Telefon", "2": "E-mail", "3": "Schůzka"}),
        "barvy": ("Barvy produktu", {"r": "Červená", "b": "Modrá", "": "(nic)"}),
    }
)
"""Code, name and items (value → name); documented is only ``_enf``."""


@dataclass(frozen=True)
class User:
    """Someone who logs in; ``groups`` limits the visible records to these owner groups, None to nothing."""

    password: str
    name: str
    admin: bool = False
    read_only: bool = False
    groups: frozenset[str] | None = None


USERS: Mapping[str, User] = MappingProxyType(
    {
        "gregor": User("Heslo-7:ž", "Gregor Samsa", admin=True),
        "eva": User("eva-heslo", "Eva Nováková", groups=frozenset({"obchod"})),
        "robot": User("robot-heslo", "Robot", read_only=True),
    }
)
