"""Logs in by a challenge and a key."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from hashlib import md5
from typing import TYPE_CHECKING, Any

from crm_systems.errors import Denied, LogInRefused, ProtocolError, Rejected, SessionExpired
from crm_systems.model import Request, Session
from crm_systems.system import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Row


class Login:
    """The log-ins of one user, which share a challenge: it serves all of them while it lasts (measured)."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._token = ""
        self._lock = threading.Lock()

    def open(self, call: Call) -> tuple[Session, Row]:
        """A session, and what the server told of the user.

        The server keeps one challenge a user, so another process that logs in at the same time breaks this login with
        the same codes as a wrong key (measured): one refusal proves nothing.

        Raises:
            LogInRefused: the user or the key is wrong.
            ProtocolError: this is no Vtiger.
        """
        try:
            token, server_time = self._challenge(call)
            proof = md5((token + self._options["access_key"]).encode(), usedforsecurity=False).hexdigest()
            form = {"operation": "login", "username": self._options["username"], "accessKey": proof}
            try:
                told = call(Request("POST", "Log-in", form=form, shape=dict))
            except (Rejected, SessionExpired):
                self._forget(token)
                if server_time is None:
                    return self.open(call)
                raise
            user = {"userId": str(told.get("userId", "")), VERSION: str(told.get("vtigerVersion") or "")}
            return Session({"sessionName": told["sessionName"], **user}, server_time), told
        except Denied as error:
            raise LogInRefused("Log-in: there is no such user", code=error.code, hint="check `username`") from None
        except (Rejected, SessionExpired) as error:
            raise LogInRefused(
                "Log-in: user name or access key is wrong",
                code=error.code,
                hint="check `username` and `access_key`, the key on the user's My Preferences page",
                worth_retrying=True,
            ) from None
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise ProtocolError("Log-in: this is no answer of a Vtiger webservice", hint="check `url`") from None

    def _challenge(self, call: Call) -> tuple[str, datetime | None]:
        """The user's challenge, and the server's clock if it was asked for just now."""
        with self._lock:
            if self._token:
                return self._token, None
            query = {"operation": "getchallenge", "username": self._options["username"]}
            told = call(Request("GET", "Log-in", query=query))
            token, now = "" + told["token"], datetime.fromtimestamp(int(told["serverTime"]), timezone.utc)
            self._token = token
            return token, now

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._token = ""
