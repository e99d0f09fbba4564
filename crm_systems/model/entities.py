"""What a CRM holds: entities, their fields, and what the fields hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_systems.model.shards import Ranges, Shard


class Kind(str, Enum):
    """What a field holds; the one vocabulary for reading, writing and JSON Schema."""

    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    REFERENCE = "reference"
    OWNER = "owner"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    FILE = "file"
    """The name of a file."""
    CONTENT = "content"
    """A :class:`File` on its way in; the ids of the files that a record has, as a text, where it is compared."""
    LIST = "list"
    OBJECT = "object"
    ANY = "any"


@dataclass(frozen=True)
class Choice:
    """One value of a pick list and what people see for it."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field of an entity, as the CRM describes it."""

    name: str
    kind: Kind
    label: str = ""
    mandatory: bool = False
    """A create without it is refused."""
    readable: bool = True
    """A read returns it."""
    writable: bool = True
    """A write may set it."""
    choices: tuple[Choice, ...] = ()
    refers_to: tuple[str, ...] = ()
    """Names of the entities that it points to; a field of any kind that has some is a reference, a list many."""
    refers_by: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """What tells which of them it is: another field, and by its values the entities; empty: nothing does."""
    written_as: str = ""
    """What a write calls the field; empty: as a read does."""
    items: tuple[Field, ...] = ()
    """What is known of the objects in a list; their other parts go through as they are."""


@dataclass(frozen=True)
class Entity:
    """One kind of record."""

    name: str
    fields: tuple[Field, ...]
    label: str = ""
    key: tuple[str, ...] = ("id",)
    """Names of the fields that identify a record; empty where nothing does."""
    replication_key: str | None = None
    """The field that holds the time of the last change."""
    creation_key: str | None = None
    """The field that holds the time of creation."""
    label_fields: tuple[str, ...] = ()
    """The fields by which people call a record, one after the other."""
    implied: tuple[str, ...] = ()
    """Names of the mandatory fields that a create fills in by itself."""
    readable: bool = True
    creatable: bool = True
    why_not_creatable: str = ""
    """What keeps everybody from creating one, as a sentence without its end; empty: it is a question of rights."""
    updatable: bool = True
    deletable: bool = True
    shard: Shard | None = None
    """The part of its records that is read; None: all are."""
    left: Ranges | None = None
    """The ids of the records that are read; None: all are."""
    lacks_choices: str = ""
    """Why values of pick lists are missing here that the CRM has, as a sentence; empty: none are."""
    private: Mapping[str, Any] = field(default_factory=dict)
    """What only the system's own code needs."""

    def field(self, name: str) -> Field | None:
        """The field called ``name``, or None."""
        return self.by_name.get(name)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Its fields by their names."""
        return {each.name: each for each in self.fields}

    @property
    def label_field(self) -> str | None:
        """The field by which people call a record, where one alone does."""
        return self.label_fields[0] if len(self.label_fields) == 1 else None


class _Valued(Protocol):
    """A raw row, or a record of either kind."""

    def get(self, name: str, /) -> Any:
        """The value of a field; None where it has none."""


def joined(key: Sequence[str], record: _Valued) -> str:
    """The parts of a key as one text; :func:`parted` takes it apart again."""
    return "|".join([str(record.get(name)) for name in key])


def parted(key: Sequence[str], identifier: str) -> dict[str, str]:
    """The parts of a key by their fields; the last of them may hold a ``|``.

    Raises:
        ValueError: there are too few.
    """
    return dict(zip(key, identifier.split("|", len(key) - 1), strict=True))
