"""What a system can do, what its server bears, and what can be set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Abilities:
    """What works with a system, in words, for the table in the README."""

    reads: str
    changes: str
    """How reading only what was changed works."""
    deletions: str
    writes: str


@dataclass(frozen=True)
class Limits:
    """What a server bears, unless a setting says otherwise."""

    page_size: int
    parallel_requests: int = 1
    parallel_writes: int = 1
    requests_per_second: float | None = None


MOST = 1_000_000_000
"""No number that a setting holds is larger; clocks and sockets fail over larger ones in words of their own."""
A_TEXT = {"type": "string"}
"""The JSON Schema of what an object of names holds."""


SettingKind = Literal[
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "object",
    "date-time",
    "timezone",
    "url",
    "numbers",
    "names",
    "any",
]
"""A type of JSON Schema, or what its name says; ``numbers``: a list of whole ones, ``names``: an object that gives each
name a text, ``any``: a text or a list of texts."""
LIKE = {"numbers": "array", "names": "object", "date-time": "string", "timezone": "string", "url": "string"}
"""The types of JSON Schema of the kinds that are none."""


@dataclass(frozen=True)
class Setting:
    """One setting."""

    name: str
    kind: SettingKind
    title: str
    description: str
    required: bool = False
    secret: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float = MOST

    def json_schema(self) -> dict[str, Any]:
        """The setting as a property of a JSON Schema."""
        schema: dict[str, Any] = {"title": self.title, "description": self.description}
        if self.kind == "any":
            # Without a type, the SDK could not read it from the environment.
            schema["anyOf"] = [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]
        else:
            schema["type"] = [LIKE.get(self.kind, self.kind), "null"]
        if self.kind == "names":
            schema["additionalProperties"] = A_TEXT
        if self.kind in {"array", "numbers"}:
            schema["items"] = {"type": ["string", "integer"]}
        if self.kind == "date-time":
            schema["format"] = "date-time"
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = [*self.choices, *([] if self.required else [None])]
        if self.secret:
            schema |= {"secret": True, "writeOnly": True}
        return schema
