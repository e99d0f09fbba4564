"""The stream of the files of one entity's records."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from crm_systems.beside import CONTENT, FILE_KEY, FILES, PATH, Attachment, Folder, entity_of_files
from crm_systems.compiled import Record
from crm_systems.errors import ConfigError, CrmError, Rejected
from tap_crm.streams.beside import ChangedRecords
from tap_crm.streams.kept_files import KeptFiles, facts_of
from tap_crm.streams.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk import Tap

    from crm_systems.model import Entity, Row
    from tap_crm.run import Run

MIB = 1 << 20


class FileStream(ChangedRecords):
    """Reads the records that were changed, and of each its files; it has a bookmark of its own."""

    @classmethod
    def of(cls, tap: Tap, run: Run, entity: Entity) -> FileStream:
        """The stream of the files of an entity that was just described."""
        told, left_out = entity_of_files(entity), PATH if run.settings["files"] == "content" else CONTENT
        told = replace(told, fields=tuple(field for field in told.fields if field.name != left_out))
        schema = schema_of(told, enums=False, deletions=False)
        return cls(tap, run, name=told.name, schema=schema, key=FILE_KEY, replication_key=told.replication_key)

    @property
    def entity(self) -> Entity:
        """The entity whose files are read."""
        if self._entity is None:
            self._entity = self.run.describe(self.name.removesuffix(FILES))
        return self._entity

    def _pages(self) -> Iterator[Sequence[Row | Record]]:
        """One file after the other; a few are fetched at the same time where the server bears it."""
        system = self.run.client.system
        for page in self.changed():
            rows = [each.row() if isinstance(each, Record) else each for each in page]
            wanted = [(row, each) for row in rows for each in system.attachments(self.entity, row)]
            for (row, attachment), facts in self._asked(lambda pair: self._facts(pair[1]), wanted):
                if isinstance(facts, CrmError):
                    self.miss(f"{self.name}: the file of {self.key_of(row)} is missing: {facts}")
                else:
                    key = dict(zip(FILE_KEY, (self.key_of(row), attachment.identifier), strict=True))
                    stamp = {name: row.get(name) for name in [self.entity.replication_key] if name}
                    yield [self._selected(key | facts | stamp)]
        self.settle()

    def _facts(self, attachment: Attachment) -> Row:
        """What the record of a file tells.

        Raises:
            Rejected, Denied, ProtocolError, ServerFault: it cannot be had, or is too large.
            ConfigError: it cannot be written to the folder.
        """
        known = self._kept.get(attachment.identifier) if self._kept else None
        if known:
            return known
        self._check_size(attachment.size)
        file = self.run.client.system.read_file(self.run.client.call, self.entity, attachment.identifier)
        if self._kept:
            return self._kept.keep(attachment.identifier, file)
        self._check_size(len(file.content))
        return {**facts_of(file), CONTENT: b64encode(file.content).decode()}

    def _check_size(self, size: int | None) -> None:
        most = self.run.settings["largest_file_mib"] * MIB
        if size and size > most and not self._kept:
            raise Rejected(f"it has {size:,} bytes", hint="raise `largest_file_mib`, or set `files` to folder")

    @cached_property
    def _kept(self) -> KeptFiles | None:
        """The folder into which the files are written; None where they leave with their records."""
        if PATH not in self.schema["properties"]:
            return None
        settings, system = self.run.settings, self.run.client.system
        if not settings["files_path"]:
            raise ConfigError(f"{self.name}: `files_path` is not set", hint="the catalog wants files in a folder")
        return KeptFiles(Folder(settings["files_path"]), system.place(settings["url"]), self.entity.name)


def is_of_files(name: str, key: Sequence[str]) -> bool:
    """Whether a stream of a catalog is one of files."""
    return name.endswith(FILES) and tuple(key) == FILE_KEY
