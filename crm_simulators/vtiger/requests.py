"""What a request says: the operation and its parameters, read as PHP and Vtiger read them."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.base import Call

GET_OPERATIONS = frozenset({"getchallenge", "listtypes", "describe", "retrieve", "query", "sync"})
POST_OPERATIONS = frozenset({"login", "logout", "extendsession", "create", "update", "revise", "delete", "convertlead"})


@dataclass(frozen=True)
class Request:
    """A call as the web service sees it."""

    operation: str
    method: str
    parameters: Mapping[str, str]
    """Of the query string for a GET operation, of the body for a POST operation (measured)."""
    session_name: str | None
    format: str
    cookies: str


def request_of(call: Call, *, logout_by_get: bool) -> Request:
    """Reads a call; operation, session and format may stand in the URL or in the body."""
    form = call.form or _multipart(call)
    either = {**call.query, **form}
    operation = either.get("operation", "").lower()
    by_get = operation in GET_OPERATIONS or (operation == "logout" and logout_by_get)
    return Request(
        operation=operation,
        method="GET" if call.method == "GET" else "POST",
        parameters=call.query if by_get else form,
        session_name=either.get("sessionName"),
        format=either.get("format", "json").lower(),
        cookies=call.headers.get("cookie", ""),
    )


def _multipart(call: Call) -> dict[str, str]:
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + call.body).iter_parts()
    fields: dict[str, str] = {}
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields


def line_length(call: Call) -> int:
    """About how many bytes the request line has (the query is encoded again, as clients do it)."""
    return len(f"{call.method} {call.path}?{urlencode(call.query)} HTTP/1.1")
