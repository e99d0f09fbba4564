"""Who may call, and how often: the login, tokens, the limit of requests."""

from __future__ import annotations

import secrets
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.replies import HttpError, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.alfacrm.switches import Switches
    from crm_simulators.base import Answer, Call
    from crm_simulators.clock import Clock

EMAIL = "api@example.test"
API_KEY = "6f1a3c52-9d7e-11ee-b9d1-0242ac120002"
APP_KEY = "b8d5c9e0f34a4d0f8a6f0a6f7c1d2e3f"
_SECOND = timedelta(seconds=1)


class Gate:
    """Gives out tokens and checks them by the simulator's clock."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._tokens: dict[str, datetime] = {}
        self._passed: deque[datetime] = deque()

    def log_in(self, call: Call, body: Mapping[str, Any]) -> Answer:
        """``{"email","api_key"}`` to ``{"token"}``; neither says how long it lives (documented)."""
        self._check_app_key(call, "login")
        if body.get("email") != EMAIL or body.get("api_key") != API_KEY:
            raise HttpError(self._switches.login_refused_status, "Not Authorized")
        if self._switches.login_revokes:
            self._tokens.clear()
        token = secrets.token_urlsafe(96)
        self._tokens[token] = self._end()
        return reply({"token": token})

    def check(self, call: Call) -> None:
        """Refuses a token that is missing, wrong or too old; the texts are the framework's."""
        token = call.headers.get("x-alfacrm-token", "")
        if self._tokens.get(token, self._clock.now()) <= self._clock.now():
            message = "Your request was made with invalid credentials."
            raise HttpError(self._switches.stale_token_status, message)
        if self._switches.sliding_tokens:
            self._tokens[token] = self._end()
        self._check_app_key(call, "every_call")

    def expire(self) -> None:
        """Ends every token."""
        self._tokens.clear()

    def count(self, *, is_login: bool) -> None:
        """Refuses what is one too many in the last second; what was refused does not count, no wait is named."""
        limit, now = self._switches.requests_per_second, self._clock.now()
        if limit is None or (is_login and not self._switches.login_counts):
            return
        while self._passed and now - self._passed[0] >= _SECOND:
            self._passed.popleft()
        if len(self._passed) >= limit:
            raise HttpError(429, "Too many requests.")
        self._passed.append(now)

    def _end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._switches.token_seconds)

    def _check_app_key(self, call: Call, where: str) -> None:
        demanded = self._switches.app_key in {"every_call", where}
        if demanded and call.headers.get("x-app-key") != APP_KEY:
            raise HttpError(403, "Not Authorized")
