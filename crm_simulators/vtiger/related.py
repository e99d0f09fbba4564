"""Relations between records that are no fields (measured on 8.2.0 and 8.4.0)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.failures import Refused, denied, unknown_error
from crm_simulators.vtiger.reading import Reader
from crm_simulators.vtiger.schema import RECORDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.checking import Checker
    from crm_simulators.vtiger.schema import Module
    from crm_simulators.vtiger.store import Store

RECORDED = {
    path.stem.partition("-")[2]: json.loads(path.read_text("utf-8"))["response"]["body"]["result"]
    for path in sorted(RECORDINGS.glob("relatedtypes-*.json"))
}
_MODULE = re.compile(r"from\s+(\S+)", re.IGNORECASE)


class Related:
    """What one user asks of relations."""

    def __init__(self, store: Store, access: Access, check: Checker) -> None:
        self._store = store
        self._access = access
        self._check = check

    def types(self, name: str) -> dict[str, Any]:
        """The modules whose records a module's may be related to, by label; recorded for some, else their mirror."""
        module = self._access.listed(name)
        if module.name in RECORDED:
            found: dict[str, Any] = RECORDED[module.name]
            return found
        mirror = [other for other, told in RECORDED.items() if module.name in told["types"]]
        return {"types": mirror, "information": {each: _told(each) for each in mirror}}

    def query(self, given: Mapping[str, str]) -> list[dict[str, Any]]:
        """``query_related``: the server adds its own condition where it sees WHERE in capitals."""
        text, identifier = given.get("query", ""), given.get("id", "")
        module = _MODULE.search(text)
        numbers = self._related(identifier, module[1] if module else "", given.get("relatedLabel", ""))
        if not numbers:
            return []
        among = f"id IN ({', '.join(map(repr, numbers))})"
        head, where, tail = text.partition(" WHERE ")
        whole = f"{head} WHERE {among} AND {tail};" if where else f"{text} WHERE {among};"
        return Reader(self._store, self._access).query(whole).rows

    def retrieve(self, given: Mapping[str, str]) -> list[dict[str, Any]]:
        """``retrieve_related``: all columns, and no more than 100 rows, without a word."""
        query = f"SELECT * FROM {given.get('relatedType', '')}"  # noqa: S608 - VTQL
        return self.query({"query": query, "id": given.get("id", ""), "relatedLabel": given.get("relatedLabel", "")})

    def add(self, given: Mapping[str, str]) -> dict[str, str]:
        """``add_related``: success whatever comes of it; the source counts as changed."""
        if given.get("relatedRecordId", "").startswith("["):
            raise unknown_error()
        source, other = self._check.record(given.get("sourceRecordId", "")), given.get("relatedRecordId", "")
        related = self._store.lookup(other)
        if related and not related.deleted and related.module in self.types(source.module)["types"]:
            self._store.pairs.add(frozenset({self._store.id(source), other}))
        self._store.put(source, {"modifiedtime": self._store.stamp()})
        return {"message": "successfull"}

    def _related(self, identifier: str, name: str, label: str) -> list[str]:
        source = self._check.record(identifier)
        told = self.types(source.module)["information"].get(label)
        if told is None or told["name"] != name:
            raise Refused("UNKOWN_ENTITY", "Relation specified is incorrect")
        module = self._store.modules.get(name)
        if module is None:
            raise denied()
        mine = {other for pair in self._store.pairs if identifier in pair for other in pair - {identifier}}
        return [each for each in self._ids(module) if each in mine or self._refers(module, each, identifier)]

    def _ids(self, module: Module) -> list[str]:
        return [self._store.id(record) for record in self._store.raw(module.name) if record.live]

    def _refers(self, module: Module, one: str, other: str) -> bool:
        values = self._store.find(one).values
        return any(values.get(name) == other for name in module.references)


def _told(name: str) -> dict[str, str]:
    return {"name": name, "label": name, "isEntity": "1"}
