"""What an answer of the webservice means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crm_systems.decoding import decode_json
from crm_systems.errors import Denied, ProtocolError, Rejected, SessionExpired
from crm_systems.model import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_systems.model import Call, Reply, Row

SESSION_OVER = frozenset({"INVALID_SESSIONID", "AUTHENTICATION_REQUIRED", "SESSION_EXPIRED", "SESSION_LEFT_IDLE"})

UNKNOWN = "UNKNOWN_OPERATION"
"""What coreBOS answers to an operation that it does not have, and to a request of which PHP read nothing since it is
too large (measured)."""
UNKNOWN_TEXT = b"Unknown operation requested"
"""The same of an older one, which is all that it says (measured on one of 2019)."""

HINTS = {
    UNKNOWN: "it does not have this operation, or the record is larger than its PHP takes (`post_max_size`)",
    "0": "another record has the same value in a field that must be unique",
    "MANDATORY_FIELDS_MISSING": "a mandatory field is empty",
    "REFERENCE_INVALID": "a reference points to a record of the wrong kind",
    "INVALID_ID_ATTRIBUTE": "an id in it is not valid; a stock Vtiger 8.4 creates no inventory document at all",
}
"""What people can make of the codes that records are refused with; 0 is a duplicate (measured)."""


ILLEGAL = re.compile(r"(?:Illegal value|Value given) \(.*\) for (\w+) \(|Illegal date value \((\w+) => ", re.DOTALL)
"""How berliCRM refuses, as if it were denied, what the list of a field does not have and what is no date (measured)."""
ID = re.compile(r"[0-9]+x[0-9]+")
"""A record's id, such as ``12x1062``."""


def is_vtiger_id(value: Any) -> bool:
    """Whether a value is the id of a record."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


RECORD = {"id": is_vtiger_id}
"""The shape of an answer that holds a record."""


def shape_of(identifier: str) -> dict[str, Callable[[Any], bool]]:
    """The shape of an answer that holds this record.

    coreBOS leaves the number out where it calls a table's key otherwise, as that of workflows (measured).
    """
    bare = identifier.partition("x")[0] + "x"
    return {"id": lambda told: is_vtiger_id(told) or told == bare}


def retrieve(call: Call, module: str, identifier: str) -> Row:
    """A record as ``retrieve`` gives it: with what no query shows, such as the lines of a document."""
    query = {"operation": "retrieve", "id": identifier}
    row: Row = call(Request("GET", f"{module}: retrieve", query=query, shape=shape_of(identifier)))
    return {**row, "id": identifier}


def meaning(request: Request, reply: Reply) -> Any:
    """The result, or the error by its code; the texts differ by language and version.

    Raises:
        SessionExpired, Denied, Rejected, ProtocolError: as the answer says.
    """
    if reply.body.strip() == UNKNOWN_TEXT:
        raise Rejected(f"{request.about}: the CRM refuses this", code=UNKNOWN, hint=HINTS[UNKNOWN])
    answer = decode_json(request, reply)
    if not isinstance(answer, dict) or "success" not in answer:
        raise ProtocolError(f"{request.about}: this is no answer of a Vtiger webservice", hint="check `url`")
    if answer["success"] is True and "result" in answer:
        return answer["result"]
    error = answer.get("error")
    if answer["success"] is not False or not isinstance(error, dict):
        # It says neither that something was done nor why it was not.
        raise ProtocolError(f"{request.about}: this is no answer of a Vtiger webservice")
    code = str(next((error[key] for key in ("code", "errorCode", "errorType") if key in error), "no code"))
    says = str(next((error[key] for key in ("message", "errorMessage", "errorMsg") if key in error), ""))
    if code in SESSION_OVER:
        raise SessionExpired(f"{request.about}: the session has ended", code=code)
    illegal = ILLEGAL.match(says)
    if code == "ACCESS_DENIED" and not illegal:
        raise Denied(
            f"{request.about}: the CRM denies this",
            code=code,
            hint="it does not exist, or the user has no right to it",
            server_says=says,
        )
    hint = f"it does not take the value of `{illegal[1] or illegal[2]}`" if illegal else HINTS.get(code, "")
    raise Rejected(f"{request.about}: the CRM refuses this", code=code, hint=hint, server_says=says)
