"""Raw rows as typed records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from crm_systems.kinds.values import MISFITS, converter, is_no_number, text
from crm_systems.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from crm_systems.kinds.values import Notation
    from crm_systems.model import Entity, Field, Row

FREE_TEXTS = frozenset({Kind.STRING, Kind.TEXT, Kind.PICKLIST, Kind.EMAIL, Kind.PHONE, Kind.URL})
"""Kinds whose values may be any text: a server takes it as it is, if it does not cut or re-encode it."""
TEXTS = FREE_TEXTS | {Kind.TIME, Kind.OWNER, Kind.FILE}
"""Kinds that JSON holds as a plain text, so that any raw text fits."""


class Reader:
    """Turns an entity's raw rows into typed records, in the order of its fields; those it does not know are left out.

    ``misfits`` counts, by field, values that did not fit their kind, and texts that held half a character. The former
    are kept as text where the schema can hold one, else they are null. ``unknown`` counts fields that the entity does
    not have. ``wanted`` are the names of the fields that a record shall have; None: all.
    """

    def __init__(self, entity: Entity, notation: Notation, wanted: Collection[str] | None = None) -> None:
        self.misfits: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.entity = entity
        self.notation = notation
        readable = [field for field in entity.fields if field.readable]
        self.known = frozenset(field.name for field in readable)
        kept = [field for field in readable if wanted is None or field.name in wanted]
        self.values = {
            field.name: Values(field, converter(field.kind, notation), self.misfits, is_key=field.name in entity.key)
            for field in kept
        }
        """By field, in their order: what a raw value becomes."""

    def __call__(self, row: Row) -> Row:
        """The typed record of a raw row."""
        record = {name: values.typed(row[name]) for name, values in self.values.items() if name in row}
        if len(record) != len(row):
            self.unknown.update(row.keys() - self.known)
        return record


MOST_KNOWN = 500
"""How many texts of a field are remembered with what they became."""


class Values(dict[Any, Any]):
    """What the texts of one field become: remembered, since most fields hold few that differ."""

    def __init__(self, field: Field, convert: Callable[[Any], Any], misfits: Counter[str], *, is_key: bool) -> None:
        empty = "" if is_key else None  # An empty text may be a key, and a schema does not let it be null.
        super().__init__({"": empty, None: None})
        self._name = field.name
        self.kind = field.kind
        self.empty = empty
        self._convert = convert
        self._misfits = misfits
        self._is_text = field.kind in TEXTS
        self.typed: Callable[[Any], Any] = self._text if self._is_text else self._known
        """What any raw value becomes."""

    def _text(self, raw: Any) -> Any:
        if raw.__class__ is str and raw.isascii():
            return raw or self.empty
        return self._careful(raw)

    def _known(self, raw: Any) -> Any:
        if raw.__class__ is not str:
            return self._careful(raw)
        value = self[raw]
        return value[:] if value.__class__ is list else value

    def __missing__(self, raw: str) -> Any:
        try:
            value = self._convert(raw)
        except MISFITS:
            return self._careful(raw)
        if self._is_text and value != raw:
            return self._careful(raw)
        if len(self) < MOST_KNOWN:
            self[raw] = value
        return value

    def _careful(self, raw: Any) -> Any:
        """The value in a type of the field's kind."""
        value = None if is_no_number(raw) else raw
        if value is None:
            return None
        try:
            typed = self.empty if value == "" else self._convert(value)
        except MISFITS:
            self._misfits[self._name] += 1
            return text(value) if self._is_text else None
        if self._is_text and value and value.__class__ is str and typed != value:
            self._misfits[self._name] += 1  # It holds half a character, which cannot leave.
        return typed
