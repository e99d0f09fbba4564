"""The HTTP face: the token endpoint and ``/services/restapi/json/<Type>/<operation>``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crm_simulators.base import Answer, Call, Simulator
from crm_simulators.egito import shapes
from crm_simulators.egito.data import Data, dictionary
from crm_simulators.egito.model import DICTIONARY, Id, Record, User
from crm_simulators.egito.oauth import TokenServer
from crm_simulators.egito.replies import RefusedError, not_allowed, not_found, oauth_error
from crm_simulators.egito.seed import Seed
from crm_simulators.egito.store import Store
from crm_simulators.egito.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "/services/restapi/json/"
_READS = frozenset({"get", "list"})


class EgitoSimulator(Simulator):
    """A tenant of Egito.

    Args:
        rows: How many leads there are; of the other types half as many.
        switches: What the documentation leaves open.
        tenant: The tenant's name; its dictionaries' ids depend on it.
    """

    name: ClassVar[str] = "egito"

    def __init__(
        self,
        *,
        rows: int = 100,
        flavour: str | None = None,
        switches: Switches | None = None,
        tenant: str = "firma",
    ) -> None:
        super().__init__(rows=rows, flavour=flavour)
        self.switches = switches or Switches()
        self.tokens = TokenServer(self.clock, self.switches)
        """Users, clients and tokens; all may be changed."""
        self._store = Store(self.clock, self.switches, tenant)
        prefix_is_id = self.switches.prefix == "dictionary"
        Seed(self._store, rows, sex_field=self.switches.sex_field, prefix_is_id=prefix_is_id).fill()

    @property
    def users(self) -> dict[str, User]:
        """Who can log in; may be changed."""
        return self.tokens.users

    def config(self) -> dict[str, Any]:
        """The settings that log in here as a user who may do everything."""
        return {
            "system": self.name,
            "url": self.url,
            "username": "login@firma",
            "password": self.users["login@firma"].password,
            "client_id": "api-klient-1",
            "client_secret": self.tokens.clients["api-klient-1"],
        }

    def expire_sessions(self) -> None:
        """Ends every access token; :meth:`expire_refresh_tokens` ends the others."""
        with self.lock:
            self.tokens.expire()

    def expire_refresh_tokens(self) -> None:
        """Ends every refresh token."""
        with self.lock:
            self.tokens.expire_refresh_tokens()

    def records(self, entity: str) -> list[Record]:
        """All records of a type, oldest first, or of all dictionaries.

        Properties are nested; empty fields are None, times aware datetimes, days ISO texts, amounts decimals.
        """
        with self.lock:
            if entity == DICTIONARY:
                return [dict(entry) for entries in self._store.dictionaries.values() for entry in entries]
            return [self._nested(entity, row) for row in self._store.tables[entity].values()]

    def insert(self, entity: str, values: Mapping[str, Any]) -> Id:
        """Stores a record without any check and tells its id; nested properties have dotted names.

        A dictionary's row is given as ``{"type", "name"}`` and gets the rest from the store.
        """
        with self.lock:
            if entity == DICTIONARY:
                return self._store.add_entry(values["type"], values["name"])
            number: Id = self._store.add(entity, dict(values))["id"]
            return number

    def change(self, entity: str, number: Id, values: Mapping[str, Any] | None = None) -> None:
        """Changes fields of a record without any check and stamps it; without values it is only stamped."""
        with self.lock:
            row = self._store.tables[entity][str(number)]
            self._store.replace(entity, {**row, **(values or {})})

    def delete(self, entity: str, number: Id) -> None:
        """Removes a record, which leaves no trace in the API; an unknown id is passed over."""
        with self.lock:
            self._store.drop(entity, str(number))

    def answer(self, call: Call) -> Answer:
        """Carries a request out."""
        try:
            if self.is_throttled(call, self.switches.requests_per_second):
                return Answer(b"", 429, headers={"Retry-After": "1"})
            if call.path == "/oauth/token":
                return self.tokens.grant(call)
            return self._data(call)
        except RefusedError as refused:
            return refused.answer

    def _data(self, call: Call) -> Answer:
        """Who asks comes before what is asked: without a token even an unknown address is 401."""
        if not call.path.startswith(_PREFIX):
            raise not_found(self.switches)
        name, _, operation = call.path.removeprefix(_PREFIX).partition("/")
        user = self.tokens.user(call, "read" if operation in _READS else "write")
        if not self._exists(name, operation):
            raise not_found(self.switches)
        self._check_method(call, operation)
        if f"{name}/{operation}" in user.denied:
            raise oauth_error(403, "access_denied", "Access is denied")
        if name == DICTIONARY:
            return dictionary(self._store, self.switches, call)
        data = Data(self._store, self.switches, name, user)
        operations = {"create": data.create, "get": data.get, "update": data.update, "list": data.listing}
        return {**operations, "delete": data.delete}[operation](call)

    def _exists(self, name: str, operation: str) -> bool:
        if name == DICTIONARY:
            return operation == "list"
        operations = {"create", "update", *_READS, *(["delete"] if self.switches.delete else [])}
        return name in self._store.types and operation in operations

    def _check_method(self, call: Call, operation: str) -> None:
        allowed = self.switches.read_verbs if operation in _READS else frozenset({"POST"})
        if call.method not in allowed:
            raise not_allowed(call.method, *sorted(allowed))

    def _nested(self, entity: str, row: Record) -> Record:
        out: Record = {}
        for name in self._store.types[entity]:
            shapes.place(out, name, row.get(name))
        return out
