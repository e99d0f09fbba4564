"""The identity of a record: what the source calls it, and which records may be the same one."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED_AT
from crm_systems.model import Kind
from crm_systems.wire import identifying, is_empty
from target_crm.ledger import digest, short_digest
from target_crm.mapping import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_crm.mapping.mapper import Mapper


class Identity:
    """Tells the records of one stream apart; ``columns`` are the fields of its key, each with its JSON Schema."""

    def __init__(self, mapper: Mapper, columns: Mapping[str, Any]) -> None:
        self._mapper = mapper
        self._options = mapper.options
        self._entity = mapper.entity
        self._columns = columns
        self._types = frozenset().union(*(keys.types_of(each) for each in columns.values()))
        self._match = [each for each in self._options.match_fields if not self._is_reference(each)]
        """Those of the fields that a record is recognised by whose values are compared as they come."""
        self._column = next(iter(columns)) if len(columns) == 1 else ""
        """The key's one field."""

    def key_of(self, record: Mapping[str, Any]) -> str:
        """What the source calls a record; without a key, all that it is recognised by, or else its whole content.

        Empty where the stream has a key and the record has none.
        """
        if self._column and keys.is_as_it_comes(value := record.get(self._column), self._types):
            return str(value)
        key = keys.key_of(self._key_values(record), tuple(self._columns.values()))
        if key:
            return key
        if self._columns and not self._options.match_fields:
            return ""
        return digest(self._match_values(record) or dict(record))

    def older_keys_of(self, record: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """How earlier versions may have spelled the key of a record; without one, several may have shared it."""
        values = self._key_values(record)
        if self._options.match_fields and keys.key_of(values, tuple(self._columns.values())) == "":
            return (digest(json.dumps(self._recognised_by(record))),)
        return keys.older_keys_of(values, key)

    def _match_values(self, record: Mapping[str, Any]) -> list[str]:
        """What stands for the match fields of a record, equal only where they are; nothing where one is empty."""
        names, mapper = self._options.match_fields, self._mapper
        values = [identifying(mapper.kind_of(name), self._typed(record, name)) for name in names]
        return [] if any(map(is_empty, values)) else [short_digest(each).hex() for each in values]

    def _typed(self, record: Mapping[str, Any], name: str) -> Any:
        return self._mapper.typed(name, self._mapper.incoming(record, name))

    def _key_values(self, record: Mapping[str, Any]) -> list[Any]:
        return [record.get(name) for name in self._columns]

    def identifiers_of(self, key: str, record: Mapping[str, Any]) -> tuple[str, ...]:
        """Records that share one of these, of which their ``key`` is one, may be the same, and are written in turn."""
        if not self._options.match_fields or record.get(DELETED_AT):
            return (f"key {key}",)
        return f"key {key}", f"match {self._recognised_by(record)}"

    def _recognised_by(self, record: Mapping[str, Any]) -> list[str]:
        """Equal for records that may have the same match fields, at times for others too."""
        return [_coarse(self._typed(record, name)) for name in self._match]

    def _is_reference(self, name: str) -> bool:
        known = self._entity.field(name)
        return known is None or known.kind is Kind.OWNER or self._mapper.is_reference(name)


def _coarse(value: Any) -> str:
    """The same text for values that may count as equal, in the CRM or here."""
    if value.__class__ is str and value.isascii():
        return str(value.casefold().strip())
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(Decimal(value).normalize())
    written = str(value)
    return (written if written.isascii() else unicodedata.normalize("NFKD", written)).casefold().strip()
