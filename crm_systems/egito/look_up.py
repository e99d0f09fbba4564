"""Looking records up in Egito: one by its id, by anything else among all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.egito.answers import record_of
from crm_systems.egito.records import normaliser
from crm_systems.errors import NOT_FOUND, Denied, ProtocolError, Rejected, ServerFault
from crm_systems.model import Request
from crm_systems.rows import key_of
from crm_systems.system import System
from crm_systems.value_index import ValueIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from crm_systems.model import Call, Entity, Row

DATA = "/services/restapi/json"
DICTIONARY = "SelectDictionary"


class EgitoLookUp(System):
    """What of Egito finds single records."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._index = ValueIndex(self.notation, looks_again=False)

    def _question(self, path: str, about: str, parameters: Mapping[str, str]) -> Request:
        if self.options["read_method"] == "POST":
            return Request("POST", about, f"{DATA}/{path}", form=parameters)
        return Request("GET", about, f"{DATA}/{path}", query=parameters)

    def _one(self, call: Call, entity: Entity, identifier: str, names: Collection[str] = ()) -> Row:
        """One record as the CRM gives it; empty where it does not exist, in one of the ways of saying so."""
        about = f"{entity.name}: get"
        try:
            told = call(self._question(f"{entity.name}/get", about, {"id": identifier}))
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
            return {}
        return record_of(told, identifier, names or [field.name for field in entity.fields], about)

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By ``get``; what it does not give is looked for in the list, since errors are not told apart."""
        if entity.name != DICTIONARY:
            refusal: Rejected | ProtocolError | ServerFault | None = None
            try:
                row = self._one(call, entity, identifier)
            except (Rejected, ProtocolError, ServerFault) as error:
                row, refusal = {}, error
            if row:
                return normaliser(entity, self.notation.zone)(row)
            if not self._matching_keys(call, entity, {"id": identifier}):
                return None
            if refusal:
                raise refusal
        return next((row for row in self._all(call, entity) if key_of(entity, row) == identifier), None)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """Whether lists can be searched is not documented: all records are read once a run and remembered."""
        found = (self.get(call, entity, key) for key in self._matching_keys(call, entity, match))
        return [row for row in found if row is not None]

    def remember(self, entity: Entity, row: Row) -> None:
        """So that what a list that was read once lacks is found."""
        self._index.note(entity, row)

    def _matching_keys(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[str]:
        return self._index.keys(entity, match, lambda _since: self._all(call, entity))

    def _all(self, call: Call, entity: Entity) -> Iterator[Row]:
        """All rows, so that what is not among them does not exist.

        Raises:
            ProtocolError: some cannot be read.
        """
        for page in (page for walk in self.walks(call, entity, None) for page in walk(call)):
            if page.unreadable:
                what = f"{entity.name}: look up: the CRM lists records that it does not give"
                raise ProtocolError(what, hint="check the rights of the user, and run again")
            yield from page.rows
