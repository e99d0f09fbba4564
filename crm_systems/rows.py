"""What an answer must look like, whatever CRM gave it, and what a row in it must be: an object that has its key."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard
from unicodedata import category

from crm_systems.errors import ProtocolError
from crm_systems.model import joined

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crm_systems.model import Entity, Row


def rows_in(told: Any, about: str, key: Collection[str] = ()) -> list[Row]:
    """The rows of an answer that has to be a list of objects, each with its key.

    Raises:
        ProtocolError: it is something else, null for example, which is not the same as no rows.
    """
    if not isinstance(told, list) or not {dict}.issuperset(map(type, told)):
        raise ProtocolError(f"{about}: the answer is no list of records", hint="run again; else check `url`")
    for name in key:
        is_known = is_identifier if name == "id" else _is_one_value
        if not all(is_known(row.get(name)) for row in told):
            raise ProtocolError(f"{about}: a record comes without its `{name}`, by which it is known")
    return told


def _is_one_value(value: Any) -> bool:
    return value is not None and not isinstance(value, (dict, list))


def record_in(told: Any, about: str) -> Row:
    """The record in an answer that holds one.

    Raises:
        ProtocolError: it is no object, or an empty one.
    """
    if not isinstance(told, dict) or not told:
        raise ProtocolError(f"{about}: the answer is no record")
    return told


def record_with(told: Any, identifier: str, names: Collection[str], about: str) -> Row:
    """The record with an id in the answer to a question for it: the answer, or an object in it.

    ``names`` are those of the entity's fields: a part of the record, such as its owner, may have the same id.

    Raises:
        ProtocolError: the answer does not hold it.
    """
    whole = told if isinstance(told, dict) else {}
    if str(whole.get("id")) == identifier:
        return whole
    inner = [each for value in (whole.values() if whole else [told]) for each in _objects(value)]
    found = [each for each in inner if str(each.get("id")) == identifier and _known(each, names) > _known(whole, names)]
    if len(found) != 1:
        raise ProtocolError(f"{about}: the answer is not the record that was asked for")
    return found[0]


def _objects(value: Any) -> list[Row]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _known(row: Row, names: Collection[str]) -> int:
    return sum(name in names for name in row)


def key_of(entity: Entity, row: Row) -> str:
    """The key of a row as one text; empty where nothing identifies the entity's records.

    Raises:
        ProtocolError: the row does not have its key.
    """
    missing = missing_key(entity.key, row)
    if missing:
        raise ProtocolError(f"{entity.name}: the CRM gives a record without its key ({', '.join(missing)})")
    return joined(entity.key, row)


def missing_key(key: Sequence[str], row: Row) -> list[str]:
    """The parts of its key that a row does not have; an empty text may be one part of several."""
    return [name for name in key if not is_identifier(row.get(name)) and (len(key) == 1 or row.get(name) != "")]


def fits(value: Any, shape: Any) -> bool:
    """Whether a value has a shape.

    A shape is a type; ``[shape]``, a list of such; ``{name: shape}``, an object with at least these fields; or a
    function that says so.
    """
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and fits(value[name], shape[name]) for name in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
    return isinstance(value, shape) if isinstance(shape, type) else bool(shape(value))


def is_whole_number(value: Any) -> TypeGuard[int | str]:
    """A number, or a text of digits, as PHP may write one."""
    return (type(value) is int or (isinstance(value, str) and value.isdecimal())) and len(str(value)) < len("9" * 16)


def is_identifier(value: Any) -> bool:
    """Whether a value can name a record: a number, or a text that can be stored and shown."""
    if value.__class__ is int:
        return True
    if isinstance(value, str):
        is_plain = value.isprintable() or not any(category(char) in {"Cc", "Cs"} for char in value)
        return is_plain and value.strip() != ""
    return isinstance(value, Decimal)


def holds_rows(value: Any) -> bool:
    """Whether an answer is or has a list, and its lists hold objects."""
    parts = value.values() if isinstance(value, dict) else [value]
    lists = [part for part in parts if isinstance(part, list)]
    return bool(lists) and all({dict}.issuperset(map(type, rows)) for rows in lists)
