"""Bodies for Egito: «JSON or POST parameters such as the browser sends when saving a form» (documented)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_systems.model import Row

FORM = "application/x-www-form-urlencoded"


def merged(record: Row, changes: Mapping[str, Any]) -> Row:
    """The whole record with the changes: parts of an object that nobody mentions stay, empty fields are left out."""
    whole = {name: value for name, value in record.items() if value is not None}
    for name, value in changes.items():
        before = record.get(name)
        if isinstance(before, dict):
            whole[name] = {**before, **(dict.fromkeys(before) if value is None else value)}
        else:
            whole[name] = value
    return whole


def form(record: Mapping[str, Any]) -> dict[str, str]:
    """A record as form parameters: ``mainPhoneNumber.prefix`` (documented), ``tags[0]`` (inferred)."""
    return {name: text for field, value in record.items() for name, text in _parameters(field, value)}


def dotted(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON without nested objects."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= dotted({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            found[name] = value
    return found


def _parameters(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for part, inner in value.items():
            yield from _parameters(f"{name}.{part}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _parameters(f"{name}[{index}]", inner)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
