"""Files of records: how a CRM lists, hands out and takes them, and the records by which streams carry them."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from crm_systems.errors import NotOffered
from crm_systems.model import Entity, Field, File, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from crm_systems.model import Call

FILES = "_files"
"""The files of ``Documents`` are the entity ``Documents_files``."""
FILE_KEY = ("id", "attachment_id")
"""The fields that identify a file: its record, and which of its files it is."""
CONTENT, PATH = "content", "path"
"""The fields that bring a file: its bytes as base64, or where it lies below a folder."""


@dataclass(frozen=True)
class Attachment:
    """A file that a record has."""

    identifier: str
    """Of the file; another file has another one, also in the same record."""
    size: int | None = None
    """Bytes, where the record tells."""


class FileFields(NamedTuple):
    """The names of the fields that tell a file's name and its media type; empty where there is none."""

    name: str = ""
    media_type: str = ""


class HasFiles:
    """The part of a CRM that keeps files; what is not overridden is not offered."""

    title: ClassVar[str]
    offers_files: ClassVar[bool] = False

    def has_files(self, entity: Entity) -> bool:
        """Whether records of this entity may have files."""
        return False

    def largest_file(self, entity: Entity) -> int | None:
        """How many bytes a file may have that is sent; None where the CRM does not say."""
        return None

    def holds_one_file(self, entity: Entity) -> bool:
        """Whether a record has one file at the most, so that another one takes its place."""
        return False

    def file_fields(self, entity: Entity) -> FileFields:
        """The fields that tell of a record's file."""
        return FileFields()

    def attachments(self, entity: Entity, record: Mapping[str, Any]) -> list[Attachment]:
        """The files of a record, which may be raw or typed."""
        return []

    def read_file(self, call: Call, entity: Entity, identifier: str) -> File:
        """The file with the id of an attachment.

        Raises:
            Rejected, Denied, ServerFault, ProtocolError: the CRM does not hand it out, or not whole.
            NotOffered: this server hands out none.
        """
        raise NotOffered(f"{self.title} hands out no files")


def file_of(name: str, content: bytes, media_type: str = "") -> File:
    """A file; its media type is guessed from its name where it is not given."""
    guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(name, guessed, sha256(content).hexdigest(), content)


def entity_of_files(owner: Entity) -> Entity:
    """The entity whose records are the files of another entity's records."""
    stamp = owner.field(owner.replication_key or "")
    return Entity(
        name=f"{owner.name}{FILES}",
        label=f"{owner.label or owner.name}: files",
        key=FILE_KEY,
        replication_key=owner.replication_key,
        fields=(
            Field("id", Kind.REFERENCE, "Record", mandatory=True, refers_to=(owner.name,)),
            Field("attachment_id", Kind.STRING, "Id of the file", writable=False),
            Field("name", Kind.STRING, "Name"),
            Field("media_type", Kind.STRING, "Media type"),
            Field("size", Kind.INTEGER, "Bytes", writable=False),
            Field("sha256", Kind.STRING, "SHA-256 of the content", writable=False),
            *([Field(stamp.name, stamp.kind, stamp.label, writable=False)] if stamp else []),
            Field(CONTENT, Kind.CONTENT, "Content as base64"),
            Field(PATH, Kind.CONTENT, "Path below files_path"),
        ),
        creatable=owner.updatable,
        updatable=owner.updatable,
        deletable=False,
    )
