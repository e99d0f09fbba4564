"""Files on their way in: from a record's `content` or `path` to what a CRM takes."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT, PATH, FileFields, Folder, FolderError, file_of
from crm_systems.errors import ConfigError
from crm_systems.kinds import Reader
from crm_systems.model import Field, Kind
from crm_systems.wire import is_empty
from target_crm.outcome import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.model import Entity, File, Row
    from crm_systems.system import System

FIELDS = (Field(CONTENT, Kind.CONTENT, readable=False), Field(PATH, Kind.CONTENT, readable=False))


def with_file_fields(entity: Entity, system: System) -> Entity:
    """The entity with the fields that bring a file, if its records may have one and it has no field called so."""
    if not system.has_files(entity) or entity.field(CONTENT):
        return entity
    return replace(entity, fields=(*entity.fields, *(each for each in FIELDS if entity.field(each.name) is None)))


def brings_files(entity: Entity, targets: Iterable[str | None]) -> bool:
    """Whether one of these fields of an entity brings a file."""
    return not _bringing(entity).isdisjoint(targets)


def _bringing(entity: Entity) -> set[str]:
    return {each.name for each in entity.fields if each.kind is Kind.CONTENT}


class FileReader(Reader):
    """Gives, in the place of a file's content, the ids of the files that a record has: another file has another id."""

    def __init__(self, entity: Entity, system: System) -> None:
        super().__init__(entity, system.notation)
        self._system = system

    def __call__(self, row: Row) -> Row:
        """The typed record of a raw row."""
        return {**super().__call__(row), CONTENT: held_by(self.entity, row, self._system)}


def held_by(entity: Entity, row: Row, system: System) -> str:
    """The ids of the files that a record has; empty where it has none."""
    return " ".join(each.identifier for each in system.attachments(entity, row))


class Uploads:
    """Makes files of what records bring; ``path`` is the folder that their paths are relative to, if there is one."""

    def __init__(self, system: System, path: str | None) -> None:
        self._system = system
        self._folder = Folder(path) if path else None

    def check(self, entity: Entity, targets: Iterable[str | None]) -> None:
        """Stops before the first write where paths cannot be followed.

        Raises:
            ConfigError: they cannot.
        """
        if _bringing(entity).intersection(targets) == {PATH} and self._folder is None:
            raise ConfigError(
                f"Files cannot be written to {entity.name}", hint="`files_path` must say where those of its records lie"
            )

    def fields_of(self, entity: Entity) -> FileFields:
        """The fields of an entity that tell of a record's file."""
        return self._system.file_fields(entity)

    def file(self, entity: Entity, brought: Mapping[str, Any], name: Any, media_type: Any) -> File | None:
        """The file that a record brings; None where it brings none.

        Raises:
            Reject: it cannot be had, or is larger than the CRM takes.
        """
        most = self._system.largest_file(entity)
        content = self._content(brought, most)
        if content is None:
            return None
        _check_size(len(content), most)
        known = str(name or "") or str(brought.get(PATH) or "").rpartition("/")[2] or "file"
        return file_of(known, content, str(media_type or ""))

    def _content(self, brought: Mapping[str, Any], most: int | None) -> bytes | None:
        content, path = brought.get(CONTENT), brought.get(PATH)
        if not is_empty(content):
            try:
                return b64decode("".join(str(content).split()), validate=True)
            except ValueError:
                raise Reject("its content is no base64") from None
        if is_empty(path):
            return None
        if self._folder is None:
            raise Reject("its path cannot be followed, since `files_path` is not set")
        try:
            # Before it fills the memory.
            _check_size(self._folder.size(str(path)) or 0, most)
            return self._folder.read(str(path))
        except FolderError as error:
            raise Reject(f"its path {error}") from None


def _check_size(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise Reject(f"its file has {size:,} bytes, and the CRM takes no more than {most:,}")
