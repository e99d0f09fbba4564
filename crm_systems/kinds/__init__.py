"""The type table: what each kind of field is in JSON Schema, and how a CRM's value becomes one of it."""

from crm_systems.kinds.reader import FREE_TEXTS, TEXTS, Reader, Values
from crm_systems.kinds.schema import json_schema, json_types
from crm_systems.kinds.values import (
    Notation,
    Plain,
    boolean,
    converter,
    is_no_number,
    json_number,
    list_of_any,
    number,
    of_php,
    opened_json,
    reference,
    several,
    text,
)

__all__ = [
    "FREE_TEXTS",
    "TEXTS",
    "Notation",
    "Plain",
    "Reader",
    "Values",
    "boolean",
    "converter",
    "is_no_number",
    "json_number",
    "json_schema",
    "json_types",
    "list_of_any",
    "number",
    "of_php",
    "opened_json",
    "reference",
    "several",
    "text",
]
