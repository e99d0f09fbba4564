"""Lists: branches, hidden defaults, filters, pages."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.columns import SENTINEL, WrongForm, parse_int
from crm_simulators.alfacrm.filters import Context, compile_filter, nothing
from crm_simulators.alfacrm.replies import missing_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_simulators.alfacrm.entity import Entity
    from crm_simulators.alfacrm.filters import Test
    from crm_simulators.alfacrm.render import Renderer
    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.switches import Switches

_PAGING = {"page", "pageSize"}


@dataclass(frozen=True)
class Request:
    """A call that was understood: whose list or record, in which branch (``None``: no branch named)."""

    entity: Entity
    branch: int | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def number(raw: Any, otherwise: int) -> int:
    """A whole number of at least 0, else the other."""
    try:
        value = parse_int(raw)
    except WrongForm:
        return otherwise
    return value if value >= 0 else otherwise


class Reader:
    """Answers index calls; keeps what it found for the pages that follow."""

    def __init__(self, store: Store, switches: Switches, renderer: Renderer) -> None:
        self._store = store
        self._switches = switches
        self._renderer = renderer
        self._found: OrderedDict[str, list[Row]] = OrderedDict()

    def index(self, request: Request) -> dict[str, Any]:
        """The envelope ``{"total","count","page","items"}``; pages count from 0."""
        rows = self._select(request)
        page = number(request.body.get("page"), 0)
        items: Any = [self._show(request, row) for row in self._cut(request, rows, page)]
        if self._switches.items_by_id and items:
            items = {str(row["id"]): row for row in items}
        if self._switches.total == "missing":
            return {"count": len(items), "page": page, "items": items}
        if self._switches.total == "text":
            return {"total": str(len(rows)), "count": str(len(items)), "page": str(page), "items": items}
        return {"total": len(rows), "count": len(items), "page": page, "items": items}

    def _cut(self, request: Request, rows: list[Row], page: int) -> list[Row]:
        entity = request.entity
        if not entity.paged and not (entity.path == "discount" and self._switches.discount_paged):
            return rows
        size = self._size(request)
        if self._switches.repeat_last_page and rows:
            page = min(page, (len(rows) - 1) // size)
        return rows[page * size : (page + 1) * size]

    def _size(self, request: Request) -> int:
        """``pageSize`` of the body, ``per-page`` of the query; ``count``, ``limit``, ``per_page`` do nothing (seen)."""
        asked = request.body.get("pageSize", request.query.get("per-page"))
        return min(number(asked, 0) or self._switches.page_size, self._switches.page_size_cap)

    def _show(self, request: Request, row: Row) -> Row:
        shown = self._renderer.show(request.entity.path, row)
        if request.entity.path == "customer" and _truth(request.body.get("withGroups")):
            groups = self._store.tables["group"]
            members = self._store.children("cgi", "customer_id", row["id"])
            found = [groups[member["group_id"]] for member in members if member["group_id"] in groups]
            shown["groups"] = [{"id": group["id"], "name": group["name"]} for group in found]
        plain = not {"id", "customer_id"} & set(request.body)
        if request.entity.path == "lesson" and plain and self._switches.lesson_details == "by_id_or_customer":
            del shown["details"]
        return shown

    def _select(self, request: Request) -> list[Row]:
        """The rows of a list in its order; computed once for all of its pages, until something changes."""
        filters = {name: value for name, value in request.body.items() if name not in _PAGING}
        query = {name: value for name, value in request.query.items() if name != "per-page"}
        asked = [request.entity.path, request.branch, filters, query, self._store.version, self._store.today()]
        key = json.dumps(asked, sort_keys=True)
        if key not in self._found:
            self._found[key] = self._search(request)
            if len(self._found) > 16:
                self._found.popitem(last=False)
        return self._found[key]

    def _search(self, request: Request) -> list[Row]:
        tests = [test for test in (self._scope(request), *self._tests(request)) if test]
        rows = [row for row in self._candidates(request) if all(test(row) for test in tests)]
        order = request.entity.order
        if order:
            rows.sort(key=lambda row: (row[order] or "", row["id"]), reverse=True)
        return rows

    def _candidates(self, request: Request) -> Iterable[Row]:
        """All rows, or those of the parent, or the one of ``id``: an ``id`` in the body is a scalar."""
        entity, table = request.entity, self._store.tables[request.entity.path]
        if entity.parents:
            return self._of_parent(request)
        id_ = request.body.get("id")
        if not entity.filter_id or id_ in (None, "") or isinstance(id_, dict):
            return table.values()
        try:
            row = table.get(parse_int(id_))
        except WrongForm:
            return []
        return [row] if row else []

    def _of_parent(self, request: Request) -> Iterable[Row]:
        entity, query = request.entity, request.query
        given = [name for name in entity.parents if query.get(name)]
        if not given or not (entity.any_parent or len(given) == len(entity.parents)):
            return self._without_parent(request)
        rows = self._store.children(entity.path, given[-1], number(query[given[-1]], 0))
        for name in given[:-1]:
            rows = [row for row in rows if str(row[name]) == query[name]]
        id_ = request.body.get("id")
        return rows if id_ in (None, "") else [row for row in rows if str(row["id"]) == str(id_)]

    def _without_parent(self, request: Request) -> Iterable[Row]:
        path, switches, rows = request.entity.path, self._switches, self._store.tables[request.entity.path].values()
        if path == "cgi" and switches.cgi_without_parent == "list":
            return [row for row in rows if request.branch in {None, row["branch_id"]}]
        if path == "communication" and switches.communications_without_parent == "list":
            return rows
        if path == "customer-tariff" and switches.tariffs_without_parent == "empty":
            return []
        raise missing_parameters(*request.entity.parents[:1] if request.entity.any_parent else request.entity.parents)

    def _scope(self, request: Request) -> Test | None:
        entity, branch, switches = request.entity, request.branch, self._switches
        if branch is None or switches.branch_shows_everything:
            return None
        if entity.path == "room" and not switches.rooms_without_location:
            return lambda row: row["branch_id"] == branch and row["location_id"] is not None
        tests: dict[str, Test | None] = {
            "none": None,
            "one": lambda row: row["branch_id"] == branch,
            "many": lambda row: branch in row["branch_ids"],
            "loose": lambda row: not row["branch_ids"] or branch in row["branch_ids"],
        }
        return tests[entity.scope]

    def _tests(self, request: Request) -> list[Test | None]:
        """One test for each key that filters, after the hidden defaults: clients only, not archived, held, current."""
        entity, context = request.entity, Context(self._store, self._switches, self._store.today())
        given = {name: value for name, value in request.body.items() if value is not None and value != ""}
        for name, default in (("is_study", 1), ("removed", 0), ("status", 3)):
            if name in entity.filters and entity.path in {"customer", "group", "teacher", "lesson"}:
                given.setdefault(name, default)
        rules = self._rules(request)
        tests = [compile_filter(rules[name], value, context) for name, value in given.items() if name in rules]
        if entity.path == "cgi" and not given.keys() & entity.filters.keys():
            tests.append(lambda row: (row["b_date"] or "") <= context.today <= (row["e_date"] or SENTINEL))
        return [*tests, *self._custom(request)]

    def _rules(self, request: Request) -> Mapping[str, Any]:
        rules, path, switches = dict(request.entity.filters), request.entity.path, self._switches
        ignored = set[str]()
        if path == "pay" and not switches.pay_date_filter:
            ignored = {"date_from", "date_to"}
        if path == "regular-lesson" and not switches.regular_related_filter:
            ignored = {"group_id", "related_class", "related_id"}
        return {name: rule for name, rule in rules.items() if name not in ignored}

    def _custom(self, request: Request) -> list[Test]:
        names = {column.name for column in request.entity.columns if column.kind == "custom"} & request.body.keys()
        if not self._switches.custom_filters:
            return []
        return [_custom_test(name, request.body[name]) for name in sorted(names) if request.body[name] is not None]


def _custom_test(name: str, wanted: Any) -> Test:
    if isinstance(wanted, (list, dict)):
        return nothing
    return lambda row: row[name] == str(wanted)


def _truth(raw: Any) -> bool:
    return raw in (True, 1, "1", "true")
