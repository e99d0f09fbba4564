"""Vtiger CRM and its webservice (``webservice.php``): measured on 8.4.0, with 8.0.0 and coreBOS for comparison."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from crm_systems.errors import Denied, ProtocolError, Rejected, Unavailable
from crm_systems.kinds import Notation
from crm_systems.model import Abilities, Deletion, Limits, Request, Session
from crm_systems.rows import is_identifier
from crm_systems.sampling import together
from crm_systems.system import VERSION
from crm_systems.vtiger import vtql, whole
from crm_systems.vtiger.answers import meaning
from crm_systems.vtiger.deletions import Sync
from crm_systems.vtiger.describe import DESCRIBED, INVENTORY, SECRET, WITHOUT_INVENTORY, entity_of
from crm_systems.vtiger.lines import INTERNAL_ERRORS
from crm_systems.vtiger.lists import LIST_MODULES
from crm_systems.vtiger.login import Login
from crm_systems.vtiger.relations import VtigerRelations
from crm_systems.vtiger.settings import SETTINGS
from crm_systems.vtiger.writing import VtigerWriting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Entity, Reply, Row, Setting

SAMPLE = 20
"""How many of the first and of the newest rows discovery looks at to learn which fields a query returns."""

logger = logging.getLogger("crm")


class Vtiger(VtigerRelations, VtigerWriting):
    """Vtiger CRM 7 and 8, and forks that kept its interface, such as coreBOS."""

    name: ClassVar[str] = "vtiger"
    title: ClassVar[str] = "Vtiger"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    interface: ClassVar[str] = "/webservice.php"
    limits: ClassVar[Limits] = Limits(page_size=vtql.SERVER_PAGE, parallel_requests=4)
    abilities: ClassVar[Abilities] = Abilities(
        reads="all modules, custom fields, line items, files, relations",
        changes="yes",
        deletions="where `sync` works, for administrators; else by comparison",
        writes="create, update, delete, convert leads; files, relations",
    )
    # UTC for every user (measured), unless an installation was set up otherwise.
    own_notation: ClassVar[Notation] = Notation("UTC", separator=" |##| ")
    has_picklists: ClassVar[bool] = True
    looks_up_many: ClassVar[bool] = True
    reads_by_id: ClassVar[bool] = True
    logs_in_side_by_side: ClassVar[bool] = True
    internal_errors: ClassVar[frozenset[str]] = INTERNAL_ERRORS
    denies_when_away: ClassVar[bool] = True  # measured on coreBOS: it knows no modules then
    withheld: ClassVar[frozenset[str]] = SECRET

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._user = ""
        self._login = Login(settings)
        self._sync = Sync()

    @property
    def base_address(self) -> str:
        """The address of ``webservice.php``, or of whatever it was renamed to."""
        address = str(self.options["url"]).rstrip("/")
        return address if address.endswith(".php") else address + self.interface

    @property
    def heartbeat(self) -> Request:
        """One user; a login would break another process's."""
        return vtql.ask("select id from Users limit 1;", "Ask whether the server is up", has_ids=False)

    def log_in(self, call: Call) -> Session:
        """By a challenge; learns what the user may see as well."""
        session, told = self._login.open(call)
        self._user = session.values["userId"]
        self._version = session.values[VERSION]
        self._administrator = self._is_administrator(call, session, told)
        self._sync.doubt(is_administrator=self._administrator, user=self._user, version=self._version)
        return session

    def _is_administrator(self, call: Call, session: Session, login: Row) -> bool:
        """As the login says; where it does not (coreBOS, Vtiger 7), as the user's own record says.

        A user of whom it cannot be told is read as one from whom rows are hidden, which costs requests only.
        """
        if "is_admin" in login:
            return login["is_admin"] in ("on", "1", True)
        query = f"select * from Users where id = {vtql.literal(session.values['userId'])};"
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
            return request.replace(query={**request.query, **signed})
        return request.replace(form={**(request.form or {}), **signed})

    def read(self, request: Request, reply: Reply) -> Any:
        """The result, or the error by its code."""
        return meaning(request, reply)

    def entities(self, call: Call) -> list[str]:
        """All modules, custom ones and those that are no entities included."""
        return list(call(LIST_MODULES.replace(shape={"types": [str]}))["types"])

    def describe(self, call: Call, name: str) -> Entity:
        """Describe, and a few rows, since describe and query do not list the same fields (measured)."""
        query = {"operation": "describe", "elementType": name}
        request = Request("GET", f"{name}: describe", query=query, shape=DESCRIBED)
        described, sample = call(request), self._sample(call, name)
        if described.get("isEntity") and not all(is_identifier(row.get("id")) for row in sample or ()):
            raise ProtocolError(f"{name}: describe: the CRM gives records without their id")
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
        return replace(entity, replication_key=stamp, private={"prefix": "", "is_entity": True})

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
                pages = list(whole.everything(vtql.Table(module, ""))(call))
            except Denied:
                continue
            rows = [row for page in pages for row in page.rows if is_identifier(row.get("id"))]
            found |= {str(row[name]): str(row["id"]) for row in rows if row.get(name)}
            found |= {str(row["id"]): str(row["id"]) for row in rows}
        return {self.options["username"]: self._user, self._user: self._user, **found} if self._user else found
