"""What Egito's answers mean."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crm_systems.decoding import decode_json, json_of_refusal
from crm_systems.errors import Denied, LogInRefused, Rejected, SessionExpired
from crm_systems.rows import is_identifier, record_with

if TYPE_CHECKING:
    from collections.abc import Collection

    from crm_systems.model import Reply, Request, Row

LOG_IN = "/oauth/token"
"""The address that gives tokens."""
SEVERAL = 2


def meaning(request: Request, reply: Reply) -> Any:
    """The JSON of an answer.

    Raises:
        LogInRefused, SessionExpired, Denied, Rejected, Unavailable: as the answer says.
    """
    code = reply.code
    if request.path == LOG_IN and reply.status >= HTTPStatus.BAD_REQUEST:
        raise _refused_log_in(request, reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        raise SessionExpired(f"{request.about}: the token is not valid any more", code=code)
    if reply.status == HTTPStatus.FORBIDDEN:
        hint = "the user has no right to it"
        raise Denied(f"{request.about}: the CRM denies this", code=code, hint=hint)
    if reply.status == HTTPStatus.NOT_FOUND:
        raise Denied(f"{request.about}: the CRM does not have this", code=code)
    if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
        hint = "`read_method` may be the other one"
        raise Rejected(f"{request.about}: the CRM wants another method", code=code, hint=hint)
    told = json_of_refusal(reply) if reply.status >= HTTPStatus.BAD_REQUEST else decode_json(request, reply)
    errors = told.get("errors") if isinstance(told, dict) else None
    if errors or reply.status >= HTTPStatus.BAD_REQUEST:
        raise _refusal(request, code, errors if isinstance(errors, list) else [errors])
    return told


def record_of(told: Any, identifier: str, names: Collection[str], about: str) -> Row:
    """The record in the answer of ``get``, of which no more is documented than that there is one.

    Empty where the answer is. ``names`` are those of the entity's fields: an object without an id that has several of
    them is the record.

    Raises:
        ProtocolError: the answer holds something else.
    """
    if not told:
        return {}
    if isinstance(told, dict) and "id" not in told and len(told.keys() & {*names}) >= SEVERAL:
        return {"id": identifier, **told}
    return record_with(told, identifier, names, about)


def id_in(told: Any) -> str:
    """The id in the answer to a write (documented); empty where there is none."""
    number = told.get("id") if isinstance(told, dict) else None
    return str(number) if is_identifier(number) and number not in {0, "0"} else ""


def _refused_log_in(request: Request, reply: Reply) -> LogInRefused:
    """Spring's error codes: ``invalid_client`` with 401, ``invalid_grant`` with 400 (inferred from its sources)."""
    told = json_of_refusal(reply)
    code = str(told.get("error") or "") if isinstance(told, dict) else ""
    if reply.status == HTTPStatus.NOT_FOUND:
        hint = "there is no Egito at this address: set `url` to https://TENANT.egito.pl"
    elif code == "invalid_client" or (reply.status == HTTPStatus.UNAUTHORIZED and not code):
        hint = "check `client_id` and `client_secret`"
    elif code == "invalid_grant":
        hint = "check `username`, which is login@tenant, and `password`"
    else:
        hint = "check the credentials, and `token_parameters`"
    known = code if code.replace("_", "").isalpha() else reply.code
    return LogInRefused(f"{request.about}: the CRM refuses it", code=known, hint=hint)


def _refusal(request: Request, code: str, errors: list[Any]) -> Rejected:
    """The documented ``errors``; the shape of one is not: a text, or an object with ``field`` and a message."""
    objects = [each for each in errors if isinstance(each, dict)]
    fields = [str(each["field"]) for each in objects if each.get("field")]
    says = [str(each.get("message") or each.get("defaultMessage") or each.get("code") or "") for each in objects]
    says += [str(each) for each in errors if each and not isinstance(each, dict)]
    return Rejected(
        f"{request.about}: the CRM refuses this",
        code=code,
        hint=f"it objects to {', '.join(fields)}" if fields else "",
        server_says="; ".join(filter(None, says)),
        field=fields[0] if fields else "",
    )
