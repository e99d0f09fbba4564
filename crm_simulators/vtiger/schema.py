"""Modules and fields, built from recorded answers to ``listtypes`` and ``describe`` of real servers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.columns import decimals, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.vtiger.flavours import Flavour
    from crm_simulators.vtiger.switches import Switches

RECORDINGS = Path(__file__).parent / "recordings"

INVENTORY = ("Invoice", "Quotes", "SalesOrder", "PurchaseOrder")
LINE_COLUMNS = (
    *("productid", "quantity", "listprice", "comment", "tax1", "tax2", "tax3"),
    *("discount_percent", "discount_amount", "image", "purchase_cost", "margin"),
)
"""Columns of an inventory module that live in the table of line items; asking for one joins the two."""

RENAMED = {"hdnDiscountPercent": "discount_percent", "hdnDiscountAmount": "discount_amount"}
"""What the interface calls columns of an inventory document, and what the database does."""
NUMBERS = frozenset({"integer", "double", "currency"})
"""Kinds of fields that are compared as numbers."""
_NOT_SELECTABLE: Mapping[str, str] = {
    **dict.fromkeys(INVENTORY, r"shipping_&_handling.*"),
    **dict.fromkeys(("Products", "Services"), r"tax\d+|currency\d+"),
    "Users": r"user_password|confirm_password|accesskey",
    "Emails": r"filename",
    "ProductTaxes": r"id",
}
"""Described, but a query that names them fails (measured)."""
_NOT_DESCRIBED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "HelpDesk": (("ticketcategories", "update_log"),),
    "LineItem": (("comment", "description"),),
    **dict.fromkeys(INVENTORY, (("hdnS_H_Percent", "image"), ("image", "purchase_cost"), ("purchase_cost", "margin"))),
    "Invoice": (("potential_id", "image"), ("image", "purchase_cost"), ("purchase_cost", "margin")),
}
"""Selectable, but not described (measured): the column before, the column."""
_SIMPLY_EXTRA = ("Services", "Assets", "ServiceContracts", "Project", "ProjectTask", "ProjectMilestone", "ModComments")
_SIMPLY = (
    *("Calendar", "Leads", "Accounts", "Contacts", "Potentials", "Products", "Documents", "Emails", "HelpDesk"),
    *("Faq", "Vendors", "PriceBooks", "Quotes", "PurchaseOrder", "SalesOrder", "Invoice", "Campaigns", "Events"),
    *("Users", "Groups", "Currency", "DocumentFolders", *_SIMPLY_EXTRA),
)
"""What Simply CRM documents, and the modules that its add-ons bring (inferred)."""


@dataclass(frozen=True)
class Field:
    """One field of a module, as far as storing and comparing need it."""

    name: str
    kind: str
    label: str = ""
    mandatory: bool = False
    unique: bool = False
    editable: bool = True
    refers_to: tuple[str, ...] = ()
    default: str = ""
    width: int | None = None
    decimals: int = 0
    choices: tuple[str, ...] = ()
    typed: bool = False
    """Whether coreBOS takes it as the user writes it: numbers and times of some of its kinds (measured)."""
    is_converted: bool = False
    """Whether coreBOS takes it for an amount in the user's currency (measured)."""

    @property
    def is_reference(self) -> bool:
        """Whether its values are ids of other records, people and groups included."""
        return self.kind in {"reference", "owner"}


@dataclass(frozen=True)
class Module:
    """One module with the answer to ``describe`` and what that answer leaves out."""

    name: str
    prefix: int
    is_entity: bool
    listing: Mapping[str, Any]
    describe: Mapping[str, Any]
    fields: Mapping[str, Field]
    columns: tuple[str, ...]
    """What ``select *`` returns, in this order."""
    label_fields: tuple[str, ...]
    hidden: bool = False
    """Whether the API denies that it exists (its records are needed all the same)."""
    references: tuple[str, ...] = ()
    unique: str | None = None
    """The field whose value no two live records share."""

    @property
    def number_field(self) -> str | None:
        """The field that holds the record's number, such as ``contact_no``; nobody may write it."""
        numbers = (name for name, item in self.fields.items() if name.endswith("_no") and not item.editable)
        return next(numbers, None)


def _recorded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["response"]["body"]["result"]


