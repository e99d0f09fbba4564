"""What InTouch's answers mean."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crm_systems.decoding import decode_json, json_of_refusal
from crm_systems.errors import NOT_FOUND, Denied, OutcomeUnknown, Rejected, SessionExpired

if TYPE_CHECKING:
    from crm_systems.model import Reply, Request

NOT_OFFERED = frozenset({NOT_FOUND, "HTTP 405", "HTTP 501"})
"""Codes of a method that a resource does not have; Java's servlets say 501 to a PATCH that they do not know."""


def meaning(request: Request, reply: Reply) -> Any:
    """The JSON of an answer; None for an empty one to a write, only the id where nothing but ``Location`` tells it.

    Raises:
        SessionExpired, Denied, Rejected, OutcomeUnknown, Unavailable: as the answer says.
    """
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # Each request logs in: whether it is refused to all of them, or a proxy was in trouble, the next log-in shows.
        raise SessionExpired(f"{request.about}: the CRM does not take the log-in", code=reply.code)
    if reply.status == HTTPStatus.FORBIDDEN:
        hint = "the user has no right to it"
        raise Denied(f"{request.about}: the CRM denies this", code=reply.code, hint=hint)
    if reply.status == HTTPStatus.NOT_FOUND:
        hint = "the record does not exist, or this version of the CRM does not have the resource"
        raise Denied(f"{request.about}: the CRM does not find this", code=NOT_FOUND, hint=hint)
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise _refusal(request, reply)
    told = None if request.method != "GET" and not reply.body.strip() else decode_json(request, reply)
    if isinstance(told, dict) and told.get("ok") is False and "problems" in told:
        refusal = _refusal(request, reply)
        if request.repeatable:
            raise refusal
        # Refusals come with a status of their own (documented): this one may tell of what was stored nevertheless.
        raise OutcomeUnknown(f"{request.about}: the status contradicts the answer", code=reply.code, refusal=refusal)
    place = reply.headers.get("location", "").rstrip("/").rpartition("/")[2]
    if reply.status == HTTPStatus.CREATED and place.isdecimal() and not (isinstance(told, dict) and told.get("id")):
        return {"id": int(place)}
    return told


def _refusal(request: Request, reply: Reply) -> Rejected:
    """What the standard error says: which fields, and how bad; its words are kept apart. It may be missing."""
    told = json_of_refusal(reply)
    problems = [each for each in told.get("problems") or () if isinstance(each, dict)] if isinstance(told, dict) else []
    problems.sort(key=lambda each: each.get("level") != "SEVERE")
    named = [f"{each['field']} ({each.get('level', 'no level')})" for each in problems if each.get("field")]
    return Rejected(
        f"{request.about}: the CRM refuses this",
        code=reply.code,
        hint=f"it objects to {', '.join(named)}" if named else "",
        server_says="; ".join(str(each.get("message", "")) for each in problems),
        field=next((str(each["field"]) for each in problems if each.get("field")), ""),
    )
