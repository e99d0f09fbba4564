"""Which lists of alfaCRM hold an entity: one for each branch, parent and status; together each row comes once."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm.pages import newest_first, part_of, whole
from crm_systems.alfacrm.records import dotted, latest, may_be_since, normaliser
from crm_systems.catalogue import catalogue
from crm_systems.errors import ConfigError, ProtocolError
from crm_systems.kinds import of_php
from crm_systems.model import Page, Request
from crm_systems.paging import shrunk
from crm_systems.rows import key_of
from crm_systems.sampling import together
from crm_systems.times import earliest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from crm_systems.model import Call, Entity, Row
    from crm_systems.paging import Part

logger = logging.getLogger("crm")
SYSTEM = "alfacrm"
SAMPLES = 3
"""How many pages discovery looks at to learn which fields an entity has here."""
OVERLAP = timedelta(days=1)
"""Whether the day that a filter names is included is not documented, so one more is asked for."""


def address(entity: Entity, branch: int | None, action: str) -> str:
    """The path of an action; ``teacher-rate`` and the like are lists that have no actions."""
    path = entity.private.get("path") or f"{entity.name.replace('_', '-')}/{action}"
    return f"/v2api/{path}" if branch is None else f"/v2api/{branch}/{path}"


def spec_of(entity: Entity, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Which of the ``parents`` of a sub-list a record has; None where the values do not say it."""
    specs: tuple[Mapping[str, Any], ...] = tuple(entity.private.get("parents", ()))
    for spec in specs:
        query = spec.get("query", {})
        if values.get(spec["field"]) and all(str(values.get(name)) == value for name, value in query.items()):
            return spec
    return None


def parent_of(entity: Entity, values: Mapping[str, Any]) -> dict[str, str] | None:
    """The query that names the parent of a record of a sub-list; None where the values do not say it."""
    spec = spec_of(entity, values)
    return {**spec.get("query", {}), spec["field"]: str(values[spec["field"]])} if spec else None


def branches_of(row: Mapping[str, Any]) -> list[int]:
    """The branches to which a record belongs; empty where it belongs to none."""
    found = of_php(row.get("branch_ids")) or [row.get("branch_id")]
    return [int(each) for each in (found if isinstance(found, list) else [found]) if str(each).isdecimal()]


