"""Vtiger CRM and its webservice (``webservice.php``): measured on 8.4.0, with 8.0.0 and coreBOS for comparison."""

from __future__ import annotations

import html
import json
import logging
import re
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from crm_systems.beside import CONTENT
from crm_systems.compiled import Envelope, compiled
from crm_systems.errors import (
    Denied,
    ProtocolError,
    Rejected,
    ServerFault,
    Unavailable,
)
from crm_systems.kinds import Notation
from crm_systems.model import BEYOND, Abilities, Deletion, Limits, Request, Session, Setting
from crm_systems.rows import fits, is_identifier
from crm_systems.sampling import together
from crm_systems.system import System
from crm_systems.times import earliest
from crm_systems.vtiger import leads, vtql, walks
from crm_systems.vtiger.answers import ID, is_vtiger_id, meaning
from crm_systems.vtiger.deletions import Sync
from crm_systems.vtiger.describe import DESCRIBED, INVENTORY, LINES, WITHOUT_INVENTORY, entity_of
from crm_systems.vtiger.doubles import naming_doubles
from crm_systems.vtiger.files import VtigerFiles, replace_file, with_file
from crm_systems.vtiger.lines import INTERNAL_ERRORS, replace_lines
from crm_systems.vtiger.login import Login
from crm_systems.vtiger.look_up import LookUp
from crm_systems.vtiger.relations import VtigerRelations
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from crm_systems.compiled import Pages
    from crm_systems.kinds import Reader
    from crm_systems.model import Call, Entity, Field, Reply, Row, Walk

HIDING = frozenset({"Calendar", "Events", "cbCalendar"})
"""Modules whose pages lack the rows that a user who is no administrator may not see (measured on 8.4.0)."""

LIST_MODULES = Request("GET", "List the modules", query={"operation": "listtypes"})
RECORD = {"id": is_vtiger_id}
PAGE = Envelope(rows="result", flag="success", besides="moreinfo", key=ID.pattern)
"""A page of rows; coreBOS tells more."""
COLUMN = re.compile(r"\w+", re.ASCII)

SAMPLE = 20
"""How many of the first and of the newest rows discovery looks at to learn which fields a query returns."""

logger = logging.getLogger("crm")


