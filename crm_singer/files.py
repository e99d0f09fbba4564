"""Files of JSON that people and orchestrators hand in: settings, states and catalogs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class FileError(Exception):
    """A file that cannot be used; the text is the rest of a sentence that begins with the file."""


def settings_in(name: str) -> dict[str, Any]:
    """The settings in a configuration file, which may be a pipe.

    Raises:
        FileError: it holds none.
    """
    try:
        found = json_in(text_of(Path(name).read_bytes()))
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})") from None
    if not isinstance(found, dict):
        raise FileError("is no JSON object")
    return found


def text_of(data: bytes) -> str:
    """The text of a file; what people keep is UTF-8, or shows that it is not.

    Raises:
        FileError: it is neither.
    """
    try:
        return data.decode(json.detect_encoding(data))
    except ValueError:
        raise FileError("is neither UTF-8 nor UTF-16") from None


def json_in(text: str) -> Any:
    """What a text of JSON says, without NaN, infinities and a name that means two things.

    Raises:
        FileError: it is none; none of its values is repeated.
    """
    try:
        return json.loads(text, parse_constant=_refused, parse_float=_finite, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0) if "\n" in text.strip() else 0
        raise FileError(f"is no JSON{f' (line {line})' if line else ''}" if text.strip() else "is empty") from None


def _refused(_constant: str) -> None:
    raise ValueError


def _finite(written: str) -> float:
    if abs(number := float(written)) == float("inf"):
        raise ValueError
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise FileError(f"says twice what `{name}` is")
        found[name] = value
    return found
