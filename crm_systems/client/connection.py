"""One HTTP connection: its login, its repeats, and what may go into a header."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from functools import lru_cache
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from crm_systems.client.http import Http
from crm_systems.client.network import check_status, http_date, meaning_of
from crm_systems.client.patience import Wait, pauses
from crm_systems.decoding import json_of_refusal
from crm_systems.errors import (
    ConfigError,
    CrmError,
    Denied,
    LogInRefused,
    NoData,
    OutcomeUnknown,
    ProtocolError,
    Rejected,
    ServerFault,
    SessionExpired,
    Unavailable,
)
from crm_systems.rows import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_systems.client.shared import Shared
    from crm_systems.model import Reply, Request, Session

LOGIN_ATTEMPTS = 5
LONGEST_LOG_OUT = 5.0
"""Seconds that a log-out may take."""
SESSIONS = 4
"""How many sessions one request is tried with, since each may be ended by somebody else."""
ENOUGH = 4
"""How often a request fails, while the server answers another one, before the fault is its own."""
LAST_OF_LATIN_1 = "\xff"
"""No character of a header comes after it."""

logger = logging.getLogger("crm")


class Connection:
    """One HTTP connection and its login; used by one thread at a time."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._system = shared.system
        self._http = Http(shared.settings["user_agent"], shared.settings["timeout_seconds"])
        self._session: Session | None = None

    def call(self, request: Request) -> Any:
        """See :meth:`Client.call`. Another program may log in as the same user, and end our session by it."""
        waits, code = pauses(), ""
        for session in range(SESSIONS):
            if session > 1:
                self._shared.sleep(next(waits))
            try:
                return self._patiently(request, self._signed)
            except SessionExpired as error:
                self._session, code = None, error.code
        raise ConfigError(
            f"{request.about}: the server ends each session at once",
            code=code,
            hint="check the rights of the user, and give each program that runs at the same time a user of its own",
        )

    def log_in(self, *, anew: bool = False) -> Session:
        """The login of this connection.

        Raises:
            LogInRefused: the server refuses it again and again.
        """
        if self._session is None or anew:
            with nullcontext() if self._system.logs_in_side_by_side else self._shared.login_lock:
                self._session = self._open_session()
            if self._session.server_time:
                self._shared.server_clock.note(self._session.server_time, is_told=True)
        return self._session

    def close(self) -> None:
        """Logs out, whatever the server thinks of it."""
        request = self._system.log_out(self._session) if self._session else None
        self._http.timeout = min(self._http.timeout, LONGEST_LOG_OUT)
        if request and self._session:
            with suppress(CrmError):
                self._shared.pace.wait()
                self._send(self._system.sign(request, self._session))
        self._http.close()

    def _open_session(self) -> Session:
        """Logs in; a refusal that may be another process's doing is tried again after a random wait.

        So is one where the server has answered before: the secret was right then, and a proxy may be in trouble.
        """
        for seconds in islice(pauses(), LOGIN_ATTEMPTS - 1):
            try:
                return self._system.log_in(self._call_unsigned)
            except LogInRefused as error:
                if not (error.worth_retrying or self._shared.patience.was_up):
                    raise
                self._shared.sleep(seconds)
        return self._system.log_in(self._call_unsigned)

    def _call_unsigned(self, request: Request) -> Any:
        return self._patiently(request, lambda same: same)

    def _signed(self, request: Request) -> Request:
        return self._system.sign(request, self.log_in())

    def _patiently(self, request: Request, prepare: Callable[[Request], Request]) -> Any:
        """Repeats what failed for a passing reason and may be repeated, as long as the patience lasts."""
        prepared = prepare(request)
        wait = Wait(self._shared.patience)
        while True:
            self._shared.pace.wait()
            if request.before_send:
                request.before_send()
            try:
                meaning = self._send(prepared)
            except (Unavailable, ConfigError, Rejected, Denied) as error:
                self._wait_after(request, error, wait)
            else:
                self._shared.patience.note_answer()
                return meaning

    def _wait_after(self, request: Request, error: Unavailable | ConfigError | Rejected | Denied, wait: Wait) -> None:
        """Returns when the request may be sent again.

        Raises:
            CrmError: it may not, or that would be of no use.
        """
        is_internal = error.code in self._system.internal_errors
        is_redirect = error.code.startswith("HTTP 3")
        fault = error if isinstance(error, Unavailable) else Unavailable(error.what, code=error.code, hint=error.hint)
        if not (isinstance(error, Unavailable) or is_internal or is_redirect or self._is_no_denial(error, fault)):
            raise error
        if not (request.repeatable or fault.nothing_done):
            if fault.retry_after:
                with suppress(Unavailable):
                    wait.pause(fault, is_outage=True)
            raise OutcomeUnknown(f"{request.about}: the answer was lost", code=error.code) from error
        if is_redirect:
            raise error
        is_alone = not fault.meets_all and self._answers_others(fault)
        if is_alone and isinstance(error, Rejected):
            raise error
        wait.tries_alone += is_alone
        if is_alone and wait.tries_alone >= (ENOUGH if request.patient else 1):
            raise ServerFault(error.what, code=error.code, hint=error.hint) from None
        wait.pause(fault, is_outage=not is_alone)

    def _is_no_denial(self, error: CrmError, fault: Unavailable) -> bool:
        """Whether something was denied because the server is in trouble."""
        may_be = isinstance(error, Denied) and self._system.denies_when_away and self._session is not None
        return may_be and not self._answers_others(fault)

    def _answers_others(self, fault: Unavailable) -> bool:
        """Whether the server answers the system's heartbeat.

        While nobody is logged in there is none; an address that has never given data and gives a page is no CRM.
        """
        if self._session is None:
            return isinstance(fault, NoData) and not self._shared.patience.was_up
        try:
            self._shared.pace.wait()
            self._send(self._system.sign(self._system.heartbeat, self._session))
        except NoData as error:
            return error.garbled
        except Unavailable:
            return False
        except CrmError as error:
            return error.code not in self._system.internal_errors
        return True

    def _send(self, request: Request) -> Any:
        """Sends once and reads the answer."""
        self._check_headers(request)
        self._shared.traffic.requests += 1
        began = self._shared.clock()
        try:
            reply = self._http.exchange(request, self._system.base_address + request.path)
        except UnicodeError:
            raise Rejected(f"{request.about}: a value holds half a character, which cannot be sent") from None
        except (OSError, HTTPError) as error:
            raise meaning_of(request, error, was_up=self._shared.patience.was_up) from None
        self._shared.traffic.took.append(self._shared.clock() - began)
        self._note_time(reply)
        check_status(request, reply)
        at_once = request.decode(reply.body) if request.decode else None
        if at_once is not None:
            return at_once
        try:
            meaning = self._system.read(request, reply)
        except (SessionExpired, Denied, Rejected, ConfigError) as error:
            if request.repeatable or reply.status < HTTPStatus.BAD_REQUEST or json_of_refusal(reply) is not None:
                raise
            raise self._unfounded(request, error) from error
        if not fits(meaning, request.shape):
            raise ProtocolError(
                f"{request.about}: the server's answer has another shape than it should",
                hint="the CRM may be in trouble, or `url` names another one; run again",
            )
        return meaning

    def _unfounded(self, request: Request, error: CrmError) -> OutcomeUnknown:
        """What a refusal of a write means that a firewall may have put in the place of the CRM's answer."""
        is_over = isinstance(error, SessionExpired)
        if is_over:
            self._session = None
        refusal = None if is_over else error
        return OutcomeUnknown(f"{request.about}: the answer was lost", code=error.code, refusal=refusal)

    def _check_headers(self, request: Request) -> None:
        """Makes sure that the headers can be sent.

        Raises:
            ConfigError: one cannot; it names the setting that the header's value is from.
        """
        for name, text in {**self._http.headers, **request.headers}.items():
            if _is_sound(text):
                continue
            settings = self._shared.settings.items()
            setting = next((key for key, own in settings if isinstance(own, str) and own and own in text), "")
            wrong = "has a character that a header cannot hold"
            if text != text.strip():
                wrong = "ends with a line break" if text.endswith(("\n", "\r")) else "begins or ends with a blank"
            raise ConfigError(f"`{setting}` {wrong}" if setting else f"{request.about}: the header {name} {wrong}")

    def _note_time(self, reply: Reply) -> None:
        """Takes the server's clock from an answer's Date."""
        heard = http_date(reply.headers.get("date", ""))
        if heard:
            self._shared.server_clock.note(heard)


@lru_cache(maxsize=64)
def _is_sound(text: str) -> bool:
    """Whether a header can hold it."""
    return text.isprintable() and text == text.strip() and max(text, default="") <= LAST_OF_LATIN_1
