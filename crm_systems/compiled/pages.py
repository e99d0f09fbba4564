"""A decoder of whole pages for one entity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from crm_systems.compiled.columns import Column
from crm_systems.compiled.records import Record, can_be_named, record_of
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.kinds import Reader

_NESTED = frozenset({Kind.LIST, Kind.OBJECT, Kind.ANY})


@dataclass(frozen=True)
class Envelope:
    """What a page looks like: an object that has its rows, a flag, and perhaps something that nobody reads."""

    rows: str
    """The name of the list of rows."""
    flag: str
    """The name of a boolean that must be true."""
    besides: str
    """The name of what nobody reads."""
    key: str
    """What the key of each row looks like: a regular expression for all of it."""


class Pages:
    """Decodes pages of one entity for a reader, whose fields are those that a record shall have."""

    def __init__(self, reader: Reader, envelope: Envelope) -> None:
        fields = [field for field in reader.entity.fields if field.readable]
        places = {field.name: f"field{number}" for number, field in enumerate(fields)}
        columns: list[Any] = [
            (place, str) if name in reader.entity.key else (place, str | None | UnsetType, UNSET)
            for name, place in places.items()
        ]
        record = msgspec.defstruct(
            "Row",
            columns,
            bases=(Record,),
            namespace={"places": places},
            rename={place: name for name, place in places.items()},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        page = msgspec.defstruct(
            "Page",
            [("rows", GenericAlias(list, (record,))), ("flag", bool), ("besides", Any, None)],
            rename={"rows": envelope.rows, "flag": envelope.flag, "besides": envelope.besides},
            forbid_unknown_fields=True,
        )
        self._decoder = msgspec.json.Decoder(page)
        self._columns = [
            Column(reader.values[name], reader.notation) if name in reader.values else None for name in places
        ]
        """None for what is not wanted."""
        self._record = record_of(reader.values)
        self._key = attrgetter(places[reader.entity.key[0]])
        self._keys = re.compile(rf"(?:(?:{envelope.key})\n)*")

    def decode(self, body: bytes) -> list[Record] | None:
        """The rows of a page, all values texts yet; None where it has to be read with care."""
        try:
            page: Any = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        rows: list[Record] = page.rows
        return rows if page.flag and self._have_keys(rows) else None

    def _have_keys(self, rows: Sequence[Record]) -> bool:
        """Whether the key of each looks as it should: all at once, as one by one takes a quarter of the decoding."""
        told = "\n".join([*map(self._key, rows), ""])
        return bool(self._keys.fullmatch(told)) and told.count("\n") == len(rows)

    def typed(self, rows: Sequence[Record]) -> list[Any]:
        """The same records without what is not wanted, their values in the types of their fields."""
        # Whole rows into columns and back take less than a value of each row does at a time.
        raw = zip(*map(astuple, rows), strict=True)
        cells = (column.typed(told) for column, told in zip(self._columns, raw, strict=True) if column)
        return list(map(self._record, *cells)) if rows else []


def compiled(reader: Reader, envelope: Envelope) -> Pages | None:
    """A decoder for a reader; None where its entity holds more than texts can say, or is known by more than one."""
    entity = reader.entity
    is_flat = not any(field.kind in _NESTED for field in entity.fields if field.readable)
    has_key = len(entity.key) == 1 and entity.key[0] in reader.values
    names = [field.name for field in entity.fields if field.readable]
    are_names = len({*names}) == len(names) and all(map(can_be_named, names))
    return Pages(reader, envelope) if is_flat and has_key and are_names else None
