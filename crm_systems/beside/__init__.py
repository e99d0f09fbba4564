"""What records have beside their fields: files, and relations that are no fields. A CRM may offer them, or not."""

from crm_systems.beside.files import (
    CONTENT,
    FILE_KEY,
    FILES,
    PATH,
    Attachment,
    FileFields,
    HasFiles,
    entity_of_files,
    file_of,
)
from crm_systems.beside.folder import Folder, FolderError
from crm_systems.beside.relations import RELATION_KEY, RELATIONS, HasRelations, Relation, entity_of_relations

__all__ = [
    "CONTENT",
    "FILES",
    "FILE_KEY",
    "PATH",
    "RELATIONS",
    "RELATION_KEY",
    "Attachment",
    "FileFields",
    "Folder",
    "FolderError",
    "HasFiles",
    "HasRelations",
    "Relation",
    "entity_of_files",
    "entity_of_relations",
    "file_of",
]
