"""Vtiger's relations that are no fields (measured on 8.2.0 and 8.4.0)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.beside import RELATIONS, HasRelations, Relation
from crm_systems.errors import Denied, NotOffered, ProtocolError, Rejected
from crm_systems.model import Request
from crm_systems.vtiger.answers import UNKNOWN, is_vtiger_id
from crm_systems.vtiger.lists import LIST_MODULES
from crm_systems.vtiger.vtql import SERVER_PAGE, number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from crm_systems.model import Call

LISTED = {"types": [str], "information": {}}
TOLD = {"information": object}
DESCRIBED = {"idPrefix": object, "fields": [{"name": str, "type": {}}]}
LEAVE_OUT = "leave this stream out of `relations`, or deselect it"
ENOUGH = 2
"""How many signs of the end make one sure of it: a page that is not full, an empty one."""


class VtigerRelations(HasRelations):
    """Reads relations by ``query_related`` and makes them by ``add_related``, which always says that it did."""

    offers_relations: ClassVar[bool] = True

    @cached_property
    def _told(self) -> dict[str, Mapping[str, Any]]:
        """By module, what describe says."""
        return {}

    def relations(self, call: Call, names: Collection[str] = ()) -> list[Relation]:
        """As ``relatedtypes`` tells, but for pairs of modules one of which refers to the other."""
        listed = call(LIST_MODULES.replace(shape=LISTED))
        modules = [each for each in listed["types"] if _is_entity(listed["information"].get(each))]
        if names:
            modules = [each for each in modules if any(_may_name(name, each) for name in names)]
        told = {each: self._labels(call, each) for each in modules}
        found = [
            Relation(module, other, label, _only_label(told.get(other, {}), module))
            for module, labels in told.items()
            for label, other in labels.items()
            if other in told and (module <= other or module not in told[other].values())
        ]
        return [each for each in found if not (names and each.name not in names) and not self._is_field(call, each)]

    def _labels(self, call: Call, module: str) -> dict[str, str]:
        """The related modules by label; two labels may name one."""
        query = {"operation": "relatedtypes", "elementType": module}
        try:
            told = call(Request("GET", f"{module}: list the relations", query=query, shape=TOLD))["information"]
        except Denied:
            return {}
        except Rejected as error:
            if error.code == UNKNOWN:
                raise NotOffered("The CRM tells no relations but those that are fields", code=error.code) from None
            raise
        # PHP writes an empty object as a list.
        facts = told if isinstance(told, dict) else {}
        return {label: each["name"] for label, each in facts.items() if _is_entity(each) and "name" in each}

    def _is_field(self, call: Call, relation: Relation) -> bool:
        """Whether a field of either side refers to the other."""
        pairs = ((relation.source, relation.related), (relation.related, relation.source))
        return relation.source != relation.related and any(
            other in (field["type"].get("refersTo") or ())
            for module, other in pairs
            for field in self._described(call, module)["fields"]
        )

    def _described(self, call: Call, module: str) -> Mapping[str, Any]:
        if module not in self._told:
            query = {"operation": "describe", "elementType": module}
            self._told[module] = call(Request("GET", f"{module}: describe", query=query, shape=DESCRIBED))
        return self._told[module]

    def related(self, call: Call, relation: Relation, identifier: str) -> Iterator[str]:
        """Page by page, by id; the end is believed when two answers agree, since an error may look like none."""
        last, signs, doubted = 0, 0, -1
        while signs < ENOUGH:
            order = "id" if signs == 0 else "id desc"
            found = self._page(call, relation, identifier, last, order, SERVER_PAGE)
            numbers = [number_of(each) for each in found]
            if signs and found:
                if doubted == last:
                    raise ProtocolError(f"{relation.name}: the server tells both an end and what follows")
                doubted, signs = last, 0
                continue
            if any(after <= before for before, after in zip([last, *numbers], numbers, strict=False)):
                raise ProtocolError(f"{relation.name}: the server does not sort by id", hint=LEAVE_OUT)
            yield from found
            last = numbers[-1] if numbers else last
            signs = signs + 1 if not found else len(found) < SERVER_PAGE

    def is_related(self, call: Call, relation: Relation, source: str, related: str) -> bool:
        """Whether the next record after the one before it is the one."""
        return self._page(call, relation, source, number_of(related) - 1, "id", 1) == [related]

    def relate(self, call: Call, relation: Relation, source: str, related: str) -> None:
        """The same pair again does no harm, so it may be repeated (measured)."""
        ids = {"sourceRecordId": source, "relatedRecordId": related}
        form = {"operation": "add_related", **ids, "relationIdLabel": relation.label}
        call(Request("POST", f"{relation.name}: relate two records", form=form))

    def _page(self, call: Call, relation: Relation, identifier: str, last: int, order: str, size: int) -> list[str]:
        """The server adds its own condition, and does so only where it sees WHERE in capitals (measured)."""
        prefix = self._described(call, relation.related)["idPrefix"]
        query = f"select id from {relation.related} WHERE id > '{prefix}x{last}' order by {order} limit {size}"
        asked = {"operation": "query_related", "query": query, "id": identifier, "relatedLabel": relation.label}
        about = f"{relation.name}: list what is related"
        return [row["id"] for row in call(Request("GET", about, query=asked, shape=[{"id": is_vtiger_id}]))]


def _is_entity(facts: Any) -> bool:
    return isinstance(facts, dict) and str(facts.get("isEntity")) in {"1", "True"}


def _may_name(name: str, module: str) -> bool:
    return name.startswith(f"{module}_") or name.endswith(f"_{module}{RELATIONS}")


def _only_label(labels: Mapping[str, str], module: str) -> str:
    """What a side calls its relation with a module; empty where it has none, or several."""
    found = [label for label, other in labels.items() if other == module]
    return found[0] if len(found) == 1 else ""
