"""From an incoming record to what a CRM takes: which fields, values, owners, references and files, and which key."""

from target_crm.mapping.checking import Check
from target_crm.mapping.deleted import is_gone, is_said, is_singers
from target_crm.mapping.identity import Identity
from target_crm.mapping.mapped import NOTHING, Mapped
from target_crm.mapping.mapper import Mapper
from target_crm.mapping.owners import Owners
from target_crm.mapping.references import TO_BE_CREATED, References
from target_crm.mapping.uploads import FileReader, Uploads, brings_files, with_file_fields

__all__ = [
    "NOTHING",
    "TO_BE_CREATED",
    "Check",
    "FileReader",
    "Identity",
    "Mapped",
    "Mapper",
    "Owners",
    "References",
    "Uploads",
    "brings_files",
    "is_gone",
    "is_said",
    "is_singers",
    "with_file_fields",
]
