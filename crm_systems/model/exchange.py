"""What is sent to a CRM, and what comes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

Row = dict[str, Any]
"""A record as the CRM gave it: field name to raw value."""


@dataclass(frozen=True)
class File:
    """A file of a record, as :func:`crm_systems.beside.file_of` makes it. It is known, and written out, by its hash."""

    name: str = field(repr=False, compare=False)
    media_type: str = field(repr=False, compare=False)
    sha256: str
    content: bytes = field(repr=False, compare=False)


class Request(msgspec.Struct, frozen=True):
    """One HTTP request, without what the session adds."""

    method: str
    about: str
    """What it does, for messages: an entity and an operation, never a value."""
    path: str = ""
    """Appended to the system's base address."""
    query: Mapping[str, str] = {}
    form: Mapping[str, str] | None = None
    files: Mapping[str, File] = {}
    """By part, what goes along with the form, in a body of several parts."""
    json: Any = None
    headers: Mapping[str, str] = {}
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

    def replace(self, **changes: Any) -> Request:
        """The same request with some of its parts changed."""
        return msgspec.structs.replace(self, **changes)


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def code(self) -> str:
        """The status as errors tell it, such as ``HTTP 404``."""
        return f"HTTP {self.status}"


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
    for it by :meth:`~crm_systems.system.System.compiled`. Either kind gives a value by its field's name."""
    unreadable: tuple[str, ...] = ()
    covers: tuple[int, int] | None = None
    """All that was to be read of the ids above the first and up to the second stands in this page and in earlier
    ones; None where rows are not read by id."""


@dataclass(frozen=True)
class Deletion:
    """A record that is gone."""

    identifier: str
    at: datetime | None = None
    """When it was deleted, as the CRM's wall clock shows it, aware; None where the CRM does not say."""


Call = Callable[[Request], Any]
"""Sends a request and gives the meaning of its answer; raises what :mod:`crm_systems.errors` lists."""

Walk = Callable[[Call], Iterator[Page]]
"""An independent chain of page requests; several may run at the same time."""
