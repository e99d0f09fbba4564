"""The words in which a CRM is described: frozen data without behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

Row = dict[str, Any]
"""A record as the CRM gave it: field name to raw value."""


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
    readable: bool = True
    creatable: bool = True
    why_not_creatable: str = ""
    """What keeps everybody from creating one, as a sentence without its end; empty: it is a question of rights."""
    updatable: bool = True
    deletable: bool = True
    lacks_choices: str = ""
    """Why values of pick lists are missing here that the CRM has, as a sentence; empty: none are."""
    private: Mapping[str, Any] = field(default_factory=dict)
    """What only the system's own code needs."""

    def field(self, name: str) -> Field | None:
        """The field called ``name``, or None."""
        return next((each for each in self.fields if each.name == name), None)

    @property
    def label_field(self) -> str | None:
        """The field by which people call a record, where one alone does."""
        return self.label_fields[0] if len(self.label_fields) == 1 else None


@dataclass(frozen=True)
class File:
    """A file of a record, as :func:`crm_systems.beside.file_of` makes it. It is known, and written out, by its hash."""

    name: str = field(repr=False, compare=False)
    media_type: str = field(repr=False, compare=False)
    sha256: str
    content: bytes = field(repr=False, compare=False)


@dataclass(frozen=True)
class Request:
    """One HTTP request, without what the session adds."""

    method: str
    about: str
    """What it does, for messages: an entity and an operation, never a value."""
    path: str = ""
    """Appended to the system's base address."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    """By part, what goes along with the form, in a body of several parts."""
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """May be sent again when nobody knows whether it was carried out."""
    patient: bool = True
    """Is sent a few times before it is taken for the reason of a fault; a probe is not. Outages are waited out."""
    shape: Any = object
    """What the meaning of its answer looks like, for :func:`crm_systems.rows.fits`; anything else is an error."""
    decode: Callable[[bytes], Any] | None = None
    """Gives the meaning of a usual answer at once, in the right shape, or None: then it is read with care."""
    before_send: Callable[[], None] | None = None
    """Called right before each try, after all waits, by the thread that sends; what it raises goes through."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Session:
    """A login: what :meth:`System.sign` needs to sign requests."""

    values: Mapping[str, str] = field(default_factory=dict)
    server_time: datetime | None = None
    """The server's clock at login, aware, in UTC; None where the server does not tell."""


@dataclass(frozen=True)
class Page:
    """Rows read together, and the ids of rows that the server could not hand out."""

    rows: list[Row]
    """As the CRM gave them; all of a page may be :class:`~crm_systems.compiled.Record` where the one who reads asked
    for it by :meth:`~crm_systems.system.System.straight`. Either kind gives a value by its field's name."""
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deletion:
    """A record that is gone."""

    identifier: str
    at: datetime | None = None
    """When it was deleted, as the CRM's clock on the wall shows it, aware; None where the CRM does not say."""


@dataclass(frozen=True)
class Abilities:
    """What works with a system, in words, for the table in the README."""

    reads: str
    changes: str
    """How reading only what was changed works."""
    deletions: str
    writes: str


@dataclass(frozen=True)
class Limits:
    """What a server bears, unless a setting says otherwise."""

    page_size: int
    parallel_requests: int = 1
    parallel_writes: int = 1
    requests_per_second: float | None = None


MOST = 1_000_000_000
"""No number that a setting holds is larger; clocks and sockets fail over larger ones in words of their own."""
TEXTS = {"type": "string"}
"""The JSON Schema of what an object of names holds."""


@dataclass(frozen=True)
class Setting:
    """One setting.

    ``kind`` is a JSON Schema type, ``date-time``, ``timezone``, ``url``, ``names``: an object that gives each name a
    text, or ``any``: a text or a list of texts.
    """

    name: str
    kind: str
    title: str
    description: str
    required: bool = False
    secret: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float = MOST

    def json_schema(self) -> dict[str, Any]:
        """The setting as a property of a JSON Schema."""
        schema: dict[str, Any] = {"title": self.title, "description": self.description}
        if self.kind == "any":
            # Without a type, the SDK could not read it from the environment.
            schema["anyOf"] = [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]
        else:
            own = self.kind if self.kind in {"integer", "number", "boolean", "array", "object"} else "string"
            schema["type"] = ["object" if self.kind == "names" else own, "null"]
        if self.kind == "names":
            schema["additionalProperties"] = TEXTS
        if self.kind == "array":
            schema["items"] = {"type": ["string", "integer"]}
        if self.kind == "date-time":
            schema["format"] = "date-time"
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = [*self.choices, *([] if self.required else [None])]
        if self.secret:
            schema |= {"secret": True, "writeOnly": True}
        return schema


Call = Callable[[Request], Any]
"""Sends a request and gives the meaning of its answer; raises what :mod:`crm_systems.errors` lists."""

Walk = Callable[[Call], Iterator[Page]]
"""An independent chain of page requests; several may run at the same time."""
