"""The JSON Schema of an entity's records, and the entity that such a schema tells of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED_AT
from crm_systems import kinds
from crm_systems.model import Entity, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS = {kind.value: kind for kind in Kind}
_OF_TYPE = {
    "string": Kind.STRING,
    "number": Kind.NUMBER,
    "integer": Kind.INTEGER,
    "boolean": Kind.BOOLEAN,
    "array": Kind.LIST,
    "object": Kind.OBJECT,
}
_OF_FORMAT = {"date": Kind.DATE, "date-time": Kind.DATETIME}
"""What a field is whose type somebody chose; of several types, the first of these."""


def schema_of(entity: Entity, *, enums: bool, deletions: bool) -> dict[str, Any]:
    """The JSON Schema of an entity's records."""
    properties = {
        field.name: kinds.json_schema(field, key=field.name in entity.key, enum=enums)
        for field in entity.fields
        if field.readable
    }
    if deletions:
        properties[DELETED_AT] = {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "when the deletion was noticed; null for a record that is there",
        }
    return {"type": "object", "properties": properties}


def entity_of(name: str, schema: Mapping[str, Any], key: Sequence[str], replication_key: str | None) -> Entity | None:
    """The entity as discovery wrote it into a schema, so that the CRM need not describe it again.

    None where the schema does not tell, as one written by hand.
    """
    fields = [_field(field, facts) for field, facts in schema["properties"].items() if field != DELETED_AT]
    known = {field.name for field in fields if field}
    needed = {*key, *([replication_key] if replication_key else [])}
    if not all(fields) or not needed <= known:
        return None
    return Entity(name, tuple(field for field in fields if field), key=tuple(key), replication_key=replication_key)


def with_fields_of(schema: Mapping[str, Any], entity: Entity, *, flattened: bool) -> Entity:
    """The entity with the fields that a catalog has, also where no record that the CRM was described by shows them.

    What the catalog takes for a text stays one, although records show something else by now. So does whatever they
    would not fit into any more, since the target was told its type, which somebody may have changed in the catalog.
    Flattening tells the target of texts where any value may come, and leaves those that are none but lists and objects.
    """
    fields = []
    for name, facts in schema["properties"].items():
        told = _field(name, facts)
        field = entity.field(name) or told or Field(name, Kind.ANY)
        if told and (told.kind in kinds.TEXTS or not kinds.json_types(field.kind) <= kinds.json_types(told.kind)):
            field = replace(field, kind=told.kind)
        if not _fits(field.kind, facts):
            field = replace(field, kind=_chosen(facts))
        if flattened and field.kind is Kind.ANY:
            field = replace(field, kind=Kind.STRING)
        fields.append(replace(field, readable=True))
    return replace(entity, fields=tuple(each for each in fields if each.name != DELETED_AT))


def _field(name: str, facts: Mapping[str, Any]) -> Field | None:
    """The description of a field begins with its kind; None where there is none, or its type is another by now."""
    kind = _KINDS.get(str(facts.get("description")).partition(";")[0])
    return Field(name, kind) if kind and _fits(kind, facts) else None


def _fits(kind: Kind, facts: Mapping[str, Any]) -> bool:
    """Whether values of a kind are what a schema says; one that names no type takes them all."""
    types = _types(facts)
    is_as_told = kinds.json_types(kind) <= types and _OF_FORMAT.get(str(facts.get("format"))) in {None, kind}
    return is_as_told or not types & _OF_TYPE.keys()


def _chosen(facts: Mapping[str, Any]) -> Kind:
    """The kind of the first type that a schema names, in the order of ours."""
    kind = next(kind for name, kind in _OF_TYPE.items() if name in _types(facts))
    return _OF_FORMAT.get(str(facts.get("format")), kind) if kind is Kind.STRING else kind


def _types(facts: Mapping[str, Any]) -> set[str]:
    """The types that a schema names; a whole number is a number."""
    told = facts.get("type") or ()
    types = {told} if isinstance(told, str) else set(told)
    return types | {"integer"} if "number" in types else types
