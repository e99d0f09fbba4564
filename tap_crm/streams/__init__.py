"""The streams: of records, of their files and relations, and of what the CRM says of its fields."""

from tap_crm.streams.descriptions import FieldStream, PicklistStream
from tap_crm.streams.files import FileStream, is_of_files
from tap_crm.streams.relations import RelationStream, is_of_relations, relation_streams
from tap_crm.streams.stream import CrmStream

__all__ = [
    "CrmStream",
    "FieldStream",
    "FileStream",
    "PicklistStream",
    "RelationStream",
    "is_of_files",
    "is_of_relations",
    "relation_streams",
]
