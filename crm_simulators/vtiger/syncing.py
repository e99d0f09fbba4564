"""``sync``: what has changed since a second, and what is gone."""

from __future__ import annotations

from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.failures import Crashed, denied
from crm_simulators.vtiger.schema import INVENTORY, LINE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.store import Record, Store

_PAGE = 100
_FORMAT = "%Y-%m-%d %H:%M:%S"
_LATEST = 253402300799
"""The last second of the year 9999; anything above (milliseconds, say) restarts from the beginning (measured)."""


def sync(store: Store, access: Access, parameters: Mapping[str, str]) -> dict[str, Any]:
    """One page of changes.

    The first 100 rows by ``modifiedtime`` fix an upper second, then everything up to and including that second is
    sent; the lower bound is exclusive (measured).
    """
    flavour = store.flavour
    if not flavour.syncs and not access.switches.sync_registered:
        raise Crashed
    name = parameters.get("elementType", "")
    since = _since(parameters.get("modifiedTime", ""), from_zero=flavour.sync_from_zero)
    module = store.modules.get(name)
    if name and (module is None or module.hidden or not module.is_entity):
        raise denied()
    if name == "Users":
        return {"updated": [], "deleted": [], "lastModifiedTime": parameters["modifiedTime"], "more": False}
    if name == "Emails" or (not name and not flavour.sync_of_everything):
        raise Crashed
    kind = parameters.get("syncType", "").lower()
    if flavour.is_corebos:
        # It does not register the parameter, and takes one user for one who syncs for all (measured).
        kind = "application" if access.user.number == 1 else "user"
    if kind == "application" and not access.user.is_admin:
        raise denied("Only admin users can perform application sync")
    owners = None if kind == "application" else access.owners(groups=kind == "userandgroup")
    names = [name] if name else [item.name for item in access.modules() if item.is_entity and item.name != "Users"]
    return _page(store, access, names, since, owners)


def _since(text: str, *, from_zero: bool) -> int:
    try:
        since = int(float(text))
    except ValueError:
        raise Crashed from None
    if since < 0 or (since == 0 and not from_zero):
        raise Crashed
    return since


def _page(store: Store, access: Access, names: list[str], since: int, owners: frozenset[str] | None) -> dict[str, Any]:
    after = "" if since > _LATEST else datetime.fromtimestamp(since, store.now().tzinfo).strftime(_FORMAT)
    first = sorted(stamp for name in names for stamp, _record in islice(_changed(store, name, after, owners), _PAGE))[
        :_PAGE
    ]
    if not first:
        return {"updated": [], "deleted": [], "more": False, "lastModifiedTime": since}
    until = first[-1]
    changed = [record for name in names for record in _changed_until(store, name, after, until, owners)]
    page = sorted(changed, key=lambda record: record.number)
    live = [record for record in page if record.live and access.sees(record) and not _is_left_out(access, record)]
    return {
        "updated": [_row(store, access, record) for record in live],
        "deleted": [store.id(record) for record in page if not record.live],
        "more": any(True for name in names for _change in _changed(store, name, until, owners)),
        "lastModifiedTime": int(datetime.strptime(until, _FORMAT).replace(tzinfo=store.now().tzinfo).timestamp()),
    }


def _changed_until(store: Store, name: str, after: str, until: str, owners: frozenset[str] | None) -> Iterator[Record]:
    return (record for _stamp, record in takewhile(lambda pair: pair[0] <= until, _changed(store, name, after, owners)))


def _changed(store: Store, name: str, after: str, owners: frozenset[str] | None) -> Iterator[tuple[str, Record]]:
    """Stamps and rows of a module after a second, oldest first."""
    table = store.tables[name]
    for record in table.between("modifiedtime", after or None, None):
        stamp = table.value(record, "modifiedtime") or ""
        if stamp > after and (owners is None or record.values.get("assigned_user_id") in owners):
            yield stamp, record


def _is_left_out(access: Access, record: Record) -> bool:
    """On coreBOS records whose owner is gone do not appear (measured)."""
    return access.is_corebos and access.owner_is_gone(record)


def _row(store: Store, access: Access, record: Record) -> dict[str, Any]:
    """A row as in query, but documents come without the columns of their lines (measured)."""
    row = store.row(record)
    left_out = LINE_COLUMNS if record.module in INVENTORY and not access.is_corebos else ()
    columns = access.in_order(store.modules[record.module])
    ordered = {name: row[name] for name in columns if name not in left_out or name.startswith("discount_")}
    return {**ordered, "deleted": "0"} if store.flavour.is_corebos else ordered
