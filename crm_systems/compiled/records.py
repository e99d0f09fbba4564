"""Records as objects that are cheap to make and to write, and how they become lines."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec
from msgspec import UNSET, Raw

from crm_systems.kinds import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crm_systems.model import Row


class Record(msgspec.Struct, gc=False):
    """A record as one object; its fields have places in place of names, since any text may be the name of a field.

    A field that it lacks is ``UNSET``, a number may be the digits that are written: :meth:`get`, :meth:`row` and
    :func:`lines` make up for that.
    """

    places: ClassVar[dict[str, str]] = {}

    def __getitem__(self, name: str) -> Any:
        return _plain(getattr(self, self.places[name]))

    def get(self, name: str) -> Any:
        """The value of a field; None where it has none."""
        value = getattr(self, self.places[name]) if name in self.places else None
        return None if value is UNSET else _plain(value)

    def row(self) -> Row:
        """The same record as the careful path gives it."""
        found = ((name, getattr(self, place)) for name, place in self.places.items())
        return {name: _plain(value) for name, value in found if value is not UNSET}


def can_be_named(field: str) -> bool:
    """Whether msgspec takes it for the name of a field."""
    return field.isprintable() and not {'"', "\\"}.intersection(field)


def _plain(value: Any) -> Any:
    return number(bytes(value).decode()) if value.__class__ is Raw else value


def record_of(names: Iterable[str]) -> type[Record]:
    """The kind of records that have these fields, in this order; any of them may be lacking."""
    places = {name: f"field{number}" for number, name in enumerate(names)}
    made: Any = msgspec.defstruct(
        "Row",
        [(place, Any, UNSET) for place in places.values()],
        bases=(Record,),
        namespace={"places": places},
        rename={place: name for name, place in places.items()},
        gc=False,
    )
    return cast("type[Record]", made)


def column(records: Sequence[Record | Row], name: str) -> list[Any]:
    """The values of one field; what is no value is false."""
    if records and isinstance(records[0], Record) and name in records[0].places:
        return list(map(attrgetter(records[0].places[name]), records))
    return [record.get(name) for record in records]


def lines(records: Sequence[Record | Row]) -> bytes:
    """Records as JSON, each in a line of its own."""
    found = _ENCODER.encode_lines(records)
    for first in _LINE_ENDS:
        found = _without_line_ends(found, first)
    return found


_LINE_ENDS = {
    b"\xc2": {b"\xc2\x85": rb"\u0085"},
    b"\xe2": {b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"},
}
"""Characters that some readers take for the end of a line, and how JSON may write them, by their first byte; they stand
in texts only."""


def _without_line_ends(lines: bytes, first: bytes) -> bytes:
    """The same with those escaped that begin with a byte, since nothing is found as fast as a single one."""
    ends = _LINE_ENDS[first]
    size = max(map(len, ends))
    parts: list[bytes] = []
    begin, place = 0, lines.find(first)
    while place >= 0:
        if written := ends.get(lines[place : place + size]):
            parts += (lines[begin:place], written)
            begin = place + size
        place = lines.find(first, place + 1)
    return b"".join((*parts, lines[begin:])) if parts else lines


def _other(value: Any) -> Raw:
    """A decimal that is not written as Python would."""
    return Raw(str(value).encode())


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_other)
