"""A plain CRM: one list of people behind a key, read by pages, searched by any field, with local times."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.decoding import decode_json
from crm_systems.errors import NOT_FOUND, Denied, LogInRefused, OutcomeUnknown, Rejected
from crm_systems.model import Abilities, Entity, Field, Kind, Limits, Page, Request, Setting
from crm_systems.paging import Part, Sliding
from crm_systems.rows import is_identifier, is_whole_number, record_with, rows_in
from crm_systems.system import System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Reply, Row, Session, Walk

FIELDS = (
    Field("id", Kind.INTEGER, writable=False),
    Field("name", Kind.STRING, mandatory=True),
    Field("email", Kind.EMAIL),
    Field("note", Kind.TEXT),
    Field("created", Kind.DATETIME, writable=False),
    Field("changed", Kind.DATETIME, writable=False),
)
PEOPLE = Entity("people", FIELDS, replication_key="changed", creation_key="created", label_fields=("name",))


class SixthCrm(System):
    """The made-up Sixth CRM."""

    name: ClassVar[str] = "sixth"
    title: ClassVar[str] = "Sixth CRM"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("api_key", "string", "Key", "The key that an administrator made.", required=True, secret=True),
    )
    interface: ClassVar[str] = "/api"
    limits: ClassVar[Limits] = Limits(page_size=50)
    abilities: ClassVar[Abilities] = Abilities("people", "yes", "no", "create, update, delete")
    heartbeat = Request("GET", "Ask whether the server is up", "/people", query={"limit": "1"})

    def sign(self, request: Request, session: Session) -> Request:
        """The key goes along with each request."""
        return request.replace(headers={**request.headers, "X-Key": str(self.options["api_key"])})

    def read(self, request: Request, reply: Reply) -> Any:
        """JSON, or a refusal that the status tells."""
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise LogInRefused(f"{request.about}: the key is wrong", code=reply.code, hint="check `api_key`")
        if reply.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            raise Denied(f"{request.about}: the CRM denies this", code=reply.code, hint="check `url` and the rights")
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise Rejected(f"{request.about}: the CRM refuses this", code=reply.code)
        return decode_json(request, reply)

    def entities(self, call: Call) -> list[str]:
        """There is one."""
        return [PEOPLE.name]

    def describe(self, call: Call, name: str) -> Entity:
        """The server describes nothing, so the fields stand here; whether the user may see them, a look tells."""
        call(self.heartbeat)
        return PEOPLE

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """One list, by id; what was changed is asked for by the clock on the server's wall."""
        wall = since.astimezone(self.notation.zone) if since else None
        return [lambda call: map(Page, self._list(call, {"since": f"{wall:%Y-%m-%d %H:%M:%S}"} if wall else {}))]

    def _list(self, call: Call, query: Mapping[str, str]) -> Iterator[list[Row]]:
        def fetch(position: int, size: int) -> Part:
            place = {"offset": str(position), "limit": str(size)}
            shape = {"items": list, "total": is_whole_number}
            told = call(Request("GET", "people: list", "/people", query={**query, **place}, shape=shape))
            return Part(rows_in(told["items"], "people: list", PEOPLE.key), int(told["total"]))

        return Sliding(fetch, lambda row: str(row["id"]), about="people").pages(self.page_size, self.page_size)

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By its address."""
        try:
            told = call(Request("GET", "people: read one", f"/people/{identifier}"))
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
            return None
        return self._record(told, identifier)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """Any field is a filter."""
        query = {name: str(value) for name, value in self.encoded(entity, match).items()}
        return [row for rows in self._list(call, query) for row in rows]

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """Answered by the record."""
        body = self.encoded(entity, values)
        told = call(Request("POST", "people: create", "/people/create", json=body, repeatable=False))
        if not isinstance(told, dict) or not is_identifier(told.get("id")):
            raise OutcomeUnknown("people: create: the answer does not tell the record's id")
        return told

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """Answered by the record."""
        body, path = self.encoded(entity, values), f"/people/{current['id']}"
        return self._record(call(Request("PATCH", "people: change", path, json=body)), str(current["id"]))

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """Answered by nothing of interest."""
        call(Request("DELETE", "people: delete", f"/people/{identifier}", repeatable=False))

    @staticmethod
    def _record(told: Any, identifier: str) -> Row:
        return record_with(told, identifier, [field.name for field in FIELDS], "people: read one")
