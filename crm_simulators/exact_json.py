"""JSON with exact decimals: a :class:`~decimal.Decimal` leaves as ``10500.00``, not as ``10500.0``."""

from __future__ import annotations

import json
import re
import secrets
from decimal import Decimal
from typing import Any

_MARK = secrets.token_hex(8)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def dumps(value: Any) -> bytes:
    """UTF-8 JSON; a lone surrogate, which no database column can hold, becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, default=_default)
    return _MARKED.sub(r"\1", text).encode(errors="replace")


def loads(body: bytes) -> Any:
    """The value of a JSON document, fractions as decimals.

    Raises:
        ValueError: If it is not JSON as RFC 8259 has it; ``NaN`` and ``Infinity`` are not.
    """
    return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)


def _default(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value:f}"
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
