"""What alfaCRM's answers mean: documented shapes, and what clients met besides."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm.records import complaints
from crm_systems.decoding import decode_json
from crm_systems.errors import Denied, LogInRefused, ProtocolError, Rejected, SessionExpired

if TYPE_CHECKING:
    from crm_systems.model import Reply, Request

HEADER = "X-ALFACRM-TOKEN"
"""Where the token goes."""


class Answers:
    """Tells a token that has ended from a missing right, which older tenants answer alike.

    A tenant may keep one token a user, so another program's log-in ends ours at any moment. A denial proves nothing by
    itself, therefore: the client is told that the session has ended, and its next log-in asks for something that every
    user may see. If that is answered, the token was good, and the same denial of the same request is one.
    """

    def __init__(self) -> None:
        self.token = ""
        """The token in use, of all connections."""
        self.ended: set[str] = set()
        """Tokens that the server does not take any more."""
        self.doubted: set[str] = set()
        """Tokens with which something was denied."""
        self._denied: set[tuple[str, str]] = set()
        """Token and request of each denial."""
        self._given: set[str] = set()
        """Lists that were answered."""

    def read(self, request: Request, reply: Reply) -> Any:
        """The JSON, if neither status nor ``success`` nor ``errors`` say that something is wrong.

        Raises:
            LogInRefused, SessionExpired, Denied, Rejected, ProtocolError, Unavailable: as they say.
        """
        is_ok = reply.status in range(200, 300)
        if not is_ok:
            self._check_status(request, reply)
        answer = decode_json(request, reply)
        told = answer if isinstance(answer, dict) else {}
        model = told.get("model")
        if told.get("success") is True and told.get("errors") and isinstance(model, dict) and model.get("id"):
            raise ProtocolError(f"{request.about}: the answer says that it was done, and that it was not")
        if told.get("success") is False or told.get("errors") or reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _refusal(request, reply, answer)
        if not is_ok:
            says = str(told.get("message", ""))
            raise Rejected(f"{request.about}: the CRM does not understand this", code=reply.code, server_says=says)
        self._given.add(request.about)
        return answer

    def _check_status(self, request: Request, reply: Reply) -> None:
        """What a status says by itself: 401 is an ended token, 403 that or a missing right, 404 may pass."""
        status, code, token = reply.status, reply.code, request.headers.get(HEADER, "")
        if not token and status == HTTPStatus.NOT_FOUND:
            what = "Log-in: there is no alfaCRM at this address"
            raise LogInRefused(what, code=code, hint="set `url` to https://TENANT.s20.online")
        if not token:
            raise LogInRefused(
                "Log-in: e-mail or API key is wrong, or the user's role lacks the module v2api",
                code=code,
                hint="check `email` and `api_key`, and `app_key` if the tenant demands one",
            )
        if status == HTTPStatus.UNAUTHORIZED:
            self.ended.add(token)
            raise SessionExpired(f"{request.about}: the token has expired", code=code)
        if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return
        denial = (token, f"{request.path}?{request.query}{request.json}")
        if denial not in self._denied or token in self.ended:
            self._denied.add(denial)
            self.doubted.add(token)
            raise SessionExpired(f"{request.about}: the CRM denies this", code=code)
        if request.path.endswith("/index") and request.about in self._given:
            raise ProtocolError(
                f"{request.about}: the CRM denies a list of which it gave a part",
                code=code,
                hint="run again; `branches` may leave out what the user may not see",
            )
        hint = "it does not exist, or the user's role has no right to it"
        raise Denied(f"{request.about}: the CRM denies this", code=code, hint=hint)


def _refusal(request: Request, reply: Reply, answer: Any) -> Rejected:
    """The refusal of a write; the CRM's own words are Russian and may hold values."""
    told = answer if isinstance(answer, dict) else {"errors": answer}
    found = complaints(told.get("errors")) or [("", str(told.get("message", "")))]
    names = list(dict.fromkeys(name for name, _ in found if name))
    return Rejected(
        f"{request.about}: the CRM refuses this",
        code="" if reply.status == HTTPStatus.OK else reply.code,
        hint=f"it complains about {', '.join(names)}" if names else "",
        server_says="; ".join(text for _, text in found),
        field=names[0] if names else "",
    )
