"""Changing the lines of an inventory document."""

from __future__ import annotations

import json
import logging
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from crm_systems.errors import OutcomeUnknown, Rejected
from crm_systems.model import Request
from crm_systems.vtiger.answers import retrieve
from crm_systems.vtiger.corebos import ADJUSTMENT, DISCOUNTS, SHIPPING
from crm_systems.vtiger.describe import INVENTORY, LINES
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row

logger = logging.getLogger("crm")

INTERNAL_ERRORS = frozenset({"HTTP 500", "INTERNAL_SERVER_ERROR", "DATABASE_QUERY_ERROR"})
"""Codes that say nothing of what was done; a create that they answer may have been carried out (measured)."""
_TELLING = ("productid", "quantity", "listprice")
"""What of a line comes back as it was sent."""


RATE, TAX_TYPE = "conversion_rate", "hdnTaxType"
SET_BACK = frozenset({RATE, TAX_TYPE, ADJUSTMENT})
"""What a revise sets back unless it is given (measured on 8.0.0): the rate always, the rest where it brings lines, and
so what only retrieve shows, such as shipping."""


def kept_with_lines(entity: Entity, row: Row, document: Row, changed: Mapping[str, Any]) -> Row:
    """What of a document, which query shows as ``row``, a revise with lines has to bring along."""
    names = SET_BACK | document.keys() - row.keys() - {LINES.name}
    if DISCOUNTS.keys() & changed.keys():
        names -= DISCOUNTS.keys()
    fields = (field for field in entity.fields if field.name in names and field.writable)
    return {each.name: document[each.name] for each in fields if not is_empty(document.get(each.name))}


def kept_of(entity: Entity, document: Row, changed: Mapping[str, Any]) -> Row:
    """What a revise without lines has to bring along, and one with lines to coreBOS (measured)."""
    names = {RATE} if LINES.name not in changed else SET_BACK | {SHIPPING} | DISCOUNTS.keys()
    if DISCOUNTS.keys() & changed.keys():
        names -= DISCOUNTS.keys()
    return {name: document[name] for name in sorted(names) if entity.name in INVENTORY and document.get(name)}


def replace_lines(call: Call, module: str, element: Mapping[str, Any]) -> Row:
    """Revises a document with new lines, and gives it as it is then.

    It answers HTTP 500 although the lines are replaced (measured on 8.4.0 and 8.0.0), so the document is read back
    then. Only where it lacks the lines they are sent once more: each time takes goods from stock, but the database may
    just have been away.

    Raises:
        Rejected: the lines are not in the document.
        OutcomeUnknown: the answer was lost, and the lines are not in the document yet.
    """
    form = {"operation": "revise", "element": json.dumps(element)}
    for _attempt in range(2):
        try:
            row: Row = call(Request("POST", f"{module}: revise", form=form, repeatable=False))
        except OutcomeUnknown as error:
            lost = error
        else:
            return row
        is_lost = lost.code not in INTERNAL_ERRORS
        row = retrieve(call, module, element["id"])
        if has_lines(row, element[LINES.name], exactly=is_lost):
            return row
        if is_lost:
            raise lost
    raise Rejected(f"{module}: the CRM does not take the lines", code=lost.code)


def tell_altered(module: str, document: Row, lines: Any) -> None:
    """Warns of lines that are stored otherwise than they were sent; no row shows that later."""
    if LINES.name in document and not has_lines(document, lines, exactly=True):
        logger.warning("%s: the lines of %s are stored otherwise than they were sent", module, document["id"])


def with_lines(call: Call, module: str, row: Row) -> Row:
    """A document with its lines, which rows of a query do not tell."""
    return row if LINES.name in row else retrieve(call, module, row["id"])


def has_lines(document: Row, lines: Any, *, exactly: bool) -> bool:
    """Whether a document has these lines: ``exactly`` all that is told, or rounded products, quantities and prices."""
    stored = document.get(LINES.name) or []
    return len(stored) == len(lines) and all(
        _is(have.get(name), want[name], exactly=exactly)
        for have, want in zip(stored, lines, strict=True)
        for name in (want if exactly else _TELLING)
        if name in want
    )


def _is(stored: Any, sent: Any, *, exactly: bool) -> bool:
    kept, given = _number(stored), _number(sent)
    if exactly or is_empty(stored) or not isinstance(kept, Decimal) or not isinstance(given, Decimal):
        return kept == given
    return abs(kept - given) < Decimal(1).scaleb(int(kept.as_tuple().exponent))


def _number(value: Any) -> Decimal | str:
    try:
        number = Decimal(0) if is_empty(value) else Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return number if number.is_finite() else str(value)
