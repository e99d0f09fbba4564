"""What alfaCRM's answers mean: documented shapes, and what clients met besides."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm_values import complaints
from crm_systems.errors import Denied, LogInRefused, Rejected, SessionExpired
from crm_systems.system import decode_json

if TYPE_CHECKING:
    from crm_systems.model import Reply, Request

TOKEN = "X-ALFACRM-TOKEN"  # noqa: S105 - the name of a header


class Answers:
    """Tells an expired token from a missing right, which older tenants answer alike."""

    def __init__(self) -> None:
        self.unused_tokens: set[str] = set()
        """Tokens with which nothing was asked yet: they have not expired."""

    def read(self, request: Request, reply: Reply) -> Any:
        """The JSON, if neither status nor ``success`` nor ``errors`` say that something is wrong.

        Raises:
            LogInRefused, SessionExpired, Denied, Rejected, Unavailable: as they say.
        """
        token = request.headers.get(TOKEN, "")
        is_new = token in self.unused_tokens
        self.unused_tokens.discard(token)
        is_ok = reply.status in range(200, 300)
        if not is_ok:
            _check_status(request, reply, is_login=not token, is_new=is_new)
        answer = decode_json(request, reply)
        told = answer if isinstance(answer, dict) else {}
        if told.get("success") is False or told.get("errors") or reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _refusal(request, reply, answer)
        if not is_ok:
            says = str(told.get("message", ""))
            code = f"HTTP {reply.status}"
            raise Rejected(f"{request.about}: the CRM does not understand this", code=code, server_says=says)
        return answer


def _check_status(request: Request, reply: Reply, *, is_login: bool, is_new: bool) -> None:
    """What a status says by itself: 401 is an expired token, 403 that or a missing right."""
    code = f"HTTP {reply.status}"
    if is_login:
        raise LogInRefused(
            "Log-in: e-mail or API key is wrong, or the user's role lacks the module v2api",
            code=code,
            hint="check `email` and `api_key`, and `app_key` if the tenant demands one",
        )
    if reply.status == HTTPStatus.UNAUTHORIZED or (reply.status == HTTPStatus.FORBIDDEN and not is_new):
        raise SessionExpired(f"{request.about}: the token has expired", code=code)
    if reply.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        hint = "it does not exist, or the user's role has no right to it"
        raise Denied(f"{request.about}: the CRM denies this", code=code, hint=hint)


def _refusal(request: Request, reply: Reply, answer: Any) -> Rejected:
    """The refusal of a write; the CRM's own words are Russian and may hold values."""
    told = answer if isinstance(answer, dict) else {"errors": answer}
    found = complaints(told.get("errors")) or [("", str(told.get("message", "")))]
    names = list(dict.fromkeys(name for name, _ in found if name))
    return Rejected(
        f"{request.about}: the CRM refuses this",
        code="" if reply.status == HTTPStatus.OK else f"HTTP {reply.status}",
        hint=f"it complains about {', '.join(names)}" if names else "",
        server_says="; ".join(text for _, text in found),
        field=names[0] if names else "",
    )
