"""What happens to one record: found or not, decided, written once, settled and noted in the ledger."""

from target_crm.writing.beside import BesideWriter, RelatedAhead, RelationWriter
from target_crm.writing.conversion import CONVERT, convertible
from target_crm.writing.finding import Ahead
from target_crm.writing.planned import Planned
from target_crm.writing.uploading import FileWriter
from target_crm.writing.writer import Writer

__all__ = [
    "CONVERT",
    "Ahead",
    "BesideWriter",
    "FileWriter",
    "Planned",
    "RelatedAhead",
    "RelationWriter",
    "Writer",
    "convertible",
]