class Lists:
    """The lists of one tenant, as far as the settings let them be read."""

    def __init__(self, options: Mapping[str, Any], zone: ZoneInfo, page_size: int) -> None:
        self._asked = [str(each) for each in options.get("branches") or ()]
        self._zone = zone
        self._page_size = page_size
        self._branches: list[int] = []
        self._strange: set[int] = set()
        """Branches of records that were not among those to work in when they were asked for again."""
        self._witnesses: dict[str, list[Request]] = {}
        """By entity, the first lists that were not empty."""

    def branches(self, call: Call) -> list[int]:
        """The ids of the branches to work in; asked for once.

        Raises:
            ConfigError: `branches` names one that does not exist, or none is active.
            Denied: the user may not see the branches.
        """
        if not self._branches:
            self._branches = self._ask_for_branches(call)
        return self._branches

    def branch_among(self, call: Call, wanted: Collection[int]) -> int | None:
        """The first of some branches in which we work, whose lists are read therefore; None if we do in none.

        One that is not known may have been made since, by this very run for example, so they are asked for once more.
        """
        strange = {*wanted}.difference(self.branches(call), self._strange)
        if strange:
            self._strange |= strange
            self._branches = self._ask_for_branches(call)
        return next((each for each in wanted if each in self._branches), None)

    def _ask_for_branches(self, call: Call) -> list[int]:
        entity = catalogue(SYSTEM)["branch"]
        (ask,) = self.requests(call, entity)
        rows = [row for page in self.walk(call, entity, [ask]) for row in page.rows]
        self._witnesses[entity.name] = [ask]
        if not all(str(row.get("id")).isdecimal() for row in rows):
            raise ProtocolError("branch: read: a branch has no number", hint="the CRM may be in trouble; run again")
        there = {str(row["id"]): int(row["id"]) for row in rows}
        active = [str(row["id"]) for row in rows if str(row.get("is_active", 1)).lower() not in {"0", "false"}]
        unknown = [each for each in self._asked if each not in there]
        if unknown or not (self._asked or active):
            what = f"`branches` names {', '.join(unknown)}, which the CRM does not have"
            raise ConfigError(
                what if unknown else "The CRM shows no active branch to this user",
                hint=f"`branches` may name {', '.join(there)}" if there else "check the role of the user",
            )
        closed = [each for each in there if each not in active]
        if closed and not self._asked:
            logger.warning("Closed branches are left out: %s. `branches` may name them.", ", ".join(closed))
        return [there[each] for each in self._asked or active]

    def changed_since(self, entity: Entity, since: datetime | None) -> dict[str, str]:
        """The filter by the day of the last change, where the entity has one."""
        if since is None or "since" not in entity.private:
            return {}
        return {entity.private["since"]: dotted((since.astimezone(self._zone) - OVERLAP).date())}

    def requests(
        self,
        call: Call,
        entity: Entity,
        filters: Mapping[str, Any] | None = None,
        *,
        archived: bool = True,
        parent: Mapping[str, str] | None = None,
        branch: int | None = None,
    ) -> Iterator[Request]:
        """The request for the first page of each list that holds a part of an entity.

        ``parent`` and ``branch`` narrow them to one.
        """
        everywhere: list[int | None] = [None] if entity.private.get("branchless") else [*self.branches(call)]
        for each in [branch] if branch and everywhere != [None] else everywhere:
            by_parent = entity.private.get("parents") and not parent
            for query in self._parents(call, entity, each, archived=archived) if by_parent else [parent or {}]:
                for body in _bodies(entity, archived=archived):
                    path = address(entity, each, "index")
                    yield Request(
                        "POST", f"{entity.name}: read", path=path, query=query, json={**body, **(filters or {})}
                    )

    def _parents(self, call: Call, entity: Entity, branch: int | None, *, archived: bool) -> Iterator[dict[str, str]]:
        """The parents whose sub-lists a branch has to be asked for.

        Some tenants show every branch's rows in each; a parent is asked for in its own branches only.
        """
        for spec in entity.private["parents"]:
            if spec.get("look_up_only"):
                continue
            above = catalogue(SYSTEM)[spec["entity"]]
            lists = self.requests(call, above, archived=archived, branch=branch)
            # All at once: a list that is read slowly moves more.
            for row in [row for page in self.walk(call, above, lists) for row in page.rows]:
                own = set(branches_of(row)).intersection(self.branches(call))
                if branch in own or not own:
                    yield {**spec.get("query", {}), spec["field"]: key_of(above, row)}

    def sample(self, call: Call, entity: Entity) -> list[Row]:
        """Rows from the first and the last page of the first lists, since new records come at either end."""
        asks = islice(self.requests(call, entity), SAMPLES)
        return list(map(normaliser(entity), together(partial(self._look, call, entity, ask) for ask in asks)))

    def _look(self, call: Call, entity: Entity, ask: Request) -> list[Row]:
        def page(number: int) -> Part:
            body = {**ask.json, "page": number, "pageSize": self._page_size}
            return part_of(call(ask.replace(json=body)), ask.about)

        first = page(0)
        rows, total = first.rows, first.total
        if rows:
            self._witnesses.setdefault(entity.name, []).append(ask)
        if not rows or total is None or total <= len(rows):
            return rows
        return together([lambda: rows, lambda: page((total - 1) // len(rows)).rows])

    def walk(
        self,
        call: Call,
        entity: Entity,
        lists: Iterable[Request],
        since: datetime | None = None,
        *,
        is_look_up: bool = False,
    ) -> Iterator[Page]:
        """Each row of the lists once, but for those that are surely older than ``since``.

        Whether the server filtered is not relied on: filters that it does not know have no effect. An empty list is
        asked for twice and only believed if the CRM still shows what it showed before; a look-up does both itself.

        Raises:
            ProtocolError: the CRM does not hand out what it announced or showed a moment ago.
        """
        seen: set[str] = set()
        key, normalised = entity.replication_key or "", normaliser(entity)
        bound = since and earliest(since, self._zone)
        empty: list[Request] = []
        for ask in lists:
            shows = False
            for rows in self._pages(call, entity, ask, since, asks_twice=not is_look_up):
                shows = shows or bool(rows)
                fresh = {each: row for each, row in rows.items() if each not in seen and self._is_asked(entity, row)}
                seen.update(fresh)
                wanted = [
                    row for row in fresh.values() if bound is None or may_be_since(row.get(key), bound, self._zone)
                ]
                yield Page(list(map(normalised, wanted)))
            if not shows:
                empty.append(ask)
        if empty and not is_look_up:
            self.confirm(call, entity, empty)

    def confirm(self, call: Call, entity: Entity, empty: Iterable[Request] = ()) -> None:
        """Makes sure that empty answers mean what they say: lists that had rows still have some.

        Those are the same ones without filters by time, as far as they are known, else another one of the entity's.

        Raises:
            ProtocolError: one has none, so the user's rights or the CRM are in trouble.
        """
        known = self._witnesses.get(entity.name) or self._witnesses.get("branch") or []
        places = [(ask.path, ask.query) for ask in empty]
        for ask in [ask for ask in known if (ask.path, ask.query) in places] or known[:1]:
            one = {**ask.json, "page": 0, "pageSize": 1}
            if not part_of(call(ask.replace(json=one)), ask.about).rows:
                raise shrunk(ask.about)

    def forget(self, entity: Entity) -> None:
        """Another list has to vouch for this entity's: it may be empty from now on, since a record is deleted."""
        self._witnesses.pop(entity.name, None)

    def _is_asked(self, entity: Entity, row: Row) -> bool:
        """Whether a row is of the branches that the settings name; some tenants show every branch's rows in each.

        A row of a sub-list belongs to where its parent is.
        """
        if not self._asked or "parents" in entity.private:
            return True
        own = branches_of(row)
        return not own or any(str(each) in self._asked for each in own)

    def _pages(
        self, call: Call, entity: Entity, ask: Request, since: datetime | None, *, asks_twice: bool
    ) -> Iterator[dict[str, Row]]:
        key = entity.replication_key or ""

        def stamp(row: Row) -> datetime | None:
            return latest(row.get(key), self._zone)

        if entity.private.get("append_only"):
            return newest_first(call, ask, self._page_size, stamp, since)
        return whole(call, ask, self._page_size, key, self._zone, asks_twice=asks_twice)


def _bodies(entity: Entity, *, archived: bool) -> Iterator[dict[str, Any]]:
    """The filters that undo what a list hides by itself, one body for each list."""
    for body in entity.private.get("lists", ({},)):
        if archived:
            yield body
        elif not body.get("dead"):
            yield {**body, "removed": 0} if "removed" in body else body
