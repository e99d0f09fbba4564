"""alfaCRM and its REST API v2 (``/v2api``): from the vendor's pages and about forty clients, not from a live tenant."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from crm_systems.alfacrm.answers import TOKEN, Answers
from crm_systems.alfacrm.lists import SYSTEM, Lists, address, branches_of, parent_of
from crm_systems.alfacrm.records import completed, encoded, is_wiped
from crm_systems.catalogue import catalogue
from crm_systems.errors import (
    ConfigError,
    CrmError,
    Denied,
    NotOffered,
    OutcomeUnknown,
    ProtocolError,
    Rejected,
    SessionExpired,
)
from crm_systems.kinds import Notation, Reader
from crm_systems.model import Abilities, Deletion, Limits, Request, Session, Setting
from crm_systems.rows import key_of, record_in
from crm_systems.system import System
from crm_systems.times import instant
from crm_systems.value_index import ValueIndex
from crm_systems.wire import is_empty, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Entity, Reply, Row, Walk

LOOKS = 2
"""How often a record is looked for before it is taken for absent: a list may be empty once that is not."""
DELETED = 3
"""The event of the log that is a deletion (one library)."""
NOT_FOUND = "HTTP 404"
UNPROVEN = frozenset({"company", "pay_type", "pipeline", "user", "customer_reject", "teacher_rate", "working_hour"}) | {
    *("mail_message", "phone_call", "sms_message")
}
"""Lists that no more than two clients call, so that a tenant may not have them; all others are everywhere."""


class AlfaCrm(System):
    """One tenant of alfaCRM."""

    name: ClassVar[str] = SYSTEM
    title: ClassVar[str] = "alfaCRM"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("email", "string", "E-mail", "The e-mail address of the CRM user.", required=True),
        Setting("api_key", "string", "API key", "The user's v2api key, from the profile.", required=True, secret=True),
        Setting("app_key", "string", "App key", "Sent as X-APP-KEY, for tenants that demand one.", secret=True),
        Setting("branches", "array", "Branches", "Ids of the branches to read and write. Default: all active ones."),
        Setting(
            "include_archived",
            "boolean",
            "Include archived",
            "Read archived clients, leads, groups and teachers as well.",
            default=True,
        ),
        Setting(
            "sub_lists",
            "array",
            "Sub-lists",
            "Entities to offer although they cost a request for each client: customer_tariff, communication.",
        ),
    )
    # The vendor asks for one request after the other; clients name a limit of 5 a second.
    limits: ClassVar[Limits] = Limits(page_size=200, requests_per_second=4)
    abilities: ClassVar[Abilities] = Abilities(
        reads="all entities, leads, archived and past records, custom fields",
        changes="clients, leads, groups, lessons, payments, log",
        deletions="where the user may read the log; else by comparison",
        writes="create, update, delete",
    )

    logs_deletions: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._zone = ZoneInfo(self.notation.timezone)
        self._lists = Lists(settings, self._zone, self.page_size)
        self._answers = Answers()
        # A look at what was changed meanwhile would cost a request for each branch and status before each record.
        self._index = ValueIndex(self.notation, looks_again=False)
        self._parents: dict[str, dict[str, dict[str, str]]] = {}
        self._homes: dict[tuple[str, ...], int] = {}
        self._updates_whole = False

    @cached_property
    def notation(self) -> Notation:
        """The tenant's wall clock: no value names its zone, and most tenants keep Moscow's time."""
        return Notation(timezone=self.options.get("timezone") or "Europe/Moscow")

    @property
    def heartbeat(self) -> Request:
        """One branch."""
        about, path = "Ask whether the server is up", "/v2api/branch/index"
        return Request("POST", about, path, json={"page": 0, "pageSize": 1})

    def log_in(self, call: Call) -> Session:
        """A token. How long it lives is not told: 15 minutes in older documents, an hour in newer ones.

        All connections share it, since a tenant may keep one a user.
        """
        known = self._answers
        if known.token in known.doubted and not self._is_good(call, known.token):
            known.ended.add(known.token)
        known.doubted.discard(known.token)
        if not known.token or known.token in known.ended:
            known.token = self._new_token(call)
        return Session({"token": known.token})

    def _is_good(self, call: Call, token: str) -> bool:
        """Whether a token still opens what every user of the interface may see."""
        ask = Request("POST", "branch: check the token", path="/v2api/branch/index", json={"page": 0, "pageSize": 1})
        try:
            call(self.sign(ask, Session({"token": token})))
        except SessionExpired:
            return False
        return True

    def _new_token(self, call: Call) -> str:
        access = {"email": self.options["email"], "api_key": self.options["api_key"]}
        answer = call(
            Request("POST", "Log-in", path="/v2api/auth/login", json=access, headers=self._headers(), repeatable=True)
        )
        token = answer.get("token") if isinstance(answer, dict) else None
        if not token:
            raise ProtocolError("Log-in: the server gives no token", hint="check `url`")
        return str(token)

    def sign(self, request: Request, session: Session) -> Request:
        """The token goes into a header of its own."""
        return replace(request, headers={**request.headers, **self._headers(), TOKEN: session.values["token"]})

    def _headers(self) -> dict[str, str]:
        app_key = self.options.get("app_key")
        return {"Accept": "application/json", **({"X-APP-KEY": str(app_key)} if app_key else {})}

    def read(self, request: Request, reply: Reply) -> Any:
        """The JSON of an answer; see :meth:`~crm_systems.alfacrm.answers.Answers.read`."""
        return self._answers.read(request, reply)

    def entities(self, call: Call) -> list[str]:
        """All that documents and clients know, but for costly sub-lists that nobody asked for."""
        self._lists.branches(call)
        known = catalogue(SYSTEM)
        costly = [name for name, each in known.items() if each.private.get("sub_list")]
        wanted = [str(name).replace("-", "_") for name in self.options.get("sub_lists") or ()]
        if not set(wanted) <= set(costly):
            raise ConfigError("`sub_lists` names what is no sub-list", hint=f"there are {', '.join(costly)}")
        return [name for name in known if name not in costly or name in wanted]

    def describe(self, call: Call, name: str) -> Entity:
        """What documents and clients know, and what a few pages show: nothing lists the custom fields.

        Raises:
            ProtocolError: a list that every tenant has is not found.
        """
        if name not in catalogue(SYSTEM):
            raise Denied(f"{name}: describe: alfaCRM is not known to have this")
        entity = catalogue(SYSTEM)[name]
        try:
            return completed(entity, self._lists.sample(call, entity))
        except Denied as error:
            if error.code == NOT_FOUND and name not in UNPROVEN:
                what = f"{name}: describe: the server does not find this list, which every tenant has"
                raise ProtocolError(what, code=error.code, hint="run again") from None
            raise

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """One walk through all branches, since it must know which rows another branch gave."""
        archived = self.options.get("include_archived") is not False
        return [
            lambda call: self._lists.walk(
                call,
                entity,
                self._lists.requests(call, entity, self._lists.changed_since(entity, since), archived=archived),
                since,
            )
        ]

    def tells_deletions(self, entity: Entity) -> bool:
        """Entities whose name in the log is known."""
        return bool(entity.private.get("log_class"))

    def deletions(self, call: Call, entity: Entity, since: datetime) -> Iterator[Deletion]:
        """By the log, but for records that are still there: a deletion may archive."""
        log, wanted = catalogue(SYSTEM)["log"], (entity.private["log_class"], str(DELETED))
        lists = self._lists.requests(call, log, {"entity": wanted[0], "event": DELETED})
        told: set[str] = set()
        try:
            for page in self._lists.walk(call, log, lists, since):
                # The filters are no more than two clients' word, so each row is looked at.
                found = [row for row in page.rows if (row.get("entity"), str(row.get("event"))) == wanted]
                for row in found:
                    gone = Deletion(str(row["entity_id"]), instant(row.get(log.replication_key or ""), self._zone))
                    if gone.identifier not in told and self.get(call, entity, gone.identifier) is None:
                        yield gone
                    told.add(gone.identifier)
        except Denied as error:
            raise NotOffered(
                "The CRM does not tell deletions: the user may not read the log", code=error.code
            ) from None

    def describe_login(self, session: Session) -> str:
        """The user's e-mail address."""
        return str(self.options["email"])

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By a list that is filtered by id, looked through in case the filter has no effect.

        A record of a sub-list can only be asked for by its parent, which is learnt by reading all of them once a run.
        """
        if not (identifier.isascii() and identifier.isdecimal()):
            return None
        if not entity.private.get("parents"):
            return self._one(call, entity, identifier)
        if entity.name not in self._parents:
            self._parents[entity.name] = {
                key_of(entity, row): parent_of(entity, row) or {} for row in self._all(call, entity)
            }
        parent = self._parents[entity.name].get(identifier)
        return self._one(call, entity, identifier, parent) if parent else None

    def _one(
        self,
        call: Call,
        entity: Entity,
        identifier: str,
        parent: Mapping[str, str] | None = None,
        branch: int | None = None,
    ) -> Row | None:
        for _look in range(LOOKS):
            asks = self._lists.requests(call, entity, {"id": int(identifier)}, parent=parent, branch=branch)
            rows = (row for page in self._lists.walk(call, entity, asks, is_look_up=True) for row in page.rows)
            found = next((row for row in rows if str(row["id"]) == identifier), None)
            if found:
                return found
        self._lists.confirm(call, entity)
        return None

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """By the filters that are known; what nothing filters by is read whole, once a run."""
        if any(is_empty(value) for value in match.values()):
            return []
        if "id" in match:
            found = self.get(call, entity, str(match["id"]))
            return [found] if found else []
        parent = parent_of(entity, match)
        filters = {name: _first(match[name]) for name in entity.private.get("filters", ()) if name in match}
        if not (parent or filters):
            keys = self._index.keys(entity, match, lambda _since: self._all(call, entity))
            return [row for key in keys if (row := self.get(call, entity, key))]
        typed = Reader(entity, self.notation)
        for _look in range(LOOKS):
            asks = self._lists.requests(call, entity, filters, parent=parent)
            rows = [row for page in self._lists.walk(call, entity, asks, is_look_up=True) for row in page.rows]
            if any(matches(entity, match, typed(row)) for row in rows):
                return rows
        self._lists.confirm(call, entity)
        return rows

    def _all(self, call: Call, entity: Entity) -> Iterator[Row]:
        for page in self._lists.walk(call, entity, self._lists.requests(call, entity)):
            yield from page.rows

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """In the branch of the record or of its parent, else in the first; read again, since the answer is an echo."""
        parent = parent_of(entity, values)
        branch = next(iter(branches_of(values)), 0) or self._home(call, entity, parent)
        body = {**entity.private.get("defaults", {}), **self.encoded(entity, values)}
        for name, own in (("branch_ids", [branch]), ("branch_id", branch)):
            if name in entity.private.get("implied", ()) and is_empty(body.get(name)):
                body[name] = own
        path, about = address(entity, branch, "create"), f"{entity.name}: create"
        answer = call(Request("POST", about, path=path, query=parent or {}, json=body, repeatable=False))
        echo = answer.get("model") if isinstance(answer, dict) else None
        if not isinstance(echo, dict) or not str(echo.get("id")).isdecimal() or not int(echo["id"]):
            raise OutcomeUnknown(f"{about}: the server does not say what it created")
        try:
            row = self._stored(call, entity, echo, parent, branch)
        except CrmError:
            # It is created: a reading that fails must not look like a create that did.
            row = echo
        return self._remembered(entity, row)

    def _home(self, call: Call, entity: Entity, parent: Mapping[str, str] | None) -> int:
        """The branch of the parent; the first where there is no parent or it tells none."""
        place = (entity.name, *(parent or {}).values())
        if place not in self._homes:
            specs = (spec for spec in entity.private.get("parents", ()) if spec["field"] in (parent or {}))
            spec = next(specs, None)
            row = self.get(call, catalogue(SYSTEM)[spec["entity"]], (parent or {})[spec["field"]]) if spec else None
            self._homes[place] = self._branch_in(call, row or {})
        return self._homes[place]

    def _branch_in(self, call: Call, row: Mapping[str, Any]) -> int:
        known = self._lists.branches(call)
        return next((each for each in branches_of(row) if each in known), known[0])

    def _stored(self, call: Call, entity: Entity, row: Row, parent: Mapping[str, str] | None, branch: int) -> Row:
        """A record as it is stored now; it may have moved to another branch."""
        identifier = str(row["id"])
        found = self._one(call, entity, identifier, parent, branch)
        return found or self._one(call, entity, identifier, parent) or row

    def _remembered(self, entity: Entity, row: Row) -> Row:
        self._index.note(entity, row)
        if entity.name in self._parents:
            self._parents[entity.name][str(row["id"])] = parent_of(entity, row) or {}
        return row

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """Sends what changes (as the vendor's samples do); the whole record where a tenant turns out to want that.

        One client believes that an update wipes what it is not given: it shows when fields that were not sent are
        missed by the server, which may not name them, or are all empty afterwards.
        """
        sent = self.encoded(entity, values)
        if not self._updates_whole:
            try:
                row = self._send_update(call, entity, current, sent)
            except Rejected as error:
                if error.field in sent:
                    raise
            else:
                if not is_wiped(entity, current, row, values):
                    return row
        typed = Reader(entity, self.notation)(current)
        writable = {name: value for name, value in typed.items() if (known := entity.field(name)) and known.writable}
        kept = {name: value for name, value in writable.items() if not is_empty(value) and name not in values}
        row = self._send_update(call, entity, current, {**self.encoded(entity, kept), **sent})
        self._updates_whole = True
        return row

    def _send_update(self, call: Call, entity: Entity, current: Row, body: Mapping[str, Any]) -> Row:
        parent, branch = parent_of(entity, current), self._branch_in(call, current)
        query = {"id": str(current["id"]), **(parent or {})}
        about = f"{entity.name}: update"
        answer = call(Request("POST", about, path=address(entity, branch, "update"), query=query, json=body))
        if "success" not in record_in(answer, about) and "model" not in answer:
            raise ProtocolError(f"{about}: the server does not say that it changed the record")
        return self._remembered(entity, self._stored(call, entity, current, parent, branch))

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """In the record's own branch; whether it is gone or archived then is not documented."""
        row = self.get(call, entity, identifier)
        if row is None:
            return
        query = {"id": identifier, **(parent_of(entity, row) or {})}
        path = address(entity, self._branch_in(call, row), "delete")
        call(Request("POST", f"{entity.name}: delete", path=path, query=query, json={}, repeatable=False))
        self._lists.forget(entity)

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Typed values by the names and in the forms of a write."""
        return encoded(entity, values, self.notation)


def _first(value: Any) -> Any:
    """A filter takes one value; of a list, any record that has all has the first."""
    return value[0] if isinstance(value, list) else value
