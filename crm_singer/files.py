"""Files of JSON that people and orchestrators hand in: settings, states and catalogs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any, NoReturn

from click import Context, File, Parameter


class FileError(Exception):
    """A file that cannot be used; the text is the rest of a sentence that begins with the file."""


class HandedIn(File):
    """What names a file to a ``command``, which reads it as bytes; ``-`` is standard input."""

    def __init__(self, command: str) -> None:
        super().__init__("rb")
        self._command = command

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> IO[bytes]:
        """Opens it.

        Raises:
            SystemExit: it cannot be opened.
        """
        if value == "-" and sys.stdin is None:
            self.fail("standard input is closed")
        opened: IO[bytes] = super().convert(value, param, ctx)
        return opened

    def fail(self, message: str, param: Parameter | None = None, ctx: Context | None = None) -> NoReturn:
        """Says that it cannot be opened; click would tell how options are written, and end with exit code 2.

        Raises:
            SystemExit: always.
        """
        raise SystemExit(f"{self._command}: A file cannot be opened: {message}.")


def settings_in(name: str) -> dict[str, Any]:
    """The settings in a configuration file, which may be a pipe.

    Raises:
        FileError: it holds none.
    """
    try:
        with Path(name).open("rb") as file:
            found = json_in(text_in(file))
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})") from None
    if not isinstance(found, dict):
        raise FileError("is no JSON object")
    return found


def text_in(file: IO[bytes]) -> str:
    """The text of a file; what people keep is UTF-8, or shows that it is not.

    Raises:
        FileError: it is neither, or cannot be read.
    """
    try:
        data = file.read()
        return data.decode(json.detect_encoding(data))
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})") from None
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
