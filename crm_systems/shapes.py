"""What answers must look like, so that one of another shape is a failure with a sentence and never an empty record."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from unicodedata import category

ID = re.compile(r"[0-9]+x[0-9]+")


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


def is_whole_number(value: Any) -> bool:
    """A number, or a text of digits, as PHP may write one."""
    return (type(value) is int or (isinstance(value, str) and value.isdecimal())) and len(str(value)) < len("9" * 16)


def is_vtiger_id(value: Any) -> bool:
    """A text such as ``12x1062``."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_identifier(value: Any) -> bool:
    """Whether a value can name a record: a number, or a text that can be stored and shown."""
    if isinstance(value, str):
        return value.strip() != "" and not any(category(char) in {"Cc", "Cs"} for char in value)
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def holds_rows(value: Any) -> bool:
    """Whether an answer is or has a list, and its lists hold objects."""
    parts = value.values() if isinstance(value, dict) else [value]
    lists = [part for part in parts if isinstance(part, list)]
    return bool(lists) and all(isinstance(row, dict) for rows in lists for row in rows)
