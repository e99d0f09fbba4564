"""Rows that came as objects, typed by columns where they are alike; else one after the other, with the same result."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crm_systems.kinds import Reader, Values
    from crm_systems.model import Row

_NULL = type(None)
_TEXTS = frozenset({str, _NULL})
_LOOKED_UP = frozenset({str, int, _NULL})
"""Types of values that can be looked up among those that were met; others may equal one of another type."""
_NUMBERS = frozenset({int, _NULL})
_AS_THEY_ARE: dict[Kind, frozenset[type]] = {
    Kind.INTEGER: _NUMBERS,
    Kind.NUMBER: _NUMBERS,
    Kind.BOOLEAN: frozenset({bool, _NULL}),
    Kind.MULTIPICKLIST: frozenset({list, _NULL}),
    Kind.LIST: frozenset({list, _NULL}),
    Kind.OBJECT: frozenset({dict, _NULL}),
    Kind.ANY: frozenset({list, dict, int, bool, _NULL}),
}
"""Types of raw values that are typed already."""
_NESTED = frozenset({Kind.MULTIPICKLIST, Kind.LIST, Kind.OBJECT, Kind.ANY})
"""Values of these kinds are not shared by several records, and must be such as can be written."""
_ENCODER = msgspec.json.Encoder(enc_hook=str)


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
    if found <= _AS_THEY_ARE.get(kind, frozenset()):
        is_list_of_texts = kind is not Kind.MULTIPICKLIST or {str}.issuperset(map(type, _items(raw)))
        if kind not in _NESTED or (is_list_of_texts and _can_be_written(raw)):
            return raw
    if found <= _LOOKED_UP and kind not in _NESTED:
        return list(map(values.__getitem__, raw))
    return list(map(values.typed, raw))


def _items(lists: Iterable[list[Any] | None]) -> Iterator[Any]:
    return chain.from_iterable(filter(None, lists))


def _can_be_written(raw: list[Any]) -> bool:
    """Whether UTF-8 can hold all texts in the values, however deep: none of them is half of a pair then."""
    try:
        _ENCODER.encode(raw)
    except UnicodeEncodeError:
        return False
    return True
