"""InTouch CRM and its REST interface, as far as the vendor documents it for versions 6.2 to 7.1.

What is documented is done to the letter; what is inferred says so, and is a setting where one could need it.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.catalogue import catalogue
from crm_systems.errors import (
    NOT_FOUND,
    OF_ONE_RECORD,
    ConfigError,
    Denied,
    LogInRefused,
    ProtocolError,
    Rejected,
    SessionExpired,
    Unavailable,
)
from crm_systems.intouch.answers import meaning
from crm_systems.intouch.around import Unreadable
from crm_systems.intouch.lists import Listing, code_lists, items_of
from crm_systems.intouch.records import completed, normalised, tied
from crm_systems.intouch.settings import ORIGINS, SETTINGS
from crm_systems.intouch.writing import InTouchWriting
from crm_systems.kinds import Notation
from crm_systems.model import Abilities, Kind, Limits, Page, Request, Session
from crm_systems.rows import fits
from crm_systems.sampling import choices_or_why_not, together
from crm_systems.times import is_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from crm_systems.model import Call, Entity, Reply, Row, Setting, Walk

logger = logging.getLogger("crm")

LARGEST_PAGE = 1000
"""The most rows that the server hands out at a time (documented)."""
SAMPLE = 250
"""How many of the newest and of the oldest records discovery looks at for fields that are not documented."""
LISTS_SAMPLED = 3
"""How many code lists it looks into."""
CODES = frozenset({"lists", "list_items"})
"""The entities that are code lists."""


class InTouch(InTouchWriting):
    """InTouch CRM 6.2 to 7.1."""

    name: ClassVar[str] = "intouch"
    title: ClassVar[str] = "InTouch CRM"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    interface: ClassVar[str] = "/api"
    # The vendor has rules of decent behaviour that could not be read; these numbers are inferred.
    limits: ClassVar[Limits] = Limits(page_size=LARGEST_PAGE, requests_per_second=2)
    abilities: ClassVar[Abilities] = Abilities(
        reads="all documented entities, undocumented fields by sampling",
        changes="yes",
        deletions="by comparison only",
        writes="create, update, link members",
    )
    # Categories in one text (documented).
    own_notation: ClassVar[Notation] = Notation("Europe/Prague", separator=",")

    @property
    def notation(self) -> Notation:
        """Local times without a zone (documented): as it is set or usual, until the server's is known."""
        return self._told_notation or super().notation

    @property
    def page_size(self) -> int:
        """At most what the server hands out."""
        return min(super().page_size, LARGEST_PAGE)

    @property
    def heartbeat(self) -> Request:
        """The code lists, which no broken record is among."""
        return Request("GET", "Ask whether the server is up", "/lists")

    def log_in(self, call: Call) -> Session:
        """There is no session; one request shows whether address, name and password are right, and tells the time.

        A list that is broken or refused says nothing of that, so another one is asked then.
        """
        one = Request("GET", "Log-in", "/parties", query={"size": "1"}, patient=False)
        for ask, patient in ((one, False), (self.heartbeat.replace(about="Log-in"), True)):
            try:
                told = call(self.sign(ask, Session()))
                if ask is one and fits(told, {"items": list}):
                    self._shown.setdefault(("parties", 0), len(told["items"]))
            except Unavailable:
                if patient:
                    raise
                continue
            except Rejected:
                pass
            except SessionExpired as error:
                what, hint = "Log-in: user name or password is wrong", "check `username` and `password`"
                raise LogInRefused(what, code=error.code, hint=hint) from None
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
        return request.replace(headers={**request.headers, "Authorization": f"Basic {proof}"})

    def read(self, request: Request, reply: Reply) -> Any:
        """See :func:`~crm_systems.intouch.answers.meaning`."""
        return meaning(request, reply)

    def entities(self, call: Call) -> list[str]:
        """What the documentation has in any version; whether this one has it, describing shows.

        Raises:
            ConfigError: the setting `code_lists` names another.
        """
        known = list(catalogue(self.name))
        for place in self.options["code_lists"] or ():
            entity, _, field = place.partition(".")
            if entity not in known or not field:
                hint = f"write entity.field, as in opportunities.stage; there are {', '.join(known)}"
                raise ConfigError(f"`code_lists` names {place}, which is no field of an entity", hint=hint)
        return known

    def describe(self, call: Call, name: str) -> Entity:
        """The documented fields, those that records show, and the values of code lists.

        A list that answers 404 is one that this version does not have: the entity is not readable.

        Raises:
            Denied: no version has it.
            ProtocolError: a list that every version has is not found.
        """
        if name not in catalogue(self.name):
            raise Denied(f"{name}: describe: InTouch CRM is not known to have this")
        entity = catalogue(self.name)[name]
        try:
            rows = self._sample(call, entity)
        except Denied as error:
            if error.code != NOT_FOUND:
                raise
            if entity.private.get("always_there"):
                what = f"{name}: describe: the server does not find this list, which every version has"
                raise ProtocolError(what, code=error.code) from None
            return replace(entity, readable=False, creatable=False, updatable=False)
        entity = completed(entity, rows, self.options["contact_details"])
        if any(field.kind is Kind.DATETIME for field in entity.fields):
            self._learn_zone(call)
        entity = self._with_choices(call, entity)
        return replace(entity, creatable=False) if name == "members" and self._linking == "off" else entity

    def _with_choices(self, call: Call, entity: Entity) -> Entity:
        """The entity with the values of the code lists that the settings tie to its fields."""
        for place, code in (self.options["code_lists"] or {}).items():
            resource, _, field = place.partition(".")
            if resource != entity.name:
                continue
            if entity.field(field) is None:
                logger.warning("`code_lists` names %s, a field that no record shows.", place)
                continue
            items, why_not = choices_or_why_not(partial(self._choices_of, call, place, str(code)))
            entity = tied(entity, field, items) if items else entity
            entity = replace(entity, lacks_choices=entity.lacks_choices or why_not)
        return entity

    @staticmethod
    def _choices_of(call: Call, place: str, code: str) -> list[Row]:
        """The items of a list that a field is tied to.

        Raises:
            ConfigError: the setting names one that the CRM does not show.
        """
        try:
            return items_of(call, code)
        except Denied as error:
            if ORIGINS.get(place) == code:
                raise
            what = f"`code_lists` names {code}, a list that the CRM does not show to this user"
            raise ConfigError(what, code=error.code, hint="the stream `lists` has the codes") from None

    def _learn_zone(self, call: Call) -> None:
        """Asks once for the zone of the server's clock, which it tells itself (documented), unless that is set."""
        with self._learning:
            if self._told_notation or self.options["timezone"]:
                return
            zone, code = self.own_notation.timezone, ""
            try:
                told = call(Request("GET", "Ask for the time zone", "/about"))
            except (ConfigError, *OF_ONE_RECORD) as error:
                told, code = None, error.code
            if isinstance(told, dict) and is_zone(told.get("timeZone")):
                zone = told["timeZone"]
            else:
                logger.warning(
                    "The CRM does not tell the time zone of its clock%s, so its times are taken for those of %s: "
                    "set `timezone` to the right one.",
                    f" ({code})" if code else "",
                    zone,
                )
            self._told_notation = replace(self.own_notation, timezone=zone)

    def _sample(self, call: Call, entity: Entity) -> list[Row]:
        if entity.name == "lists":
            return code_lists(call)
        if entity.name == "list_items":
            return together(partial(items_of, call, each["id"]) for each in code_lists(call)[:LISTS_SAMPLED])
        return self._lists_of(entity, partial(self._one, call, entity)).sample(call, min(SAMPLE, self.page_size))

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """One walk: by id in full, or newest first down to ``since``."""

        def walk(call: Call) -> Iterator[Page]:
            for rows in self._rows(call, entity, since, partial(self._one, call, entity)):
                read = [normalised(row) for row in rows if not isinstance(row, Unreadable)]
                yield Page(read, tuple(str(row["id"]) for row in rows if isinstance(row, Unreadable)))

        return [walk]

    def announced(self, entity: Entity) -> int | None:
        """The totals of its lists, as they were when they were last looked at."""
        return sum(total for (name, _type), total in self._shown.items() if name == entity.name) or None

    def highest(self, call: Call, entity: Entity) -> int | None:
        """By the list, newest first; that ids grow is inferred from their being numbers that the server gives."""
        if entity.key != ("id",) or entity.name in CODES:
            return None
        listing = Listing(call, entity.name, order_by="id", newest_first=True)
        newest = [row.get("id") for row in listing.fetch(0, 2).rows]
        numbers = [each for each in newest if isinstance(each, int)]
        falls = listing.is_ordered and numbers == newest == sorted(numbers, reverse=True)
        return max(numbers, default=0) if falls else None
