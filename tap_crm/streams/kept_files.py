"""Files that are written into a folder, each once, and what is known of them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from crm_systems.beside import PATH, Folder, FolderError
from crm_systems.errors import ConfigError
from crm_systems.rows import fits

if TYPE_CHECKING:
    from crm_systems.model import File, Row

FACTS = {"name": str, "media_type": str, "size": int, "sha256": str}


def facts_of(file: File) -> Row:
    """What a record tells of a file, but for its content."""
    return {"name": file.name, "media_type": file.media_type, "size": len(file.content), "sha256": file.sha256}


class KeptFiles:
    """The files of one entity of the CRM ``place``: below the folder by their content, and a note of each by its id."""

    def __init__(self, folder: Folder, place: str, entity: str) -> None:
        self._folder = folder
        self._whose = f"{place} {entity}"

    def get(self, identifier: str) -> Row | None:
        """What is known of a file that is there already; None where it is not, or cannot be read."""
        try:
            facts: Any = json.loads(self._folder.read(self._note(identifier)))
            if not fits(facts, FACTS):
                return None
            path = self._folder.place(facts["sha256"])
            return {**facts, PATH: path} if self._folder.size(path) == facts["size"] else None
        except (FolderError, ValueError):
            return None

    def keep(self, identifier: str, file: File) -> Row:
        """Writes a file, and then the note of it.

        Raises:
            ConfigError: the folder cannot be used.
        """
        facts, path = facts_of(file), self._folder.place(file.sha256)
        try:
            if self._folder.size(path) != len(file.content):
                self._folder.write(path, file.content)
            self._folder.write(self._note(identifier), json.dumps(facts).encode())
        except FolderError as error:
            raise ConfigError(f"A file below `files_path` {error}", hint="check `files_path`") from None
        return {**facts, PATH: path}

    def _note(self, identifier: str) -> str:
        return f"known/{sha256(f'{self._whose} {identifier}'.encode()).hexdigest()}.json"
