"""A decoder of whole pages for one entity."""

from __future__ import annotations

from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from crm_systems.compiled.columns import Column
from crm_systems.compiled.records import Record, can_be_named
from crm_systems.kinds import TEXTS
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
        key = Annotated[str, msgspec.Meta(pattern=rf"\A(?:{envelope.key})\Z")]
        columns: list[Any] = [
            (place, key) if name in reader.entity.key else (place, str | None | UnsetType, UNSET)
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
            Column(places[field.name], field, reader.values[field.name], reader.notation)
            for field in fields
            if field.name in reader.values and field.kind not in TEXTS and field.name not in reader.entity.key
        ]
        self._unwanted = [place for name, place in places.items() if name not in reader.values]

    def decode(self, body: bytes) -> list[Record] | None:
        """The rows of a page, all values texts yet; None where it has to be read with care."""
        try:
            page: Any = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        rows: list[Record] = page.rows
        return rows if page.flag else None

    def typed(self, rows: Sequence[Record]) -> None:
        """Gives the values of these rows the types of their fields, and takes out what is not wanted."""
        for column in self._columns:
            column.type(rows)
        for place in self._unwanted:
            for row in rows:
                setattr(row, place, UNSET)


def compiled(reader: Reader, envelope: Envelope) -> Pages | None:
    """A decoder for a reader; None where its entity holds more than texts can say, or is known by more than one."""
    entity = reader.entity
    is_flat = not any(field.kind in _NESTED for field in entity.fields if field.readable)
    has_key = len(entity.key) == 1 and entity.key[0] in reader.values
    names = [field.name for field in entity.fields if field.readable]
    are_names = len({*names}) == len(names) and all(map(can_be_named, names))
    return Pages(reader, envelope) if is_flat and has_key and are_names else None
