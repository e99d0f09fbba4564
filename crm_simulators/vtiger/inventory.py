"""Line items of invoices and other documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.converting import encoded
from crm_simulators.vtiger.schema import INVENTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.vtiger.store import Record, Store, Values

_HOW_MANY = (5, 1, 3, 2, 4, 2)
_ZEROS = {"discount_percent": "0.000", "discount_amount": "0.00000000", "tax1": "0.000", "tax2": "0.000"}
_REST = {"tax3": "0.000", "image": "", "purchase_cost": "0.00000000", "margin": "0.00000000", "incrementondel": "1"}
_TEXTS = ("", "c & <d>", "Line\nbreak", "")


def seed_lines(store: Store) -> None:
    """Gives every document one to five lines, except the first invoice, which has none (and cannot be retrieved)."""
    for name in INVENTORY:
        for position, document in enumerate(store.raw(name) if name in store.modules else ()):
            how_many = 0 if name == "Invoice" and position == 0 else _HOW_MANY[position % len(_HOW_MANY)]
            add_lines(store, document, [_seeded(store, position * 5 + turn) for turn in range(how_many)])
            store.put(document, totals(store, document))


def _seeded(store: Store, position: int) -> dict[str, str]:
    products = store.tables["Products"].numbers
    product = products[position % len(products)] if products else 0
    return {
        "productid": store.id_of("Products", product),
        "quantity": str(position % 7 + 1),
        "listprice": ("10", "1234.5", "9.99")[position % 3],
        "comment": _TEXTS[position % len(_TEXTS)],
    }


def add_lines(store: Store, document: Record, lines: Iterable[Mapping[str, Any]], *, from_stock: bool = False) -> None:
    """Adds lines to a document; on coreBOS they are records of InventoryDetails.

    ``from_stock`` takes the goods of an invoice out of the products' stock.
    """
    for sequence, line in enumerate(lines, 1):
        if from_stock and document.module == "Invoice":
            _take(store, line)
        if "LineItem" in store.modules:
            store.add("LineItem", {"parent_id": store.id(document), **line_values(line, sequence)})
        elif "InventoryDetails" in store.modules:
            _add_details(store, document, line, sequence)


def _take(store: Store, line: Mapping[str, Any]) -> None:
    """Lowers the stock of a product, without a new ``modifiedtime`` (measured)."""
    product = store.lookup(str(line.get("productid") or ""))
    if product and product.module == "Products":
        left = float(product.values.get("qtyinstock") or 0) - _amount(line, "quantity")
        store.put(product, {"qtyinstock": f"{left:.3f}"})


def line_values(line: Mapping[str, Any], sequence: int) -> Values:
    """A line as it is stored."""
    return {
        "productid": str(line.get("productid") or "") or None,
        "sequence_no": str(sequence),
        "quantity": f"{_amount(line, 'quantity'):.3f}",
        "listprice": f"{_amount(line, 'listprice'):.8f}",
        "comment": str(line.get("comment") or ""),
        "description": str(line.get("description") or ""),
        **_ZEROS,
        **_REST,
    }


def _add_details(store: Store, document: Record, line: Mapping[str, Any], sequence: int) -> None:
    quantity, price = _amount(line, "quantity"), _amount(line, "listprice")
    net = f"{quantity * price:.6f}"
    store.insert(
        "InventoryDetails",
        {
            "inventorydetails_no": f"InvDet-{store.tables['InventoryDetails'].numbers[-1:]}",
            "productid": str(line.get("productid") or "") or None,
            "related_to": store.id(document),
            "sequence_no": str(sequence),
            "quantity": f"{quantity:.6f}",
            "listprice": f"{price:.6f}",
            **dict.fromkeys(("extgross", "extnet", "linetotal"), net),
        },
        at=document.values.get("modifiedtime"),
    )


def _amount(line: Mapping[str, Any], name: str) -> float:
    try:
        return float(line.get(name) or 0)
    except (TypeError, ValueError):
        return 0.0


def totals(store: Store, document: Record) -> Values:
    """The sums of a document's lines, in the columns that hold them."""
    lines = store.lines_of(document)
    total = sum(float(line.values["quantity"] or 0) * float(line.values["listprice"] or 0) for line in lines)
    places = store.flavour.decimals or 8
    columns = ("hdnSubTotal", "hdnGrandTotal", "pre_tax_total", "balance")
    known = store.modules[document.module].columns
    return {name: f"{total:.{places}f}" for name in columns if name in known}


def sums_given(element: Mapping[str, Any]) -> Values:
    """What lines bring along on coreBOS, or set to nothing; what the fields say of it is passed over (measured)."""
    adjustment, shipping = _amount(element, "adjustment"), _amount(element, "shipping_handling_charge")
    tax_type = str(element.get("taxtype") or "group")
    return {"hdnTaxType": tax_type, "txtAdjustment": f"{adjustment:.6f}", "hdnS_H_Amount": f"{shipping:.6f}"}


def drop_lines(store: Store, document: Record) -> None:
    """Removes the lines of a document; new ones get new ids (measured)."""
    lines = store.lines_of(document)
    if "InventoryDetails" in store.modules:
        own = store.id(document)
        lines = [each for each in store.raw("InventoryDetails") if each.live and each.values.get("related_to") == own]
    for line in lines:
        store.bury(line)


def with_lines(store: Store, document: Record) -> dict[str, Any]:
    """What ``retrieve`` adds to a document: its lines as a list, and a shortened form of the final details."""
    lines = [_line(store, line) for line in store.lines_of(document)]
    return {
        "shipping_&_handling": None,
        "shipping_&_handling_shtax1": 0,
        "shipping_&_handling_shtax2": 0,
        "shipping_&_handling_shtax3": 0,
        "LineItems": lines,
        "productid": lines[0]["productid"] if lines else None,
        "LineItems_FinalDetails": {str(number): _details(line, number) for number, line in enumerate(lines, 1)},
    }


def _line(store: Store, line: Record) -> dict[str, Any]:
    row = store.row(line)
    product = store.lookup(row["productid"])
    name = (product.values.get("productname") or product.values.get("servicename") or "") if product else ""
    identifier = row.pop("id")
    entity = product.module if product else ""
    extra = {"product_name": encoded(name), "entity_type": entity, "deleted": "0"}
    return {**row, "id": identifier, **extra}


def _details(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    total = float(line["quantity"]) * float(line["listprice"])
    return {
        f"entityType{number}": line["entity_type"],
        f"productName{number}": line["product_name"],
        f"qty{number}": f"{float(line['quantity']):g}",
        f"listPrice{number}": f"{float(line['listprice']):.2f}",
        f"productTotal{number}": f"{total:.2f}",
        f"discount_percent{number}": 0,
        f"netPrice{number}": f"{total:.2f}",
    }
