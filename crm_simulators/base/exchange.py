"""One request and one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Call:
    """One request as it came in."""

    number: int
    """Counts from 1 since the simulator was started or its log cleared."""
    at: float
    """``time.monotonic()`` on arrival, in seconds."""
    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    """The fields of a form-urlencoded body, else empty."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
