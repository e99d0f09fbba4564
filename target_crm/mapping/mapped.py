"""A record in the terms of a CRM."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What is known of a record that is not looked at."""


@dataclass
class Mapped:
    """A record in the terms of the CRM."""

    values: dict[str, Any] = field(default_factory=dict)
    """Typed values by field of the entity; None blanks a field."""
    otherwise: dict[str, Any] = field(default_factory=dict)
    """The fields that came in as something else: references, as they came in."""
    brought: dict[str, Any] = field(default_factory=dict)
    """What brings a file, by field."""
    open_links: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """Fields whose reference cannot be set yet, the entities that it may point to and the key that it names."""

    @property
    def as_given(self) -> dict[str, Any]:
        """The values with references as they came in: what a later run can be compared with."""
        return {**self.values, **self.otherwise}
