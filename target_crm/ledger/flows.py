"""Which pipelines have written by a ledger, and whether one more would lead their records round in a ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from target_crm.ledger.tables import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Flow(NamedTuple):
    """One stream of one pipeline."""

    destination: str
    source: str
    stream: str
    entity: str


_PLACE = [WRITTEN.c[name] for name in ("destination", "source", "stream")]
_NEXT = (
    sa.select(*_PLACE, WRITTEN.c.entity)
    .where(sa.tuple_(*_PLACE) > sa.tuple_(*(sa.bindparam(f"last_{each.name}") for each in _PLACE)))
    .order_by(*_PLACE)
    .limit(1)
)


def flows(db: sa.Connection) -> list[Flow]:
    """All of them, each found by one step along the primary key."""
    found: list[Flow] = []
    last = ("", "", "")
    while row := db.execute(_NEXT, {f"last_{each.name}": last[at] for at, each in enumerate(_PLACE)}).first():
        found.append(Flow(row[0], row[1], row[2], row[3]))
        last = found[-1][:3]
    return found


def way_round(known: Iterable[Flow], new: Flow, place: Callable[[str], str]) -> list[str]:
    """The CRMs by which records of a new flow's destination come to its source already; empty where they do not.

    By none, they come straight, which is the other half of two ways. ``place`` gives the one spelling of a CRM's name.
    """
    known, target = list(known), place(new.source)
    ways = [([place(new.destination)], {new.stream, new.entity})]
    for way, names in ways:
        for each in known:
            there = place(each.destination)
            if place(each.source) != way[-1] or each.stream not in names or there in way:
                continue
            if there != target:
                ways.append(([*way, there], {each.stream, each.entity}))
            elif len(way) > 1:
                return way[1:]
    return []
