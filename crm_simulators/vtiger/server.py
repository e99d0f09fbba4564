"""The simulator: takes a request, finds the session, carries the operation out."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timezone
from typing import TYPE_CHECKING, Any, ClassVar

from crm_simulators.base import Answer, Call, Simulator
from crm_simulators.vtiger.access import USERS, Access, Session, Sessions, User
from crm_simulators.vtiger.checking import Checker
from crm_simulators.vtiger.envelope import HTML, Envelope, crashed, restricted
from crm_simulators.vtiger.failures import Crashed, Hanging, Refused, Restricted, denied
from crm_simulators.vtiger.files import files_retrieve
from crm_simulators.vtiger.flavours import FLAVOURS
from crm_simulators.vtiger.metadata import describe, listtypes
from crm_simulators.vtiger.reading import Reader
from crm_simulators.vtiger.related import Related
from crm_simulators.vtiger.requests import Request, line_length, request_of
from crm_simulators.vtiger.schema import modules_of
from crm_simulators.vtiger.seed import Seeder
from crm_simulators.vtiger.store import Store
from crm_simulators.vtiger.switches import Switches
from crm_simulators.vtiger.syncing import sync
from crm_simulators.vtiger.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_SESSION = frozenset({"getchallenge", "login", "extendsession"})


class VtigerSimulator(Simulator):
    """Vtiger 8.4 or 8.0, coreBOS, or Simply CRM at ``/webservice.php``.

    ``store`` is where tests look and reach behind the API.
    """

    name: ClassVar[str] = "vtiger"
    flavours: ClassVar[tuple[str, ...]] = ("vtiger-8.4", "vtiger-8.0", "corebos", "simplycrm")

    def __init__(
        self,
        rows: int = 1000,
        flavour: str | None = None,
        switches: Switches = Switches(),  # noqa: B008 - frozen
        *,
        leads: int | None = None,
        invoices: int = 125,
    ) -> None:
        super().__init__(rows=rows, flavour=flavour)
        self.switches = switches
        self.traits = FLAVOURS[self.flavour]
        self.store = Store(modules_of(self.traits, switches), self.traits, lambda: self.clock.on_the_wall(timezone.utc))
        Seeder(self.store, rows=rows, leads=leads, invoices=invoices).fill()
        limited = self.traits.limits_sessions if switches.session_limits is None else switches.session_limits
        self._sessions = Sessions(
            token_seconds=self.traits.token_seconds, limited=limited, unknown=self.traits.unknown_session
        )
        self._envelope = Envelope(self.traits, switches.error_keys)
        self._stopped = threading.Event()
        self._operations = self._table()

    def config(self) -> dict[str, Any]:
        """The settings of a connector that logs in as the administrator."""
        return self.config_for("admin")

    def config_for(self, username: str) -> dict[str, Any]:
        """The settings for ``admin``, ``usadmin`` (admin too), ``euro`` or ``limited``."""
        key = USERS[username].access_key
        return {"system": self.name, "url": self.url, "username": username, "access_key": key}

    def tell_deletions(self) -> None:
        """As if the administrator had registered ``syncType``."""
        self.switches = replace(self.switches, sync_registered=True)

    def expire_sessions(self) -> None:
        """Ends every session."""
        self._sessions.end_all()

    def stop(self) -> None:
        """Closes the port, and lets go of requests that hang."""
        self._stopped.set()
        super().stop()

    def answer(self, call: Call) -> Answer:
        """Carries a request out."""
        if line_length(call) > self.switches.longest_request_line:
            return Answer(b"<html><head><title>414 Request-URI Too Large</title></head></html>", 414, "text/html")
        if call.path != "/webservice.php":
            return Answer(b"<html><head><title>404 Not Found</title></head></html>", 404, "text/html")
        if len(call.body) > self.switches.largest_post:
            call = replace(call, form={}, body=b"")
        return self._guarded(request_of(call, logout_by_get=self.switches.logout_by_get))

    def _guarded(self, request: Request) -> Answer:
        """Carries a request out and turns each way of refusing into its answer."""
        greeted = request.operation in _NO_SESSION
        try:
            if request.operation in self._operations and not greeted:
                self._session(request)
                greeted = True
            return self._carry_out(request)
        except Refused as refused:
            return self._envelope.failure(refused, cookie=greeted)
        except Crashed:
            return crashed()
        except Restricted:
            return restricted()
        except Hanging:
            self._hang()
            raise ConnectionAbortedError from None

    def _carry_out(self, request: Request) -> Answer:
        if request.format != "json":
            return Answer(b"", 500)
        operation = self._operations.get(request.operation)
        if operation is None:
            if self.traits.tells_unknown_operation:
                raise Refused("UNKNOWN_OPERATION", "Unknown operation requested")
            return Answer(b"", 500, HTML)
        return operation(request)

    def _table(self) -> dict[str, Callable[[Request], Answer]]:
        operations: dict[str, Callable[[Request], Answer]] = {
            "getchallenge": self._getchallenge,
            "login": self._login,
            "extendsession": self._extendsession,
            "logout": self._logout,
            "listtypes": self._listtypes,
            "describe": self._describe,
            "query": self._query,
            "retrieve": self._retrieve,
            "sync": self._sync,
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "convertlead": self._convertlead,
        }
        operations |= {"revise": self._revise} if self.switches.revise else {}
        return operations if self.traits.is_corebos else {**operations, **self._table_of_others()}

    def _table_of_others(self) -> dict[str, Callable[[Request], Answer]]:
        """What is registered on stock servers (measured on 8.2.0 and 8.4.0); simplycrm by the code of Vtiger 7."""
        return {
            "files_retrieve": self._files_retrieve,
            "relatedtypes": lambda it: self._envelope.success(self._related(it).types(_of(it, "elementType"))),
            "query_related": lambda it: self._envelope.success(self._related(it).query(it.parameters)),
            "retrieve_related": lambda it: self._envelope.success(self._related(it).retrieve(it.parameters)),
            "add_related": lambda it: self._envelope.success(self._related(it).add(it.parameters)),
        }

    def _files_retrieve(self, request: Request) -> Answer:
        return self._envelope.success(files_retrieve(self.store, self._access(request), _of(request, "id")))

    def _related(self, request: Request) -> Related:
        access = self._access(request)
        return Related(self.store, access, Checker(self.store, access))

    def _hang(self) -> None:
        """Waits without the lock, so that others are served meanwhile."""
        self.lock.release()
        try:
            self._stopped.wait(self.switches.hang_seconds)
        finally:
            self.lock.acquire()

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _session(self, request: Request) -> Session:
        return self._sessions.session(request.session_name, self._now())

    def _access(self, request: Request) -> Access:
        return Access(self._session(request).user, self.store, self.switches)

    def _getchallenge(self, request: Request) -> Answer:
        username = request.parameters.get("username", "")
        if not username:
            raise denied("No username given")
        user = USERS.get(username.lower())
        if user is None:
            raise denied("username does not exists")
        return self._envelope.success(self._sessions.challenge(user, self._now()))

    def _login(self, request: Request) -> Answer:
        given = request.parameters
        name, user = self._sessions.log_in(given.get("username", ""), given.get("accessKey", ""), self._now())
        about = _about(user) if self.traits.long_login else {}
        return self._envelope.success({**about, **self._logged_in(name, user)})

    def _logged_in(self, session_name: str, user: User) -> dict[str, str]:
        identifier = self.store.id_of("Users", user.number)
        told = "6.5.0" if self.switches.is_berlicrm else self.traits.version
        version = {"version": "0.22", "vtigerVersion": told}
        return {"sessionName": session_name, "userId": identifier, **version}

    def _extendsession(self, request: Request) -> Answer:
        _, _, cookie = request.cookies.partition("PHPSESSID=")
        name = request.session_name or cookie.split(";")[0]
        try:
            session = self._sessions.session(name, self._now())
        except Refused:
            raise Refused("AUTHENTICATION_FAILURE", "Authencation Failed") from None
        return self._envelope.success(self._logged_in(name, session.user))

    def _logout(self, request: Request) -> Answer:
        if request.method == "GET" and not self.switches.logout_by_get:
            raise Refused("OPERATION_NOT_SUPPORTED", "Permission to perform the operation is denied")
        self._sessions.end(request.session_name or "")
        return self._envelope.success({"message": "successfull"})

    def _listtypes(self, request: Request) -> Answer:
        return self._envelope.success(listtypes(self._access(request), request.parameters))

    def _describe(self, request: Request) -> Answer:
        return self._envelope.success(describe(self._access(request), request.parameters.get("elementType", "")))

    def _query(self, request: Request) -> Answer:
        page = Reader(self.store, self._access(request)).query(request.parameters.get("query", ""))
        return self._envelope.success(page.rows, {"totalrows": page.total})

    def _sync(self, request: Request) -> Answer:
        return self._envelope.success(sync(self.store, self._access(request), request.parameters))

    def _writer(self, request: Request) -> Writer:
        return Writer(self.store, self._access(request), request.files)

    def _retrieve(self, request: Request) -> Answer:
        return self._envelope.success(self._writer(request).retrieve(request.parameters.get("id", "")))

    def _create(self, request: Request) -> Answer:
        given = request.parameters
        return self._envelope.success(self._writer(request).create(given.get("elementType", ""), given.get("element")))

    def _update(self, request: Request) -> Answer:
        return self._envelope.success(self._writer(request).update(request.parameters.get("element")))

    def _revise(self, request: Request) -> Answer:
        return self._envelope.success(self._writer(request).revise(request.parameters.get("element")))

    def _delete(self, request: Request) -> Answer:
        return self._envelope.success(self._writer(request).delete(request.parameters.get("id", "")))

    def _convertlead(self, request: Request) -> Answer:
        return self._envelope.success(self._writer(request).convert_lead(request.parameters.get("element")))


class SimplyCrmSimulator(VtigerSimulator):
    """Simply CRM as a system of its own."""

    name: ClassVar[str] = "simplycrm"
    flavours: ClassVar[tuple[str, ...]] = ("simplycrm",)


def _of(request: Request, name: str) -> str:
    return request.parameters.get(name, "")


def _about(user: User) -> dict[str, str]:
    return {
        "username": user.name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": f"{user.name}@example.com",
        "time_zone": user.time_zone,
        "hour_format": user.hour_format,
        "date_format": user.date_format,
        "is_admin": "on" if user.is_admin else "off",
        "call_duration": "5",
        "other_event_duration": "5",
    }
