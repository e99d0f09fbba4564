"""InTouch CRM and its REST interface, as far as the vendor documents it for versions 6.2 to 7.1.

What is documented is done to the letter; what is inferred says so, and is a setting where one could need it.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from crm_systems.catalogue import catalogue
from crm_systems.errors import (
    ConfigError,
    CrmError,
    Denied,
    NotOffered,
    OutcomeUnknown,
    ProtocolError,
    Rejected,
    Unavailable,
)
from crm_systems.intouch.answers import NOT_ALLOWED, NOT_FOUND, meaning
from crm_systems.intouch.lists import Listing, Lists, all_items, code_lists, items_of
from crm_systems.intouch.records import as_json, completed, merged, normalised, tied, with_contacts
from crm_systems.intouch.settings import SETTINGS
from crm_systems.kinds import Notation
from crm_systems.model import Abilities, Limits, Page, Request, Session
from crm_systems.rows import fits, is_identifier, key_of, record_with
from crm_systems.sampling import choices_or_why_not, together
from crm_systems.system import System
from crm_systems.value_index import ValueIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Entity, Reply, Row, Setting, Walk

LARGEST_PAGE = 1000
"""The most rows that the server hands out at a time (documented)."""
SAMPLE = 250
"""How many of the newest and of the oldest records discovery looks at for fields that are not documented."""
LISTS_SAMPLED = 3
CODES = frozenset({"lists", "list_items"})
EVERYWHERE = CODES | {"parties", "opportunities"}
"""What the documentation has since the oldest version."""


class InTouch(System):
    """InTouch CRM 6.2 to 7.1."""

    name: ClassVar[str] = "intouch"
    title: ClassVar[str] = "InTouch CRM"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    interface: ClassVar[str] = "/api"
    # The vendor has rules of decent behaviour that could not be read; these numbers are inferred.
    limits: ClassVar[Limits] = Limits(page_size=LARGEST_PAGE, requests_per_second=2)
    abilities: ClassVar[Abilities] = Abilities(
        reads="ten entities, undocumented fields by sampling",
        changes="yes",
        deletions="by comparison only",
        writes="create, update, link members",
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._index = ValueIndex(self.notation, looks_again=True)
        self._without_patch: set[str] = set()
        self._members: dict[str, Row] | None = None
        self._shown: dict[tuple[str, int], int] = {}

    @cached_property
    def notation(self) -> Notation:
        """Local times without a zone; categories in one text (both documented)."""
        return Notation(timezone=self.options.get("timezone") or "Europe/Prague", separator=",")

    @property
    def page_size(self) -> int:
        """At most what the server hands out."""
        return min(super().page_size, LARGEST_PAGE)

    @property
    def heartbeat(self) -> Request:
        """One party."""
        return Request("GET", "Ask whether the server is up", "/parties", query={"size": "1"})

    def log_in(self, call: Call) -> Session:
        """There is no session; one request shows whether address, name and password are right, and tells the time.

        A list that is broken or refused says nothing of that, so another one is asked then.
        """
        for path, patient in (("/parties", False), ("/lists", True)):
            try:
                told = call(self.sign(replace(self.heartbeat, about="Log-in", path=path, patient=patient), Session()))
                if path == self.heartbeat.path and fits(told, {"items": list}):
                    self._shown.setdefault(("parties", 0), len(told["items"]))
            except Unavailable:
                if patient:
                    raise
                continue
            except Rejected:
                pass
            except Denied as error:
                if error.code == NOT_FOUND:
                    raise ConfigError(
                        "Log-in: there is no InTouch CRM at this address",
                        code=error.code,
                        hint="set `url` to the CRM's address, with the path that it sits at, if there is one",
                    ) from None
            break
        return Session()

    def sign(self, request: Request, session: Session) -> Request:
        """HTTP Basic in each request."""
        proof = b64encode(f"{self.options['username']}:{self.options['password']}".encode()).decode()
        return replace(request, headers={**request.headers, "Authorization": f"Basic {proof}"})

    def read(self, request: Request, reply: Reply) -> Any:
        """See :func:`~crm_systems.intouch.answers.meaning`."""
        return meaning(request, reply)

    def entities(self, call: Call) -> list[str]:
        """What the documentation has in any version; whether this one has it, describing shows."""
        return list(catalogue(self.name))

    def describe(self, call: Call, name: str) -> Entity:
        """The documented fields, those that records show, and the values of code lists.

        A list that answers 404 is one that this version does not have: the entity is not readable.

        Raises:
            ProtocolError: a list that every version has is not found.
        """
        entity = catalogue(self.name)[name]
        try:
            rows = self._sample(call, entity)
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
            if name in EVERYWHERE:
                what = f"{name}: describe: the server does not find this list, which every version has"
                raise ProtocolError(what, code=error.code, hint="run again") from None
            return replace(entity, readable=False, creatable=False, updatable=False)
        entity = completed(entity, rows, self.options["contact_details"])
        for place, code in (self.options["code_lists"] or {}).items():
            resource, _, field = place.partition(".")
            if resource == name:
                items, why_not = choices_or_why_not(partial(items_of, call, str(code)))
                entity = tied(entity, field, items) if items else entity
                entity = replace(entity, lacks_choices=entity.lacks_choices or why_not)
        return replace(entity, creatable=False) if name == "members" and self._linking == "off" else entity

    def _sample(self, call: Call, entity: Entity) -> list[Row]:
        if entity.name == "lists":
            return code_lists(call)
        if entity.name == "list_items":
            return together(partial(items_of, call, each["id"]) for each in code_lists(call)[:LISTS_SAMPLED])
        return self._reading(entity).sample(call, min(SAMPLE, self.page_size))

    @property
    def _linking(self) -> str:
        return str(self.options["member_linking"])

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """One walk: by id in full, or newest first down to ``since``."""

        def walk(call: Call) -> Iterator[Page]:
            for rows in self._rows(call, entity, since):
                yield Page([normalised(row) for row in rows])

        return [walk]

    def announced(self, entity: Entity) -> int | None:
        """The totals of its lists, as they were when they were last looked at."""
        return sum(total for (name, _type), total in self._shown.items() if name == entity.name) or None

    def _rows(self, call: Call, entity: Entity, since: datetime | None) -> Iterator[list[Row]]:
        lists = self._reading(entity)
        if entity.name == "lists":
            yield code_lists(call)
        elif entity.name == "list_items":
            yield from all_items(call)
        elif since and entity.replication_key:
            yield from lists.changed(call, since)
        else:
            yield from lists.everything(call)

    def _reading(self, entity: Entity) -> Lists:
        types = self.options["case_types"] or () if entity.name == "buscases" else ()
        return Lists(entity, tuple(map(int, types)), self.page_size, ZoneInfo(self.notation.timezone), self._shown)

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By its address; where that is not found although the list has the record, from the list.

        Single addresses are documented for every resource but memberships and, for certain, invoices.
        """
        if entity.name == "members":
            return self._all_members(call, entity).get(identifier)
        if not (identifier.isascii() and identifier.isdigit()):
            return None
        try:
            return normalised(self._one(call, entity, identifier))
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
        if not self._matching_keys(call, entity, {"id": int(identifier)}):
            return None
        pages = self._rows(call, entity, None)
        return next((normalised(row) for rows in pages for row in rows if str(row.get("id")) == identifier), None)

    def _one(self, call: Call, entity: Entity, identifier: str) -> Row:
        """By its address."""
        about = f"{entity.name}: read one"
        told = call(Request("GET", about, f"/{entity.name}/{identifier}"))
        return record_with(told, identifier, [field.name for field in entity.fields], about)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """No list can be searched: all records are read once and remembered, and what changed since is read each time.

        Memberships are read once only, since they tell no time (the vendor means their list for that).
        """
        if entity.name == "members":
            wanted = {name: str(value) for name, value in match.items()}
            rows = self._all_members(call, entity).values()
            return [row for row in rows if all(str(row.get(name)) == value for name, value in wanted.items())]
        found = (self.get(call, entity, key) for key in self._matching_keys(call, entity, match))
        return [row for row in found if row is not None]

    def highest(self, call: Call, entity: Entity) -> int | None:
        """By the list, newest first; that ids grow is inferred from their being numbers that the server gives."""
        if entity.key != ("id",) or entity.name in CODES:
            return None
        listing = Listing(call, entity.name, order_by="id", newest_first=True)
        newest = [row.get("id") for row in listing.fetch(0, 2).rows]
        numbers = [each for each in newest if isinstance(each, int)]
        falls = listing.is_ordered and numbers == newest == sorted(numbers, reverse=True)
        return max(numbers, default=0) if falls else None

    def _matching_keys(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[str]:
        def load(since: datetime | None) -> Iterator[Row]:
            return (normalised(row) for rows in self._rows(call, entity, since) for row in rows)

        return self._index.keys(entity, match, load)

    def _all_members(self, call: Call, entity: Entity) -> dict[str, Row]:
        if self._members is None:
            rows = [row for rows in self._rows(call, entity, None) for row in rows]
            self._members = {key_of(entity, row): row for row in rows}
        return self._members

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """A POST without id; a membership by ``connect-member``."""
        body = self.encoded(entity, with_contacts(entity, values, {}))
        if entity.name == "members":
            return self._link(call, entity, body)
        request = Request("POST", f"{entity.name}: create", f"/{entity.name}", json=body, repeatable=False)
        return self._written(call, entity, call(request), f"{entity.name}: create")

    def _link(self, call: Call, entity: Entity, body: dict[str, Any]) -> Row:
        """Links an organisation and a member; the vendor documents only that this can be done."""
        path = "/parties/connect-member"
        if self._linking == "path":
            path = f"/parties/{body['org']}/connect-member/{body['member']}"
        told = call(Request("POST", "members: link", path, json=body, repeatable=False))
        if told is not None and not isinstance(told, dict):
            raise OutcomeUnknown("members: link: the answer is no record")
        is_link = all(str((told or {}).get(name)) == str(body[name]) for name in entity.key)
        row: Row = {**body, **told} if is_link and told else body
        if self._members is not None:
            self._members[key_of(entity, row)] = row
        return row

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """PATCH with the changed fields; where that is not offered, PUT with the whole record as it is now."""
        changed = merged(entity, with_contacts(entity, values, current), current)
        body = self.encoded(entity, changed)
        about, path = f"{entity.name}: change", f"/{entity.name}/{current['id']}"
        if entity.name not in self._without_patch:
            try:
                return self._written(call, entity, call(Request("PATCH", about, path, json=body)), about, current["id"])
            except (Rejected, Denied) as error:
                if error.code not in {NOT_ALLOWED, NOT_FOUND}:
                    raise
        whole = self._one(call, entity, str(current["id"]))
        told = call(Request("PUT", about, path, json={**whole, **body}))
        self._without_patch.add(entity.name)
        return self._written(call, entity, told, about, current["id"])

    def _written(self, call: Call, entity: Entity, told: Any, about: str, identifier: Any = None) -> Row:
        """The record as it was stored (documented as the answer to each write), else as it is read now.

        Raises:
            OutcomeUnknown: the answer to a create does not tell the id.
            ProtocolError: that to a change is another record, or none and no object.
        """
        if identifier is not None and told is not None:
            names = [field.name for field in entity.fields]
            is_bare_yes = isinstance(told, dict) and not any(name in names for name in told)
            with suppress(ProtocolError) if is_bare_yes else nullcontext():
                told = record_with(told, str(identifier), names, about)
        number = told.get("id", identifier) if isinstance(told, dict) else identifier
        if not is_identifier(number) or not str(number).strip("0"):
            raise OutcomeUnknown(f"{about}: the answer does not tell the record's id")
        is_record = isinstance(told, dict) and is_identifier(told.get("id")) and len(told) > 1
        row = normalised(told) if is_record else self._read_back(call, entity, number)
        self._index.note(entity, row)
        return row

    def _read_back(self, call: Call, entity: Entity, number: Any) -> Row:
        """A record that was just written; what cannot be read now was written nevertheless."""
        with suppress(CrmError):
            return self.get(call, entity, str(number)) or {"id": number}
        return {"id": number}

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """Not documented, and so not done.

        Raises:
            NotOffered: always.
        """
        raise NotOffered(f"{entity.name}: the CRM documents no deletion")

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """JSON, with the numbers of code lists as numbers."""
        numbers = entity.private.get("numbers", ())
        fields = {field.name: field for field in entity.fields}
        return {
            name: as_json(fields[name], value, self.notation, as_number=name in numbers)
            for name, value in values.items()
        }
