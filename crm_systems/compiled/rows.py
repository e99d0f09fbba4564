"""Rows that came as objects, typed by columns where they are alike; else one after the other, with the same result."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crm_systems.kinds import Reader, Values
    from crm_systems.model import Row

_NULL = type(None)
_TEXTS = frozenset({str, _NULL})
_LOOKED_UP = frozenset({str, int, _NULL})
"""Types of values that can be looked up among those that were met; others may equal one of another type."""
_AS_THEY_ARE: dict[Kind, frozenset[type]] = {
    Kind.INTEGER: frozenset({int, _NULL}),
    Kind.NUMBER: frozenset({int, _NULL}),
    Kind.BOOLEAN: frozenset({bool, _NULL}),
    Kind.ANY: frozenset({int, bool, _NULL}),
    Kind.LIST: frozenset({list, _NULL}),
    Kind.MULTIPICKLIST: frozenset({list, _NULL}),
}
"""Types of raw values that are typed already; a list if what is in it is."""
_ITEMS: dict[Kind, frozenset[type]] = {
    Kind.LIST: frozenset({str, int, bool, _NULL}),
    Kind.MULTIPICKLIST: frozenset({str}),
}
_NESTED = frozenset({Kind.LIST, Kind.MULTIPICKLIST, Kind.OBJECT, Kind.ANY})
"""Values of these kinds are not shared by several records."""


def typed_rows(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """What the reader makes of each row."""
    told = tuple(rows[0]) if rows else ()
    if len(told) == 0 or any(tuple(row) != told for row in rows):
        return list(map(reader, rows))
    present = frozenset(told)
    names = [name for name in reader.values if name in present]
    columns = [_column(reader.values[name], list(map(itemgetter(name), rows))) for name in names]
    for name in present - reader.known:
        reader.unknown[name] += len(rows)
    return (
        [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)] if names else [{} for _ in rows]
    )


def _column(values: Values, raw: list[Any]) -> list[Any]:
    """The typed values of one field."""
    found, kind = {*map(type, raw)}, values.kind
    if found <= _TEXTS and (kind in TEXTS or kind is Kind.ANY) and _can_be_written(raw):
        return [each or None for each in raw] if values.empty is None else raw
    if found <= _AS_THEY_ARE.get(kind, frozenset()) and (kind not in _ITEMS or _holds(_ITEMS[kind], raw)):
        return raw
    if found <= _LOOKED_UP and kind not in _NESTED:
        return list(map(values.__getitem__, raw))
    return list(map(values.typed, raw))


def _holds(types: frozenset[type], lists: Iterable[list[Any] | None]) -> bool:
    """Whether all items of the lists are of these types, and can be written."""
    items = list(chain.from_iterable(filter(None, lists)))
    return types.issuperset(map(type, items)) and _can_be_written(each for each in items if type(each) is str)


def _can_be_written(texts: Iterable[str | None]) -> bool:
    """Whether UTF-8 can hold all texts, none of which is half of a pair then."""
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return False
    return True