class Vtiger(VtigerFiles, VtigerRelations, System):
    """Vtiger CRM 7 and 8, and forks that kept its interface, such as coreBOS."""

    name: ClassVar[str] = "vtiger"
    title: ClassVar[str] = "Vtiger"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("username", "string", "User name", "The user's login name.", required=True),
        Setting(
            "access_key",
            "string",
            "Access key",
            "The Access Key from the user's My Preferences page; it is not the password.",
            required=True,
            secret=True,
        ),
    )
    interface: ClassVar[str] = "/webservice.php"
    limits: ClassVar[Limits] = Limits(page_size=vtql.SERVER_PAGE, parallel_requests=4)
    abilities: ClassVar[Abilities] = Abilities(
        reads="all modules, custom fields, line items, files, relations",
        changes="yes",
        deletions="where `sync` works, for administrators; else by comparison",
        writes="create, update, delete, convert leads; files, relations",
    )
    has_picklists: ClassVar[bool] = True
    looks_up_many: ClassVar[bool] = True
    reads_by_id: ClassVar[bool] = True
    logs_in_side_by_side: ClassVar[bool] = True
    internal_errors: ClassVar[frozenset[str]] = INTERNAL_ERRORS

    def __init__(self, settings: Mapping[str, Any]) -> None:
        System.__init__(self, settings)
        VtigerRelations.__init__(self, settings)
        self._administrator = False
        self._user = self._version = ""
        self._highest: int | None = None
        self._revise_decodes = True
        self._login = Login(settings)
        self._sync = Sync()
        self._looking = LookUp()
        self._shown: dict[str, Row] = {}
        """By module, a record that was there."""

    @property
    def base_address(self) -> str:
        """The address of ``webservice.php``, or of whatever it was renamed to."""
        address = str(self.options["url"]).rstrip("/")
        return address if address.endswith(".php") else address + self.interface

    @cached_property
    def notation(self) -> Notation:
        """UTC for every user (measured), unless an installation was set up otherwise."""
        return Notation(timezone=self.options.get("timezone") or "UTC", separator=" |##| ")

    @property
    def heartbeat(self) -> Request:
        """One user; a login would break another process's."""
        return vtql.ask("select id from Users limit 1;", "Ask whether the server is up", has_ids=False)

    def log_in(self, call: Call) -> Session:
        """By a challenge; learns what the user may see as well."""
        session, told = self._login.open(call)
        self._user = session.values["userId"]
        self._version = str(told.get("vtigerVersion") or "")
        self._administrator = self._is_administrator(call, session, told)
        return session

    def _is_administrator(self, call: Call, session: Session, login: Row) -> bool:
        """As the login says; where it does not (coreBOS, Vtiger 7), as the user's own record says.

        A user of whom it cannot be told is read as one from whom rows are hidden, which costs requests only.
        """
        if "is_admin" in login:
            return login["is_admin"] in ("on", "1", True)
        query = f"select is_admin from Users where id = {vtql.literal(session.values['userId'])};"
        try:
            rows = call(self.sign(vtql.ask(query, "Users: read the rights", has_ids=False), session))
        except (Denied, Rejected):
            return False
        return bool(rows) and rows[0].get("is_admin") in ("on", "1", True)

    def log_out(self, session: Session) -> Request:
        """A POST; by GET it is refused (measured)."""
        return Request("POST", "Log-out", form={"operation": "logout"}, patient=False)

    def sign(self, request: Request, session: Session) -> Request:
        """The session goes where the operation's parameters go: into the query of a GET, the form of a POST."""
        signed = {"sessionName": session.values["sessionName"]}
        if request.method == "GET":
            return replace(request, query={**request.query, **signed})
        return replace(request, form={**(request.form or {}), **signed})

    def read(self, request: Request, reply: Reply) -> Any:
        """The result, or the error by its code."""
        return meaning(request, reply)

    def entities(self, call: Call) -> list[str]:
        """All modules, custom ones and those that are no entities included."""
        return list(call(replace(LIST_MODULES, shape={"types": [str]}))["types"])

    def describe(self, call: Call, name: str) -> Entity:
        """Describe, and a few rows, since describe and query do not list the same fields (measured)."""
        query = {"operation": "describe", "elementType": name}
        request = Request("GET", f"{name}: describe", query=query, shape=DESCRIBED)
        described, sample = call(request), self._sample(call, name)
        if described.get("isEntity") and not all(is_identifier(row.get("id")) for row in sample or ()):
            raise ProtocolError(f"{name}: describe: the CRM gives records without their id", hint="run again")
        if sample:
            self._shown[name] = sample[0]
        entity = entity_of(described, sample)
        if name in INVENTORY and self._version in WITHOUT_INVENTORY:
            why = f"Vtiger {self._version} cannot create {name} through its interface, as 8.0 and 8.2 can"
            return replace(entity, creatable=False, why_not_creatable=why)
        return entity

    def recalled(self, entity: Entity) -> Entity | None:
        """With the replication key that all modules share; its ids' prefix is on the first row."""
        if entity.key != ("id",):
            return None
        stamp = "modifiedtime" if entity.field("modifiedtime") else None
        return replace(entity, replication_key=stamp, private={"prefix": "", "is_entity": True, "implied": ()})

    def _sample(self, call: Call, name: str) -> list[Row] | None:
        """Rows from both ends of a module; none where they cannot be looked at; None where the user may not query it.

        A record that breaks its page stands at one end, so a look waits for the server only where neither works.
        """
        look = partial(self._look, call, name)
        try:
            return together([partial(look, ""), partial(look, "order by id desc ")], partial(look, "", patient=True))
        except Denied:
            return None
        except (Rejected, Unavailable, ProtocolError) as error:
            logger.warning("%s %s is discovered as the CRM describes it, without a look at records.", error, name)
            return []

    def _look(self, call: Call, name: str, order: str, *, patient: bool = False) -> list[Row]:
        query = f"select * from {name} {order}limit {SAMPLE};"
        rows: list[Row] = call(vtql.ask(query, f"{name}: look at a few records", patient=patient, has_ids=False))
        return rows

    def straight(self, entity: Entity, reader: Reader) -> tuple[Entity, Pages | None]:
        """Pages of rows by id, of no more columns than are wanted where the server takes their names."""
        pages = compiled(reader, PAGE) if entity.key == ("id",) else None
        known, wanted = ([field.name for field in each.fields if field.readable] for each in (entity, reader.entity))
        # Of rows that hold more than is known, all is asked for, so that it can be told.
        can_choose = pages and known == wanted and entity.name not in INVENTORY
        columns = tuple(reader.values) if can_choose and all(map(COLUMN.fullmatch, reader.values)) else ()
        columns = columns if len(columns) < len(known) else ()
        private = {**entity.private, "decode": pages and pages.decode, "columns": columns}
        return replace(entity, private=private), pages

    def keys_alone(self, entity: Entity) -> Entity:
        """By a query for ids, where there are some."""
        columns = entity.key if entity.key == ("id",) else ()
        return replace(entity, private={**entity.private, "columns": columns, "decode": None})

    def _columns(self, call: Call, entity: Entity) -> str:
        """The wanted columns, if a look at one row gives just these; else all.

        Describe and query do not know the same fields, and one name too many fails a query (measured).
        """
        wanted = entity.private.get("columns")
        if not wanted or wanted == ("id",):
            return "id" if wanted else "*"
        query, about = f"select {','.join(wanted)} from {entity.name} limit 1;", f"{entity.name}: choose the columns"
        try:
            rows = call(vtql.ask(query, about, patient=False))
        except (Denied, Rejected, ServerFault, ProtocolError):
            return "*"
        return ",".join(wanted) if rows and set(rows[0]) == set(wanted) else "*"

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """By id. Without ids, or on a server that does not sort a module by them, all at once."""
        table = replace(self._table(entity, since), columns=self._columns(call, entity))
        if entity.key != ("id",):
            return [walks.everything(table)]
        try:
            newest = vtql.newest(call, table)
        except vtql.Unsorted:
            return [walks.everything(table)]
        if not table.prefix and newest:
            table = replace(table, prefix=newest[0].partition("x")[0])
        elif not table.prefix and (newest is None or table.hides_rows):
            prefix = self.describe(call, entity.name).private["prefix"]
            table = replace(table, prefix=prefix, witness=self._shown.get(entity.name))
        highest = BEYOND if newest is None else max(map(vtql.number_of, newest), default=0)
        if not highest and table.hides_rows:
            highest = self._highest_of_all(call)
        if not highest:
            vtql.vouch(call, table)
        left = entity.left or ((0, BEYOND),)
        return [walks.Keyset(table, low, highest, min(high, highest)) for low, high in left if low < highest]

    def _table(self, entity: Entity, since: datetime | None) -> vtql.Table:
        where = ""
        if since and entity.replication_key:
            where = f"{entity.replication_key} >= '{self.local(since)}'"
        return vtql.Table(
            entity.name,
            entity.private["prefix"],
            where,
            self.page_size,
            self.hides_rows(entity),
            witness=self._shown.get(entity.name),
            decode=entity.private.get("decode"),
            shard=entity.shard,
        )

    def hides_rows(self, entity: Entity) -> bool:
        """Whether pages of this entity may lack rows, or be empty, before the end."""
        return not self._administrator and entity.name in HIDING

    def local(self, since: datetime) -> str:
        """A lower bound as the server writes times; an hour earlier where the clocks are just being put back."""
        return earliest(since, ZoneInfo(self.notation.timezone)).strftime("%Y-%m-%d %H:%M:%S")

    def highest(self, call: Call, entity: Entity) -> int | None:
        """By one query: ids are drawn from one sequence (measured)."""
        if not entity.key or self.hides_rows(entity):
            return None
        try:
            found = vtql.top(call, self._table(entity, None))
        except vtql.Unsorted:
            return None
        return None if found == BEYOND else found

    def _highest_of_all(self, call: Call) -> int:
        """The highest id in any module: all entity modules draw from one sequence."""
        if self._highest is None:
            listed = call(replace(LIST_MODULES, shape={"information": {}}))
            modules = [
                name for name, facts in listed["information"].items() if fits(facts, {}) and facts.get("isEntity")
            ]
            found = [0]
            for module in modules:
                try:
                    found.append(vtql.top(call, vtql.Table(module, "", hides_rows=module in HIDING)))
                except (Denied, vtql.Unsorted):
                    continue
            self._highest = max((each for each in found if each < BEYOND), default=0)
        return self._highest

    def tells_deletions(self, entity: Entity) -> bool:
        """Entity modules only."""
        return self._sync.tells(entity)

    def deletions(self, call: Call, entity: Entity, since: datetime) -> Iterator[Deletion]:
        """By ``sync``."""
        return self._sync.deletions(call, entity, since)

    def describe_login(self, session: Session) -> str:
        """The user's name and id."""
        return f"{self.options['username']} ({session.values['userId']})"

    def page_of(self, entity: Entity, identifier: str) -> str:
        """Since version 6 each record of a module has a page of this address."""
        record = {"module": entity.name, "view": "Detail", "record": identifier.rpartition("x")[2]}
        return f"{self.base_address.rpartition('/')[0]}/index.php?{urlencode(record)}"

    def owners(self, call: Call) -> dict[str, str]:
        """Users and groups, as far as this user may list them; users win over groups of the same name.

        A user who may not list the users is known at least himself.
        """
        found: dict[str, str] = {}
        for module, name in (("Groups", "groupname"), ("Users", "user_name")):
            try:
                pages = list(walks.everything(vtql.Table(module, ""))(call))
            except Denied:
                continue
            rows = [row for page in pages for row in page.rows if is_identifier(row.get("id"))]
            found |= {str(row[name]): str(row["id"]) for row in rows if row.get(name)}
            found |= {str(row["id"]): str(row["id"]) for row in rows}
        return {self.options["username"]: self._user, self._user: self._user, **found} if self._user else found

    def encode(self, field: Field, value: Any) -> Any:
        """As :func:`~crm_systems.wire.encode`, but for the one boolean that is kept as on and off (measured)."""
        if field.name == "is_admin" and value is not None:
            return "on" if value else "off"
        return super().encode(field, value)

    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """By query, not retrieve, which denies a missing record as it denies a forbidden one."""
        if not re.fullmatch(rf"{entity.private['prefix']}x\d+", identifier):
            return None
        rows = self._look_up(call, entity, f"id = {vtql.literal(identifier)}")
        return next((row for row in rows if row.get("id") == identifier), None)

    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """By query; a value that VTQL cannot express, the empty text, finds nothing."""
        written = self.encoded(entity, match)
        if not all(written.values()):
            return []
        return self._look_up(
            call, entity, " and ".join(f"{name} = {vtql.literal(str(value))}" for name, value in written.items())
        )

    def find_many(self, call: Call, entity: Entity, name: str, values: Sequence[str]) -> list[Row]:
        """By queries with ``in``, none of them longer than a web server takes."""
        field = entity.field(name)
        written = [str(value if name == "id" or field is None else self.encode(field, value)) for value in values]
        if name == "id":
            written = [each for each in written if re.fullmatch(rf"{entity.private['prefix']}x\d+", each)]
        # Where rows are hidden after a page was cut, a page of many does not tell what it lacks.
        at_once = 1 if self.hides_rows(entity) else len(written)
        return [
            row
            for condition in vtql.among(name, filter(None, written), at_once)
            for row in self._look_up(call, entity, condition)
        ]

    def _look_up(self, call: Call, entity: Entity, condition: str) -> list[Row]:
        table = replace(self._table(entity, None), joins_lines=entity.name in INVENTORY)
        return self._looking.rows(call, table, condition)

    def remarks(self, entity: Entity, values: Mapping[str, Any]) -> Iterable[str]:
        """A file goes along with its document, or comes after it."""
        if values.get("filelocationtype") == "I" and CONTENT not in values:
            yield "«internal» documents are written without their file, which may follow as a stream of files"

    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """Leaves out what is empty; a task says that it is one, or it would live on as an event (measured)."""
        element = {name: value for name, value in self.encoded(entity, values).items() if not is_empty(value)}
        if entity.name == "Calendar":
            element.setdefault("activitytype", "Task")
        if element.get(LINES.name):
            element.setdefault("productid", element[LINES.name][0].get("productid"))
        files = with_file(entity, element)
        form = {"operation": "create", "elementType": entity.name, "element": json.dumps(element)}
        about = f"{entity.name}: create"
        with naming_doubles(entity, element):
            row: Row = call(Request("POST", about, form=form, files=files, repeatable=False, shape=RECORD))
        return row

    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """By ``revise``: ``update`` re-encodes texts that it was not given (measured).

        Revise decodes HTML entities before it stores a text (measured on 8.4.0), so they are sent encoded once more;
        on a server that turns out not to, they are sent again as they are.
        """
        plain = self.encoded(entity, values)
        if CONTENT in plain:
            return replace_file(call, entity, current, self._whole(call, entity, current), plain)
        if LINES.name in plain:
            return replace_lines(call, entity.name, {"id": current["id"], **plain})
        sent = {name: _shielded(value) for name, value in plain.items()} if self._revise_decodes else plain
        row = self._revise(call, entity, current, sent)
        if sent != plain and all(row.get(name) == value for name, value in sent.items() if value != plain[name]):
            self._revise_decodes = False
            row = self._revise(call, entity, current, plain)
        return row

    def _whole(self, call: Call, entity: Entity, current: Row) -> Row:
        """All of a record, to be written again."""
        return current

    def _revise(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        element = json.dumps({"id": current["id"], **values})
        form = {"operation": "revise", "element": element}
        with naming_doubles(entity, values):
            row: Row = call(Request("POST", f"{entity.name}: revise", form=form, shape=RECORD))
        return row

    def becomes(self, entity: Entity) -> tuple[str, ...]:
        """Leads alone."""
        return leads.BECOMES if entity.name == leads.LEADS else ()

    def convert(
        self,
        call: Call,
        entity: Entity,
        identifier: str,
        current: Row | None,
        values: Mapping[str, Any],
        made: Mapping[str, tuple[Entity, Mapping[str, Any]]],
    ) -> bool:
        """See :func:`~crm_systems.vtiger.leads.convert`; what is made gets the lead's owner unless another is given."""
        self._shown.pop(entity.name, None)
        owner = values.get(leads.OWNER) or (current or {}).get(leads.OWNER) or ""
        encoded = {name: self.encoded(of, its) for name, (of, its) in made.items()}
        return leads.convert(call, identifier, str(owner), encoded)

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """Moves the record into the recycle bin; a second time is denied and does no harm (measured)."""
        self._shown.pop(entity.name, None)
        form = {"operation": "delete", "id": identifier}
        call(Request("POST", f"{entity.name}: delete", form=form))


def _shielded(value: Any) -> Any:
    """A text that keeps its HTML entities when they are decoded once."""
    if isinstance(value, str) and html.unescape(value) != value:
        return value.replace("&", "&amp;")
    return value
