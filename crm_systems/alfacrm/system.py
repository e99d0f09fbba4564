"""alfaCRM and its REST API v2 (``/v2api``): from the vendor's pages and about forty clients, not from a live tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.alfacrm.answers import HEADER, Answers
from crm_systems.alfacrm.lists import SYSTEM
from crm_systems.alfacrm.records import completed
from crm_systems.alfacrm.settings import SETTINGS
from crm_systems.alfacrm.writing import AlfaCrmWriting
from crm_systems.catalogue import catalogue
from crm_systems.errors import NOT_FOUND, ConfigError, Denied, NotOffered, ProtocolError, SessionExpired
from crm_systems.kinds import Notation
from crm_systems.model import Abilities, Deletion, Limits, Request, Session
from crm_systems.times import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Entity, Reply, Setting, Walk

DELETED = 3
"""The event of the log that is a deletion (one library)."""


class AlfaCrm(AlfaCrmWriting):
    """One tenant of alfaCRM."""

    name: ClassVar[str] = SYSTEM
    title: ClassVar[str] = "alfaCRM"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    # The vendor asks for one request after the other; clients name a limit of 5 a second.
    limits: ClassVar[Limits] = Limits(page_size=200, requests_per_second=4)
    abilities: ClassVar[Abilities] = Abilities(
        reads="all entities, leads, archived and past records, custom fields",
        changes="clients, leads, groups, lessons, payments, log",
        deletions="where the user may read the log; else by comparison",
        writes="create, update, delete",
    )

    # No value names its zone, and most tenants keep Moscow's time.
    own_notation: ClassVar[Notation] = Notation("Europe/Moscow")
    adds_entities: ClassVar[str] = "sub_lists"
    deletions_by_stamps: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._answers = Answers()

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
        """Whether a token still opens what every user may see; some tenants answer 403 to one that has ended."""
        ask = self.heartbeat.replace(about="branch: check the token")
        try:
            call(self.sign(ask, Session({"token": token})))
        except (SessionExpired, Denied):
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
        return request.replace(headers={**request.headers, **self._headers(), HEADER: session.values["token"]})

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
            if error.code == NOT_FOUND and entity.private.get("always_there"):
                what = f"{name}: describe: the server does not find this list, which every tenant has"
                raise ProtocolError(what, code=error.code) from None
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
            for row in (row for page in self._lists.walk(call, log, lists, since) for row in page.rows):
                # The filters are no more than two clients' word.
                is_wanted = (row.get("entity"), str(row.get("event"))) == wanted
                if not (is_wanted and str(row.get("entity_id")).isdecimal()):
                    continue
                gone = Deletion(str(row["entity_id"]), instant(row.get(log.replication_key or ""), self.notation.zone))
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
