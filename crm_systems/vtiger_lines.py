"""Changing the lines of an inventory document."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from crm_systems.errors import OutcomeUnknown, Rejected
from crm_systems.model import Request
from crm_systems.vtiger_describe import LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Row


def replace_lines(call: Call, module: str, element: Mapping[str, Any]) -> Row:
    """Revises a document with new lines, and gives it as it is then.

    Sent once, since each time takes goods from stock. It answers HTTP 500 although the lines are replaced (measured on
    8.4.0 and 8.0.0), so the document is read back then.

    Raises:
        Rejected: the lines are not in the document.
        OutcomeUnknown: the answer was lost.
    """
    form = {"operation": "revise", "element": json.dumps(element)}
    try:
        row: Row = call(Request("POST", f"{module}: revise", form=form, repeatable=False))
    except OutcomeUnknown as error:
        if error.code != "HTTP 500":
            raise
        row = call(Request("GET", f"{module}: retrieve", query={"operation": "retrieve", "id": element["id"]}))
        if not _has_lines(row, element[LINES.name]):
            raise Rejected(f"{module}: the CRM does not take the lines", code=error.code) from None
    return row


def _has_lines(document: Row, lines: Any) -> bool:
    """Whether a document has these lines: products, quantities and prices."""
    stored = document.get(LINES.name) or []
    return len(stored) == len(lines) and all(
        _number(have.get(name)) == _number(want[name])
        for have, want in zip(stored, lines, strict=True)
        for name in ("productid", "quantity", "listprice")
        if name in want
    )


def _number(value: Any) -> Decimal | str:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value)
