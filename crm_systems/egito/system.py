"""Egito (egito.pl) and its REST interface, of which the vendor documents one page.

What is documented is done to the letter; what is inferred is a setting with a default, or found out from the tenant.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.catalogue import catalogue
from crm_systems.egito.answers import meaning
from crm_systems.egito.lists import Listed, Lists, Source, part_of
from crm_systems.egito.login import token
from crm_systems.egito.look_up import DICTIONARY
from crm_systems.egito.records import DAY, MINUTE, completed, dictionary_of, identified, normaliser, tied
from crm_systems.egito.settings import SETTINGS
from crm_systems.egito.writing import EgitoWriting
from crm_systems.errors import NOT_FOUND, ConfigError, Denied, ProtocolError, Rejected, ServerFault
from crm_systems.kinds import Notation
from crm_systems.model import Abilities, Entity, Limits, Page, Request, Session
from crm_systems.rows import is_identifier, missing_key
from crm_systems.sampling import choices_or_why_not, together
from crm_systems.times import earliest, instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crm_systems.model import Call, Reply, Row, Setting, Walk

logger = logging.getLogger("crm")

TYPES = ("Lead", "Account", "Contact", "Opportunity")
"""The types that the documentation names, beside the dictionaries."""
SAMPLE = 20
"""How many records discovery gets one by one where lists give only a part of their fields."""
MOST_BROKEN = 10
"""How many records of a page may be none that the server hands out before one is; then it hands out none."""
NOBODYS = str(2**31 - 1)
"""An id that no record has."""
TRIED = 3
"""How many it gets to see whether they do; the server may break over one of them."""


class Egito(EgitoWriting):
    """A tenant of Egito."""

    name: ClassVar[str] = "egito"
    title: ClassVar[str] = "Egito"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    # No limit is documented; these numbers are inferred.
    limits: ClassVar[Limits] = Limits(page_size=200, requests_per_second=2)
    abilities: ClassVar[Abilities] = Abilities(
        reads="the documented types, others by setting, dictionaries",
        changes="all is read, what was changed is given",
        deletions="by comparison only",
        writes="create, update",
    )
    # Times without a zone are Polish (inferred).
    own_notation: ClassVar[Notation] = Notation("Europe/Warsaw")
    adds_entities: ClassVar[str] = "types"
    has_picklists: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._lists = Lists(self.options["paging"])
        self._dictionaries: dict[str, list[Row]] = {}
        self._longest: int | None = None
        self._breaks: dict[str, bool] = {}
        """By type, whether the server breaks over ids that no record has."""
        self._latest: tuple[bytes, Any] | None = None

    @property
    def heartbeat(self) -> Request:
        """A dictionary that is documented."""
        return self._question(f"{DICTIONARY}/list", "Ask whether the server is up", {"type": "industry"})

    def log_in(self, call: Call) -> Session:
        """See :func:`~crm_systems.egito.login.token`."""
        return Session({"token": token(call, self.options)})

    def sign(self, request: Request, session: Session) -> Request:
        """The token goes into a header."""
        authorization = f"Bearer {session.values['token']}"
        return request.replace(headers={**request.headers, "Authorization": authorization})

    def read(self, request: Request, reply: Reply) -> Any:
        """See :func:`~crm_systems.egito.answers.meaning`.

        The same bytes mean the same as a moment ago: a list that a parameter has no effect on comes once more.
        """
        told_before, body = self._latest, reply.body
        if reply.status == HTTPStatus.OK and told_before and told_before[0] == body:
            return told_before[1]
        told = meaning(request, reply)
        self._latest = body, told
        return told

    def entities(self, call: Call) -> list[str]:
        """The documented types, those of the setting, and the dictionaries."""
        return list(dict.fromkeys((*TYPES, *map(str, self.options["types"] or ()), DICTIONARY)))

    def describe(self, call: Call, name: str) -> Entity:
        """What is documented, what records show, and the values of the dictionaries that fields are tied to.

        A type that answers 404 does not exist in this tenant: the entity is not readable.

        Raises:
            ConfigError: it does not exist, or is not shown to the user, and the settings name it.
        """
        the_id = catalogue(self.name)["Account"].fields[:1]
        base = catalogue(self.name).get(name) or Entity(name, the_id, deletable=False)
        try:
            rows, short = self._sample(call, base)
        except Denied as error:
            if name in (self.options["types"] or ()):
                raise ConfigError(f"`types` names {name}, which the CRM does not offer to this user") from error
            if error.code != NOT_FOUND:
                raise
            return replace(base, readable=False, creatable=False, updatable=False)
        entity = completed(base, rows, self.options["modified_field"], self.notation.zone, self.entities(call))
        entity = replace(entity, private={**entity.private, "short": short})
        for field in entity.fields:
            code = dictionary_of(name, field.name, self._codes)
            if code:
                rows, why_not = choices_or_why_not(partial(self._dictionary, call, code))
                known = [row for row in rows if is_identifier(row.get("id"))]
                entity = replace(tied(entity, field.name, known), lacks_choices=entity.lacks_choices or why_not)
        return entity

    @property
    def _codes(self) -> list[str]:
        return [str(code) for code in self.options["dictionaries"] or ()]

    def _dictionary(self, call: Call, code: str) -> list[Row]:
        """The rows of a dictionary, read once, each with what identifies it."""
        if code not in self._dictionaries:
            listed = self._pages(call, catalogue(self.name)[DICTIONARY], code)
            rows = identified([row for rows in listed for row in rows])
            self._dictionaries[code] = [{**row, "type": code} for row in rows]
        return self._dictionaries[code]

    def _sample(self, call: Call, entity: Entity) -> tuple[list[Row], bool]:
        """Records to learn from, and whether a list tells only a part of each."""
        if entity.name == DICTIONARY:
            return together(partial(self._dictionary, call, code) for code in self._codes), False
        rows = next(self._pages(call, entity), [])
        if not rows or self.options["details"] == "list":
            return rows, False
        listed = {name for row in rows for name in row}
        keyed = list(islice((row for row in rows if not missing_key(entity.key, row)), SAMPLE))
        shown = {name for row in self._details(call, entity, keyed[:TRIED]) for name in row}
        if self.options["details"] == "get" or not shown <= listed:
            return self._details(call, entity, keyed) or rows, True
        return rows, False

    def _details(self, call: Call, entity: Entity, listed: list[Row]) -> list[Row]:
        """What ``get`` tells of some records; nothing where it is not offered, which leaves what their list tells.

        Raises:
            Unavailable: the server fails over each of them.
        """
        try:
            return together(partial(self._sample_of, call, entity, str(row.get("id"))) for row in listed)
        except Denied:
            return []
        except Rejected as error:
            logger.warning("%s %s is discovered as its list shows it.", error, entity.name)
            return []

    def _sample_of(self, call: Call, entity: Entity, identifier: str) -> list[Row]:
        return [row for row in [self._one(call, entity, identifier)] if row]

    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """The whole list; no filter is documented, so rows that did not change are left out here."""
        codes = self._codes if entity.name == DICTIONARY else [""]
        return [partial(self._walk, entity, since, code) for code in codes]

    def _walk(self, entity: Entity, since: datetime | None, code: str, call: Call) -> Iterator[Page]:
        untold: set[str] = set()
        for listed in [self._dictionary(call, code)] if code else self._pages(call, entity):
            page = self._in_full(call, entity, listed) if entity.private.get("short") else Page(listed)
            untold.update(page.unreadable)
            rows = list(map(normaliser(entity, self.notation.zone), page.rows))
            if since and entity.replication_key:
                bound = earliest(since, self.notation.zone)
                rows = [row for row in rows if self._is_since(row.get(entity.replication_key), bound)]
            yield Page(rows)
        if untold:
            # One that was deleted meanwhile is not in the list any more.
            still = {str(row.get("id")) for rows in self._pages(call, entity) for row in rows}
            yield Page([], tuple(sorted(untold & still)))

    def keys_alone(self, entity: Entity) -> Entity:
        """As the list shows them, also where it tells only a part of each record."""
        return replace(entity, private={**entity.private, "short": False})

    def ids(self, call: Call, entity: Entity, since: datetime | None) -> Iterator[str]:
        """All, since a list may not tell when its records were changed."""
        yield from super().ids(call, entity, None)

    def _in_full(self, call: Call, entity: Entity, listed: list[Row]) -> Page:
        """Each record of a page; a row without an id stays as it is, and ids that give nothing are told.

        Raises:
            ServerFault: the server breaks over one record after the other.
        """
        rows: list[Row] = []
        untold: list[str] = []
        for row in listed:
            whole: Row = {}
            try:
                whole = self._one(call, entity, str(row["id"])) if is_identifier(row.get("id")) else row
            except Rejected:
                pass
            except ServerFault:
                if not rows and len(untold) >= MOST_BROKEN:
                    raise
            rows += [whole] if whole else []
            untold += [] if whole else [str(row["id"])]
        return Page(rows, tuple(untold))

    def _is_since(self, told: Any, bound: datetime) -> bool:
        """Whether a record was changed at or after ``bound``, in the zone here; one that tells no time may be."""
        time = instant(told, self.notation.zone)
        if len(str(told)) <= MINUTE:
            bound = bound.replace(second=0)
        if len(str(told)) <= DAY:
            bound = bound.replace(hour=0, minute=0)
        return time is None or time >= bound

    def _pages(self, call: Call, entity: Entity, code: str = "") -> Iterator[list[Row]]:
        """The rows of a list, or of one dictionary, as the CRM gives them."""
        name = f"{entity.name} {code}".strip()
        source = Source(
            name,
            lambda parameters: self._asked(call, entity.name, code, parameters),
            lambda row: str(row["id"] if is_identifier(row.get("id")) and not code else row),
            lambda: self._longest_list(call),
            None if code else lambda identifier: self._exists(call, entity, identifier),
        )
        return self._lists.everything(source, self.page_size)

    def _asked(self, call: Call, name: str, code: str, parameters: Mapping[str, str]) -> Listed:
        """The answer to one question for a list."""
        about = f"{name}: read {code}".strip()
        criteria = {"type": code} if code else {}
        told = call(self._question(f"{name}/list", about, {**criteria, **parameters}))
        return part_of(told, self.options["list_field"], about)

    def _longest_list(self, call: Call) -> int:
        """How many rows the longest list of a type gives when it is asked for without more."""
        if self._longest is None:
            self._longest = 0
            for name in self.entities(call):
                with suppress(Denied, Rejected, ProtocolError):
                    rows = [] if name == DICTIONARY else self._asked(call, name, "", {}).rows
                    self._longest = max(self._longest, len(rows))
        return self._longest

    def _exists(self, call: Call, entity: Entity, identifier: str) -> bool:
        """Whether ``get`` gives a record.

        Raises:
            ServerFault: the server breaks over it, and not over an id that is nobody's.
        """
        try:
            return bool(self._one(call, entity, identifier))
        except (Rejected, ProtocolError):
            return False
        except ServerFault:
            if not self._breaks_over_nobodys(call, entity):
                raise
            return False

    def _breaks_over_nobodys(self, call: Call, entity: Entity) -> bool:
        """Whether the server breaks over any id that no record has."""
        if entity.name not in self._breaks:
            self._breaks[entity.name] = False
            try:
                self._one(call, entity, NOBODYS)
            except (Rejected, ProtocolError, ServerFault) as error:
                self._breaks[entity.name] = isinstance(error, ServerFault)
        return self._breaks[entity.name]
