"""What a :class:`~crm_systems.model.Kind` is in JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.model import Kind

if TYPE_CHECKING:
    from crm_systems.model import Field

_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.DATETIME: {"type": ["string", "null"], "format": "date-time"},
    Kind.MULTIPICKLIST: {"type": ["array", "null"], "items": {"type": "string"}},
    Kind.LIST: {"type": ["array", "null"], "items": {}},
    Kind.OBJECT: {"type": ["object", "null"], "additionalProperties": True},
    Kind.ANY: {"type": ["string", "number", "boolean", "array", "object", "null"], "items": {}},
}
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
"""What every other kind is."""


def json_schema(field: Field, *, key: bool = False, enum: bool = False) -> dict[str, Any]:
    """The JSON Schema of a field.

    ``enum`` lists a pick list's values as the only ones, although old records may hold values that have left it.
    """
    schema = {**_SCHEMAS.get(field.kind, _TEXT)}
    if key:
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    if field.label:
        schema["title"] = field.label
    schema["description"] = _description(field)
    if enum and field.choices:
        values = [choice.value for choice in field.choices]
        if field.kind is Kind.PICKLIST:
            schema["enum"] = [*dict.fromkeys(values), None]
        else:
            schema["items"] = {"type": "string", "enum": list(dict.fromkeys(values))}
    return schema


def json_types(kind: Kind) -> frozenset[str]:
    """The types that values of a kind have in JSON, beside null."""
    return frozenset(_SCHEMAS.get(kind, _TEXT)["type"]) - {"null"}


def _description(field: Field) -> str:
    words = [field.kind.value]
    if field.mandatory:
        words.append("mandatory")
    if not field.writable:
        words.append("read-only")
    if field.refers_to:
        words.append("refers to " + ", ".join(field.refers_to))
    if field.choices:
        shown = (
            choice.value if choice.label in {"", choice.value} else f"{choice.value} ({choice.label})"
            for choice in field.choices
        )
        words.append("values: " + ", ".join(shown))
    return "; ".join(words)
