"""What coreBOS takes otherwise than Vtiger, since what comes through its interface goes where its forms go.

Measured on coreBOS of 2019 and on its newest, and so the code says: numbers, amounts and times are taken as the user
writes them, by his separators, in his currency and in his time zone, but for fields of which the element says that they
are not; and the lines of a document are called ``pdoInformation``, ``LineItems`` is ignored without a word.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems import kinds
from crm_systems.errors import Rejected
from crm_systems.model import Kind
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Entity, Field, Row

MARK = "label_raw"
"""A key that of the family only coreBOS's describe has (measured)."""
TYPED = "typed"
"""Under this name the private part of a coreBOS entity names the fields that are taken as people type them."""
UI_TYPES = frozenset({"7", "9", "50", "71", "72"})
"""Numbers, percents, times and amounts of money."""
AS_IT_IS = "__cbws_skipcurdbconv"
"""Before a field's name: whether its value is stored as it is. For ``all`` fields it spoils those that a revise is not
given, since these go through the form (measured)."""
LINE_ITEMS, PRODUCTS = "LineItems", "pdoInformation"
"""The field of a document's lines, on Vtiger and here."""
ADJUSTMENT, SHIPPING = "txtAdjustment", "hdnS_H_Amount"
TAX = re.compile(r"tax\d+")
"""What a line calls the percents of a tax."""
DISCOUNTS = {"hdnDiscountAmount": "amount", "hdnDiscountPercent": "percentage"}
"""The discounts of a document, of which one takes the place of the other, and what coreBOS calls their kinds."""


def typed_fields(described: Mapping[str, Any]) -> frozenset[str] | None:
    """The names of fields that this server takes as typed by people; None where it is no coreBOS."""
    if MARK not in described:
        return None
    return frozenset(each["name"] for each in described["fields"] if str(each.get("uitype")) in UI_TYPES)


def check_new(entity: Entity, element: Mapping[str, Any]) -> None:
    """Before a record is created.

    Raises:
        Rejected: it names a file of its own, in whose place coreBOS wants the file itself (HTTP 500, measured).
    """
    is_internal = element.get("filelocationtype") == "I" and bool(element.get("filename"))
    if is_internal and entity.private.get(TYPED) is not None:
        why = f"{entity.name}: coreBOS makes an internal document of this filename only with its file"
        raise Rejected(why, hint="leave `filename` out", field="filename")


def as_typed(entity: Entity, element: Mapping[str, Any]) -> dict[str, Any]:
    """An element of which nothing depends on who writes it."""
    typed = entity.private.get(TYPED)
    if typed is None:
        return dict(element)
    written = dict(element)
    for name, value in element.items():
        if name in typed and not is_empty(value):
            field = entity.field(name)
            written[name] = _without_point(Decimal(str(value))) if field and field.kind is Kind.NUMBER else value
            written[f"{AS_IT_IS}{name}"] = 1
    if LINE_ITEMS in written:
        written[PRODUCTS] = [_line(each) for each in written.pop(LINE_ITEMS)]
        written |= {f"{AS_IT_IS}_pdo": True, "taxtype": element.get("hdnTaxType") or "group", **_sums(element)}
    return written


def spoilt(entity: Entity, current: Row) -> Row:
    """What a change has to bring along unchanged, since a revise spoils it.

    It empties the rest of a document and lets go of its file, and cuts the seconds off other times (measured on one of
    2021; the former is in the code of its newest as well).
    """
    typed = entity.private.get(TYPED)
    if typed is None:
        return {}
    held = {field: current.get(field.name) for field in entity.fields if field.writable}
    return {
        field.name: value
        for field, value in held.items()
        if (entity.name == "Documents" and not is_empty(value) and _points_somewhere(field, value))
        or (field.name in typed and _has_seconds(field, value))
    }


def _points_somewhere(field: Field, value: Any) -> bool:
    return field.kind is not Kind.REFERENCE or kinds.reference(value) is not None


def _has_seconds(field: Field, value: Any) -> bool:
    return field.kind is Kind.DATETIME and not is_empty(value) and not str(value).endswith(":00")


def as_made(entity: Entity, element: Mapping[str, Any]) -> dict[str, Any]:
    """The element of a record that the server makes of another, whose values it takes over as if people typed them.

    Measured: a lead's revenue of 100 became 3,921,568 for somebody with points between thousands and another currency.
    """
    typed = entity.private.get(TYPED) or ()
    return {**{f"{AS_IT_IS}{name}": 1 for name in sorted(typed)}, **as_typed(entity, element)}


def _without_point(number: Decimal) -> str:
    """A number that no separator can spoil, should a server be too old to store it as it is.

    12.5 is 125e-1, which the database takes for the same (measured).
    """
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return format(number, "f")
    return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"


def _sums(element: Mapping[str, Any]) -> dict[str, Any]:
    """What of a document's sums coreBOS takes under other names along with lines.

    It sets adjustment and shipping to nothing without them, and leaves a discount out of the total (measured).
    """
    adjustment, shipping = (element.get(name) for name in (ADJUSTMENT, SHIPPING))
    sums = {} if is_empty(adjustment) else {"adjustmentType": "add", "adjustment": adjustment}
    sums |= {} if is_empty(shipping) else {"shipping_handling_charge": shipping}
    kinds_given = [kind for name, kind in DISCOUNTS.items() if _is_some(element.get(name))]
    return sums | ({"discount_type_final": kinds_given[0]} if kinds_given else {})


def _is_some(number: Any) -> bool:
    return not is_empty(number) and Decimal(str(number)) != 0


def taxes_lines(entity: Entity, values: Mapping[str, Any]) -> bool:
    """Whether lines bring taxes, which coreBOS takes from their products, or from its own list, instead (measured)."""
    lines = values.get(LINE_ITEMS) or () if entity.private.get(TYPED) is not None else ()
    return any(TAX.fullmatch(name) and not is_empty(value) for line in lines for name, value in line.items())


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with coreBOS's names for its amount and its discount."""
    given = dict(line)
    if "quantity" in given:
        given["qty"] = given.pop("quantity")
    for name, kind in (("discount_amount", "amount"), ("discount_percent", "percentage")):
        if not is_empty(given.get(name)):
            given |= {"discount": 1, "discount_type": kind, f"discount_{kind}": given[name]}
    return {"comment": "", **given}
