"""Rows that came as objects, typed by columns where they are alike; else one after the other, with the same result."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from crm_systems.compiled.columns import times_in, usually
from crm_systems.compiled.records import can_be_named, record_of
from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crm_systems.compiled.records import Record
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


class Rows:
    """Types the rows of one entity as a reader does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._has_names = all(map(can_be_named, reader.values))
        self._times = times_in(reader.notation.zone)

    def typed(self, rows: Sequence[Row]) -> list[Any]:
        """What the reader makes of each row, as :class:`Record` or :data:`~crm_systems.model.Row`."""
        if not self._has_names:
            return self.records(rows)
        columns = self._columns(rows)
        if columns is None:
            return list(map(self._reader, rows))
        cells = (columns[name] if name in columns else repeat(UNSET) for name in self._reader.values)
        return list(map(self._record, *cells))

    def records(self, rows: Sequence[Row]) -> list[Row]:
        """What the reader makes of each row."""
        columns = self._columns(rows)
        if columns is None:
            return list(map(self._reader, rows))
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    def _columns(self, rows: Sequence[Row]) -> dict[str, Sequence[Any]] | None:
        """The typed values of rows by field; None where the rows are not alike, and are typed one by one."""
        reader = self._reader
        told = tuple(rows[0]) if rows else ()
        if reader.values.keys().isdisjoint(told) or any(tuple(row) != told for row in rows):
            return None
        columns = dict(zip(told, zip(*map(dict.values, rows), strict=True), strict=True))
        if any("" in columns.get(name, ()) for name in reader.entity.key):
            return None  # It is no null, as other empty texts are.
        typed = {name: self._column(values, columns[name]) for name, values in reader.values.items() if name in columns}
        for name in columns.keys() - reader.known:
            reader.unknown[name] += len(rows)
        return typed

    @cached_property
    def _record(self) -> type[Record]:
        return record_of(self._reader.values)

    def _column(self, values: Values, raw: Sequence[Any]) -> Sequence[Any]:
        """The typed values of one field."""
        found, kind = {*map(type, raw)}, values.kind
        if found <= _TEXTS and (kind in TEXTS or kind is Kind.ANY) and _can_be_written(raw):
            return [each or None for each in raw]
        if found <= _AS_THEY_ARE.get(kind, frozenset()):
            is_list_of_texts = kind is not Kind.MULTIPICKLIST or {str}.issuperset(map(type, _items(raw)))
            if kind not in _NESTED or (is_list_of_texts and _can_be_written(raw)):
                return raw
        if found <= _NUMBERS and kind in TEXTS:
            return [None if each is None else str(each) for each in raw]
        if found <= _TEXTS and kind is Kind.DATETIME and (usual := usually(self._times, raw)):
            return usual
        if found <= _LOOKED_UP and kind not in _NESTED:
            return list(map(values.__getitem__, raw))
        return list(map(values.typed, raw))


def _items(lists: Iterable[list[Any] | None]) -> Iterator[Any]:
    return chain.from_iterable(filter(None, lists))


def _can_be_written(raw: Sequence[Any]) -> bool:
    """Whether UTF-8 can hold all texts in the values, however deep: none of them is half of a pair then."""
    try:
        _ENCODER.encode(raw)
    except UnicodeEncodeError:
        return False
    return True
