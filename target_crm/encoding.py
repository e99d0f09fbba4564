"""Halves of surrogate pairs, which JSON can hold and UTF-8 cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENCODER = msgspec.json.Encoder()


def printable(written: str) -> str:
    """A text with halves of surrogate pairs written out, since UTF-8, and so no ledger and no log, can hold them."""
    return written if written.isascii() else written.encode("utf-8", "backslashreplace").decode()


def unwritable(record: Mapping[str, Any]) -> list[str]:
    """The fields that hold half a surrogate pair, in their values or names."""
    if is_writable(record):
        return []
    return [printable(name) for name, value in record.items() if not is_writable([name, value])]


def is_writable(value: Any) -> bool:
    """Whether UTF-8 can hold a JSON value: it has no half of a surrogate pair."""
    try:
        _ENCODER.encode(value)
    except UnicodeEncodeError:
        return False
    except (TypeError, RecursionError):
        # What the quick way cannot write goes another.
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            return False
    return True
