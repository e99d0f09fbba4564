"""The fast path of reading: an entity's fields compiled into a decoder of whole pages, from bytes to records.

It knows what nearly every answer is: UTF-8, each value a text or null, no unknown field, each key as it should be. Of
any other page it gives nothing, and that page is read with care, by :class:`~crm_systems.kinds.Reader`, whose values it
uses itself. So the two never differ in more than their pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from crm_systems.kinds import TEXTS
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.kinds import Reader
    from crm_systems.model import Row

_NESTED = frozenset({Kind.LIST, Kind.OBJECT, Kind.ANY})


class Record(msgspec.Struct, gc=False):
    """A record as one object; its fields have places in place of names, since any text may be the name of a field.

    A field that it lacks is ``UNSET``, an empty text stands for null: :meth:`row` and :func:`lines` make up for that.
    """

    places: ClassVar[dict[str, str]] = {}

    def __getitem__(self, name: str) -> Any:
        return getattr(self, self.places[name])

    def get(self, name: str) -> Any:
        """The value of a field; None where it has none."""
        value = getattr(self, self.places[name]) if name in self.places else None
        return None if value is UNSET or value == "" else value

    def row(self) -> Row:
        """The same record as the careful path gives it."""
        found = ((name, getattr(self, place)) for name, place in self.places.items())
        return {name: None if value == "" else value for name, value in found if value is not UNSET}


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
        self._envelope = envelope
        self._values = reader.values
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
            [("rows", list[record]), ("flag", bool), ("besides", Any, None)],  # type: ignore[valid-type]
            rename={"rows": envelope.rows, "flag": envelope.flag, "besides": envelope.besides},
            forbid_unknown_fields=True,
        )
        self._decoder = msgspec.json.Decoder(page)
        self._typed = [
            (places[field.name], reader.values[field.name])
            for field in fields
            if field.name in reader.values and field.kind not in TEXTS and field.name not in reader.entity.key
        ]
        for _place, values in self._typed:
            values |= {None: None, UNSET: UNSET}
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
        for place, values in self._typed:
            for row, value in zip(rows, map(attrgetter(place), rows), strict=True):
                setattr(row, place, values[value])
        for place in self._unwanted:
            for row in rows:
                setattr(row, place, UNSET)


def compiled(reader: Reader, envelope: Envelope) -> Pages | None:
    """A decoder for a reader; None where its entity holds more than texts can say, or is known by more than one."""
    entity = reader.entity
    is_flat = not any(field.kind in _NESTED for field in entity.fields if field.readable)
    has_key = len(entity.key) == 1 and entity.key[0] in reader.values
    names = [field.name for field in entity.fields if field.readable]
    return Pages(reader, envelope) if is_flat and has_key and len({*names}) == len(names) else None


def column(records: Sequence[Record | Row], name: str) -> list[Any]:
    """The values of one field; what is no value is false."""
    if records and isinstance(records[0], Record) and name in records[0].places:
        return list(map(attrgetter(records[0].places[name]), records))
    return [record.get(name) for record in records]


def lines(records: Sequence[Record | Row]) -> bytes:
    """Records as JSON, each in a line of its own.

    An empty text of a :class:`Record` is written as null here, all at once. In JSON, a quote that follows another one
    begins or ends a text, so nothing but an empty value looks like ``":""``; keys are never empty.
    """
    found = _ENCODER.encode_lines(records)
    for raw, escaped in _LINE_ENDS.items():
        if raw in found:
            found = found.replace(raw, escaped)
    return found.replace(b'":""', b'":null') if records and isinstance(records[0], Record) else found


_LINE_ENDS = {each.encode(): rb"\u%04x" % ord(each) for each in "\u0085\u2028\u2029"}
"""Characters that some readers take for the end of a line, and how JSON may write them; they stand in texts only."""


def _other(value: Any) -> msgspec.Raw:
    """A decimal that is not written as Python would."""
    return msgspec.Raw(str(value).encode())


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_other)
