"""Files of Vtiger's documents, comments, contacts and products (measured on 8.2.0 and 8.4.0)."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.beside import CONTENT, Attachment, FileFields, HasFiles, file_of
from crm_systems.errors import OF_ONE_RECORD, NotOffered, OutcomeUnknown, ProtocolError, Rejected
from crm_systems.model import File, Kind, Request
from crm_systems.rows import is_whole_number
from crm_systems.vtiger.answers import ID, RECORD, UNKNOWN, retrieve
from crm_systems.vtiger.describe import ATTACHMENTS, READ_ONLY
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row

SEVERAL = frozenset({"ModComments", "Products", "Contacts"})
"""Modules whose records may have several files; another image is added to those that are there (measured on 8.0.0)."""


class VtigerFiles(HasFiles):
    """Reads files by ``files_retrieve``, and sends them as a part of ``create`` and ``update``."""

    offers_files: ClassVar[bool] = True
    _version: str = ""
    """That of the server, as the login tells it."""

    def has_files(self, entity: Entity) -> bool:
        """Whether rows may name attachments; those of berliCRM, a 6.5, never do (measured)."""
        if self._version.startswith("6."):
            return False
        return entity.key == ("id",) and entity.field(ATTACHMENTS) is not None and bool(self.file_fields(entity).name)

    def largest_file(self, entity: Entity) -> int | None:
        """As describe says of the field; of images it says nothing."""
        told: int | None = entity.private.get("largest_file")
        return told

    def holds_one_file(self, entity: Entity) -> bool:
        """Documents do."""
        return entity.name not in SEVERAL

    def file_fields(self, entity: Entity) -> FileFields:
        """The field of the type file or image; documents tell the media type as well."""
        name = next((field.name for field in entity.fields if field.kind is Kind.FILE), "")
        return FileFields(name, "filetype" if entity.field("filetype") else "")

    def attachments(self, entity: Entity, record: Mapping[str, Any]) -> list[Attachment]:
        """What ``imageattachmentids`` names; only documents, which have one file, tell its size."""
        found = ID.findall(str(record.get(ATTACHMENTS) or ""))
        size = record.get("filesize") if len(found) == 1 else None
        return [Attachment(each, int(size) if is_whole_number(size) else None) for each in found]

    def read_file(self, call: Call, entity: Entity, identifier: str) -> File:
        """By the id of the attachment; the record's own finds nothing (measured)."""
        about = f"{entity.name}: read a file"
        request = Request(
            "GET", about, query={"operation": "files_retrieve", "id": identifier}, shape=[{"filecontents": str}]
        )
        try:
            rows = call(request)
        except Rejected as error:
            if error.code == UNKNOWN:
                raise NotOffered("The CRM hands out no files", code=error.code) from None
            raise
        told = rows[0] if len(rows) == 1 else {}
        try:
            content = b64decode(told["filecontents"], validate=True)
        except (KeyError, ValueError):
            raise ProtocolError(f"{about}: the answer holds no file") from None
        is_other = str(told.get("fileid", "")) not in {"", identifier.partition("x")[2]}
        if is_other or str(told.get("filesize", len(content))) != str(len(content)):
            raise ProtocolError(f"{about}: the answer holds another file, or not all of it")
        return file_of(str(told.get("filename") or ""), content, str(told.get("filetype") or ""))

    def replace_file(self, call: Call, entity: Entity, current: Row, whole: Row, changed: Mapping[str, Any]) -> Row:
        """Changes a record and its file by ``update``; ``revise`` says that it did and keeps the old one (measured).

        ``update`` spoils texts that it is not given (measured), so it is given all of them. It drops the old file also
        where it does not take the new one, such as one above PHP's limit, which may be below what describe says
        (measured on 8.0.0), so the old one is read before and put back.

        Raises:
            Rejected: the record does not have the file.
        """
        old = ID.findall(str(current.get(ATTACHMENTS) or ""))
        had: list[File] = []
        for each in old:
            with suppress(NotOffered, *OF_ONE_RECORD):
                had.append(self.read_file(call, entity, each))
        kept = {name: value for name, value in whole.items() if _is_kept(entity, name, value)} | {"id": current["id"]}
        if entity.name in SEVERAL and changed[CONTENT].sha256 in {each.sha256 for each in had}:
            # A run that was cut off has added it.
            return _update(call, entity, kept | {each: changed[each] for each in changed if each != CONTENT}, current)
        row = _update(call, entity, {**kept, **changed}, current)
        if row.get(ATTACHMENTS) and row[ATTACHMENTS] != current.get(ATTACHMENTS):
            return row
        is_lost = bool(old) and not row.get(ATTACHMENTS)
        if is_lost and len(had) == 1 and had[0].content:
            is_lost = not _update(call, entity, {**kept, CONTENT: had[0]}, row).get(ATTACHMENTS)
        raise Rejected(
            f"{entity.name}: the CRM does not take the file{' and dropped the one that was there' * is_lost}"
        )


def with_file(entity: Entity, element: dict[str, Any]) -> dict[str, File]:
    """Takes the file out of what is to be written, and gives it by the name of its part.

    Vtiger fails (HTTP 500) over one that does not come as a list of files, but for documents (measured on 8.4.0 for
    comments, on 8.0.0 for images).

    Raises:
        Rejected: it is empty; such a one only takes away what is there (measured).
    """
    file = element.get(CONTENT)
    if not isinstance(file, File):
        return {}  # A module may have a field of that name, as coreBOS's cbMap (measured).
    if not file.content:
        raise Rejected(f"{entity.name}: the CRM keeps no file of 0 bytes")
    del element[CONTENT]
    name = next(field.name for field in entity.fields if field.kind is Kind.FILE)
    element.pop(name, None)
    if not entity.field("filelocationtype"):
        return {f"{name}[]": file}
    element["filelocationtype"] = "I"
    return {name: file}


def _update(call: Call, entity: Entity, element: dict[str, Any], current: Row) -> Row:
    """The record after an ``update``; where that may add a file twice, a lost answer is settled by looking."""
    files = with_file(entity, element)
    form = {"operation": "update", "element": json.dumps(element)}
    again = entity.name not in SEVERAL
    update = Request("POST", f"{entity.name}: update", form=form, files=files, repeatable=again, shape=RECORD)
    for _attempt in range(2):
        try:
            row: Row = call(update)
        except OutcomeUnknown as error:
            lost = error
        else:
            return row
        row = retrieve(call, entity.name, element["id"])
        if row.get(ATTACHMENTS) != current.get(ATTACHMENTS):
            return row
    raise lost


def _is_kept(entity: Entity, name: str, value: Any) -> bool:
    field = entity.field(name)
    return field is not None and field.writable and name not in READ_ONLY and not is_empty(value)
