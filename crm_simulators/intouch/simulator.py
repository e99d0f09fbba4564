"""The HTTP face: authentication, addresses, versions."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from crm_simulators.base import Answer, Call, Simulator
from crm_simulators.intouch import actions
from crm_simulators.intouch.database import PRAGUE, Database
from crm_simulators.intouch.model import RESOURCES, Key, Record, Resource, User
from crm_simulators.intouch.records import Records, is_number
from crm_simulators.intouch.replies import RefusedError, bad_request, not_allowed, not_found, problem
from crm_simulators.intouch.seed import Seed
from crm_simulators.intouch.shapes import expand
from crm_simulators.intouch.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping

_HTML_404 = b"<!doctype html><html><head><title>HTTP Status 404</title></head><body><h1>Not Found</h1></body></html>"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class InTouchSimulator(Simulator):
    """InTouch CRM, versions 7.1, 6.5 and 6.2, which differ in the resources they have.

    Args:
        rows: How many parties there are; the other resources have a share of it.
        flavour: The version.
        switches: What the documentation leaves open.
    """

    name: ClassVar[str] = "intouch"
    flavours: ClassVar[tuple[str, ...]] = ("7.1", "6.5", "6.2")

    def __init__(self, *, rows: int = 100, flavour: str | None = None, switches: Switches | None = None) -> None:
        super().__init__(rows=rows, flavour=flavour)
        self.switches = switches or Switches()
        self._database = Database(self.clock, self.switches)
        Seed(self._database, rows, never_modified=self.switches.never_modified == "entered").fill()

    @property
    def users(self) -> dict[str, User]:
        """Who can log in; may be changed."""
        return self._database.users

    def config(self) -> dict[str, Any]:
        """The settings that log in here as an administrator who sees everything."""
        return {
            "system": self.name,
            "url": self.url + self.switches.context_path,
            "username": "gregor",
            "password": self.users["gregor"].password,
        }

    def expire_sessions(self) -> None:
        """Nothing: with Basic authentication there is no session that could end."""

    # What tests look at and change behind the API's back.

    def records(self, entity: str) -> list[Record]:
        """All records of a resource by key, as stored: local times, decimals, empty fields None; or all code lists."""
        with self.lock:
            if entity == "lists":
                return [dict(entry) for entry in self._database.lists.values()]
            table = self._database.tables[entity]
            return [expand(entity, table.rows[key]) for key in table.keys()]  # noqa: SIM118 - no dictionary

    def insert(self, entity: str, values: Mapping[str, Any], *, by: str = "eva") -> Key:
        """Stores a record without any check and tells its key."""
        with self.lock:
            row = self._database.add(entity, {n: v for n, v in values.items() if v is not None}, by)
            return (row["org"], row["member"]) if entity == "members" else int(row["id"])

    def change(self, entity: str, key: Key, values: Mapping[str, Any] | None = None, *, by: str = "eva") -> None:
        """Changes fields of a record without any check and stamps it; without values it is only stamped."""
        with self.lock:
            row = {**self._database.tables[entity].rows[key], **(values or {})}
            self._database.replace(entity, {n: v for n, v in row.items() if v is not None}, by)

    def delete(self, entity: str, key: Key) -> None:
        """Removes a record, which leaves no trace in the API; an unknown key is passed over."""
        with self.lock:
            self._database.drop(entity, key)

    def answer(self, call: Call) -> Answer:
        """Carries a request out."""
        try:
            return self._carry_out(call)
        except RefusedError as error:
            return error.answer(with_body=self.switches.error_bodies)

    def _carry_out(self, call: Call) -> Answer:
        prefix = f"{self.switches.context_path}/api/"
        if not call.path.startswith(prefix):
            return Answer(_HTML_404, 404, "text/html; charset=UTF-8")
        if self.is_throttled(call, self.switches.requests_per_second):
            raise RefusedError(429, [problem("Too many requests")], {"Retry-After": "1"})
        if call.path == f"{prefix}about" and self.switches.about == "public":
            return actions.about(call, self.flavour, str(self.clock.zone or PRAGUE))
        login, user = self._authenticate(call)
        if call.method in _WITH_BODY and user.read_only:
            raise RefusedError(403, [problem("No permission")])
        parts = call.path.removeprefix(prefix).split("/")
        if parts[0] == "lists":
            self._check_media_type(call)
            return actions.lists(self._database, user, call, parts)
        resource = RESOURCES.get(parts[0])
        if resource is None or self._older_than(resource):
            return self._missing()
        records = Records(self._database, self.switches, resource, login, user)
        return self._action(records, call, parts[1:]) or self._record(records, call, parts[1:])

    def _action(self, records: Records, call: Call, parts: list[str]) -> Answer | None:
        name = records.resource.name
        if name == "parties" and parts == ["import"]:
            self._check_media_type(call)
            return actions.import_party(records, call)
        if name == "parties" and "connect-member" in parts:
            self._check_media_type(call)
            rest = [part for part in parts if part != "connect-member"]
            in_place = parts.index("connect-member") == (1 if self.switches.connect_member == "path" else 0)
            return actions.connect_member(records, call, rest if in_place else ["", ""])
        if name == "invoices" and parts == ["createWithBusCase"]:
            cases = Records(self._database, self.switches, RESOURCES["buscases"], records.login, records.user)
            return actions.invoice_from_case(records, cases, call)
        return None

    def _record(self, records: Records, call: Call, parts: list[str]) -> Answer:
        self._check_media_type(call)
        name = records.resource.name
        if not parts:
            return self._collection(records, call)
        single = name != "members" and (name != "invoices" or self.switches.single_invoices)
        if len(parts) > 1 or not is_number(parts[0]) or not single:
            raise not_found()
        key = int(parts[0])
        if call.method == "GET":
            return records.read(key)
        if call.method == "PUT" and name in self.switches.put:
            return records.replace(key, call)
        if call.method == "PATCH" and name in self.switches.patch:
            return records.patch(key, call)
        if call.method == "DELETE":
            return records.delete(key)
        raise not_allowed("GET", *(["PUT"] * (name in self.switches.put)), *(["PATCH"] * (name in self.switches.patch)))

    @staticmethod
    def _collection(records: Records, call: Call) -> Answer:
        if call.method == "GET":
            return records.listing(call)
        if call.method == "POST" and records.resource.name != "members":
            return records.create(call)
        raise not_allowed("GET", *(["POST"] * (records.resource.name != "members")))

    def _older_than(self, resource: Resource) -> bool:
        """Whether this version is from before the resource came."""
        return self.flavour < resource.since

    def _missing(self) -> Answer:
        if self.switches.missing_resource == "json":
            raise not_found()
        body = _HTML_404 if self.switches.missing_resource == "html" else b""
        return Answer(body, 404, "text/html; charset=UTF-8")

    def _authenticate(self, call: Call) -> tuple[str, User]:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        try:
            login, _, password = base64.b64decode(token.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            login = password = ""
        user = self.users.get(login)
        right = user is not None and secrets.compare_digest(user.password.encode(), password.encode())
        if user is None or not right or scheme.lower() != "basic":
            raise RefusedError(401, [problem("Unauthorized")], {"WWW-Authenticate": 'Basic realm="InTouch CRM"'})
        return login, user

    def _check_media_type(self, call: Call) -> None:
        media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if call.method in _WITH_BODY and call.body and media_type != "application/json":
            if self.switches.wrong_media_type == 400:
                raise bad_request("application/json expected")
            raise RefusedError(self.switches.wrong_media_type, [problem("application/json expected")])
