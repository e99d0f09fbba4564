"""The token endpoint and the check of tokens, as Spring Security OAuth2's default token services have them.

Inferred from the fingerprint: Egito's documented token reply matches Spring's field for field.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm_simulators.egito.model import CLIENTS, USERS, User
from crm_simulators.egito.replies import as_json, not_allowed, oauth_error

if TYPE_CHECKING:
    from crm_simulators.base import Answer, Call
    from crm_simulators.clock import Clock
    from crm_simulators.egito.switches import Switches

SCOPES = ("write", "read")
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FULL_AUTHENTICATION = "Full authentication is required to access this resource"


@dataclass(frozen=True)
class Grant:
    """Who may do what: the key under which a live token is given out again."""

    client: str
    login: str
    scopes: tuple[str, ...]


@dataclass
class Token:
    """An access or refresh token."""

    value: str
    grant: Grant
    expires: datetime
    refresh: str = ""
    """Of an access token: the refresh token that came with it."""


class TokenServer:
    """Gives out tokens and looks them up."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self.users = dict(USERS)
        self.clients = dict(CLIENTS)
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._latest: dict[Grant, Token] = {}

    def expire(self) -> None:
        """Ends the life of every access token; refresh tokens live on."""
        for token in self._access.values():
            token.expires = self._clock.now() - timedelta(seconds=1)

    def expire_refresh_tokens(self) -> None:
        """Ends the life of every refresh token."""
        for token in self._refresh.values():
            token.expires = self._clock.now() - timedelta(seconds=1)

    def grant(self, call: Call) -> Answer:
        """``POST /oauth/token``."""
        given = {"both": {**call.form, **call.query}, "query": call.query, "form": call.form}[self._switches.token_in]
        client = given.get("client_id")
        if not client:
            raise oauth_error(401, "unauthorized", _FULL_AUTHENTICATION)
        if not _same(self.clients.get(client), given.get("client_secret", "")):
            raise oauth_error(401, "invalid_client", "Bad client credentials")
        if call.method != "POST":
            raise not_allowed(call.method, "POST")
        kind = given.get("grant_type")
        if not kind:
            raise oauth_error(400, "invalid_request", "Missing grant type")
        if kind == "password":
            return self._by_password(
                client, given.get("username", ""), given.get("password", ""), given.get("scope", "")
            )
        if kind == "refresh_token" and self._switches.refresh_tokens == "work":
            return self._by_refresh_token(client, given.get("refresh_token", ""))
        if kind == "refresh_token" and self._switches.refresh_tokens == "refused":
            raise oauth_error(401, "invalid_client", "Unauthorized grant type: refresh_token")
        tail = f": {kind}" if self._switches.grant_type_in_error else ""
        raise oauth_error(400, "unsupported_grant_type", f"Unsupported grant type{tail}")

    def user(self, call: Call, scope: str) -> User:
        """Whose token a data call brings; ``scope`` is what the call needs."""
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise oauth_error(401, "unauthorized", _FULL_AUTHENTICATION)
        token = self._access.get(value.strip())
        if token is None:
            raise oauth_error(401, "invalid_token", f"Invalid access token: {value.strip()}")
        if token.expires <= self._clock.now():
            # Spring forgets an expired token when it meets it: the second call with it is told that it is unknown.
            self._forget(token)
            raise oauth_error(401, "invalid_token", f"Access token expired: {token.value}")
        if scope not in token.grant.scopes:
            raise oauth_error(403, "insufficient_scope", "Insufficient scope for this resource", scope=scope)
        return self.users[token.grant.login]

    def _by_password(self, client: str, login: str, password: str, scope: str) -> Answer:
        user = self.users.get(login)
        if user is None or not _same(user.password, password):
            raise oauth_error(400, "invalid_grant", "Bad credentials")
        asked = set(scope.split()) or set(SCOPES)
        if not asked <= set(SCOPES):
            raise oauth_error(400, "invalid_scope", f"Invalid scope: {scope}", scope=" ".join(SCOPES))
        grant = Grant(client, login, tuple(name for name in SCOPES if name in asked))
        token = self._latest.get(grant)
        if token is None or token.expires <= self._clock.now():
            token = self._renewed(grant, token.refresh if token else "")
        return self._reply(token)

    def _by_refresh_token(self, client: str, value: str) -> Answer:
        refresh = self._refresh.get(value)
        if refresh is None:
            raise oauth_error(400, "invalid_grant", f"Invalid refresh token: {value}")
        if refresh.grant.client != client:
            raise oauth_error(400, "invalid_grant", f"Wrong client for this refresh token: {value}")
        if refresh.expires <= self._clock.now():
            del self._refresh[value]
            raise oauth_error(401, "invalid_token", f"Invalid refresh token (expired): {value}")
        return self._reply(self._renewed(refresh.grant, value))

    def _renewed(self, grant: Grant, refresh: str) -> Token:
        """A new access token; a refresh token that is still good is kept, the access token before is forgotten."""
        now = self._clock.now()
        old = self._latest.get(grant)
        if old is not None:
            self._forget(old)
        kept = self._refresh.get(refresh)
        if kept is None or kept.expires <= now:
            self._refresh.pop(refresh, None)
            kept = Token(str(uuid.uuid4()), grant, now + timedelta(seconds=self._switches.refresh_seconds))
            self._refresh[kept.value] = kept
        token = Token(str(uuid.uuid4()), grant, now + timedelta(seconds=self._switches.token_seconds), kept.value)
        self._access[token.value] = self._latest[grant] = token
        return token

    def _forget(self, token: Token) -> None:
        self._access.pop(token.value, None)
        if self._latest.get(token.grant) is token:
            del self._latest[token.grant]

    def _reply(self, token: Token) -> Answer:
        left = int((token.expires - self._clock.now()).total_seconds())
        body: dict[str, str | int] = {"access_token": token.value, "token_type": "bearer"}
        if self._switches.refresh_tokens != "absent":
            body["refresh_token"] = token.refresh
        return as_json({**body, "expires_in": left, "scope": " ".join(token.grant.scopes)}, headers=_NO_STORE)


def _same(secret: str | None, given: str) -> bool:
    return secret is not None and secrets.compare_digest(secret.encode(), given.encode())