def _field(module: str, data: Mapping[str, Any], decimals_of_all: int | None) -> Field:
    name = data["name"]
    kind = data["type"]["name"]
    if kind == "time" and module in _TEXTUAL_TIMES:
        kind = "string"
    places = decimals_of_all if decimals_of_all is not None else decimals(module, name, kind, data["label"])
    return Field(
        name=name,
        kind=kind,
        label=data["label"],
        mandatory=data["mandatory"],
        unique=bool(data.get("isunique")),
        editable=data["editable"],
        typed=data.get("uitype") in {"7", "9", "50", "71", "72"},
        is_converted=data.get("uitype") == "71",
        refers_to=tuple(data["type"].get("refersTo") or ()),
        default=str(data.get("default") or ""),
        width=width(name, kind),
        decimals=places,
        choices=tuple(choice["value"] for choice in data["type"].get("picklistValues") or ()),
    )


_TEXTUAL_TIMES = frozenset({"Calendar", "Events", "Emails", "cbCalendar"})
"""Their times are text: empty ones are not null, and durations are plain numbers (measured)."""


def _columns(module: str, names: Iterable[str], *, is_corebos: bool) -> tuple[str, ...]:
    columns = [name for name in names if not re.fullmatch(_NOT_SELECTABLE.get(module, "-"), name)]
    if is_corebos:
        return tuple(name for name in columns if "&" not in name)
    for before, added in _NOT_DESCRIBED.get(module, ()):
        columns.insert(columns.index(before) + 1, added)
    columns = list(dict.fromkeys(RENAMED.get(name, name) if module in INVENTORY else name for name in columns))
    if module == "LineItem":
        columns.remove("id")
        columns.insert(columns.index("incrementondel") + 1, "id")
    return tuple(columns)


_UNDESCRIBED_KINDS = {"purchase_cost": "currency", "margin": "currency", "update_log": "text", "description": "text"}


def _module(listing: Mapping[str, Any], describe: Mapping[str, Any], flavour: Flavour) -> Module:
    name = describe["name"]
    fields = {item["name"]: _field(name, item, flavour.decimals) for item in describe["fields"]}
    columns = _columns(name, fields, is_corebos=flavour.is_corebos)
    for column in columns:
        kind = _UNDESCRIBED_KINDS.get(column, "string")
        fields.setdefault(column, Field(column, kind, decimals=8 if kind == "currency" else 0))
    if name in INVENTORY and not flavour.is_corebos:
        fields["discount_percent"] = replace(fields["hdnDiscountPercent"], name="discount_percent", decimals=3)
        fields["discount_amount"] = replace(fields["hdnDiscountAmount"], name="discount_amount")
    by_column = {"title": "ticket_title" if name == "HelpDesk" else "notes_title"}
    labels = [by_column.get(part, part) for part in describe["labelFields"].split(",")]
    return Module(
        name=name,
        prefix=int(describe["idPrefix"]),
        is_entity=describe["isEntity"],
        listing=listing,
        describe=describe,
        fields=fields,
        columns=columns,
        label_fields=tuple(part for part in labels if part in fields),
        references=tuple(column for column in columns if fields[column].is_reference),
        unique=next((item.name for item in fields.values() if item.unique), None),
    )


@lru_cache(maxsize=4)
def _recorded_modules(flavour: Flavour) -> dict[str, Module]:
    folder = RECORDINGS / "corebos" if flavour.is_corebos else RECORDINGS
    listed = _recorded(folder / "listtypes.json")
    return {
        name: _module(listed["information"][name], _recorded(folder / f"describe-{name}.json"), flavour)
        for name in listed["types"]
        if (folder / f"describe-{name}.json").exists()
    }


def _like_5_4(describe: Mapping[str, Any]) -> dict[str, Any]:
    fields = [{key: value for key, value in item.items() if key != "isunique"} for item in describe["fields"]]
    return {**{key: value for key, value in describe.items() if key != "allowDuplicates"}, "fields": fields}


def _with_prefix(module: Module, prefix: int | None) -> Module:
    if prefix is None:
        return module
    return replace(module, prefix=prefix, describe={**module.describe, "idPrefix": str(prefix)})


def _adapt(module: Module, flavour: Flavour, switches: Switches) -> Module:
    if flavour.is_simplycrm:
        shape = module.describe if switches.describe_of_7 else _like_5_4(module.describe)
        module = replace(module, hidden=module.name not in _SIMPLY, describe=shape)
    if module.name == "Calendar" and switches.task_prefix is not None:
        module = _with_prefix(module, switches.task_prefix)
    return replace(module, hidden=True) if module.name in switches.denied_modules else module


def modules_of(flavour: Flavour, switches: Switches) -> dict[str, Module]:
    """Every module of a server, in the order of ``listtypes``."""
    recorded = _recorded_modules(flavour)
    swapped = {switches.task_prefix: recorded["Calendar"].prefix} if "Calendar" in recorded else {}
    return {
        name: _adapt(_with_prefix(module, swapped.get(module.prefix)), flavour, switches)
        for name, module in recorded.items()
    }
