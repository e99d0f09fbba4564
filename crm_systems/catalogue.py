"""Entities of systems that cannot describe themselves: the files under ``schemas/<system>/``.

A file, called as its entity, holds what :class:`~crm_systems.model.Entity` has, and in ``fields``, by name, what
:class:`~crm_systems.model.Field` has. ``schemas/README.md`` says what ``private`` may hold.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_systems.model import Choice, Entity, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable


@cache
def catalogue(system: str) -> Mapping[str, Entity]:
    """The entities of a system, by name, in the order of their names."""
    found = {each.name: each for each in _folder().joinpath(system).iterdir()}
    names = (name.removesuffix(".json") for name in sorted(found) if name.endswith(".json"))
    return {name: _entity(name, json.loads(found[f"{name}.json"].read_text("utf-8"))) for name in names}


def _folder() -> Traversable:
    """Beside the code in an installed wheel, at the top level in a checkout."""
    installed = files("crm_systems").joinpath("schemas")
    return installed if installed.is_dir() else Path(__file__).parent.parent / "schemas"


def _entity(name: str, told: dict[str, Any]) -> Entity:
    fields = tuple(_field(field, facts) for field, facts in told.pop("fields").items())
    told |= {part: tuple(told[part]) for part in ("key", "label_fields", "implied") if part in told}
    return Entity(name=name, fields=fields, **told)


def _field(name: str, told: dict[str, Any]) -> Field:
    return Field(
        name=name,
        kind=Kind(told.pop("kind")),
        choices=tuple(Choice(str(value), label) for value, label in told.pop("choices", {}).items()),
        refers_to=tuple(told.pop("refers_to", ())),
        items=tuple(_field(item, facts) for item, facts in told.pop("items", {}).items()),
        **told,
    )
