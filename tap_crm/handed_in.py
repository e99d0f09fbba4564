"""The files that people and orchestrators hand in: states and catalogs, in the shapes in which they keep them."""

from __future__ import annotations

import codecs
import json
from typing import Any

from singer_sdk.singerlib import Catalog

from tap_crm.state import UNREADABLE, fault_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WRAPPERS = ("value", "singer_state")


class FileError(Exception):
    """A file that cannot be used; the text is a sentence for people, without the name of the file."""


def state_of(file: Any) -> dict[str, Any]:
    """The state in a file: as it is, as the STATE message that brought it, or as Meltano shows it.

    A bookmark that cannot be understood stays, under another name, so that only its stream fails.

    Raises:
        FileError: it holds no state. To take it for an empty one would be to read everything without a word.
    """
    state = _unwrapped(_last_line(_text(file)))
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict) or (state and "bookmarks" not in state):
        raise FileError("holds no state: it has no object `bookmarks`")
    kept = {name: _marked(each) if fault_of(each) else each for name, each in bookmarks.items()}
    return {"bookmarks": kept} if state else {}


def _marked(broken: Any) -> dict[str, Any]:
    """A bookmark that stays broken, run after run, but has a shape that the SDK can bear."""
    return {UNREADABLE: broken.get(UNREADABLE, broken) if isinstance(broken, dict) else broken}


def catalog_of(file: Any) -> dict[str, Any]:
    """The catalog in a file.

    Raises:
        FileError: it holds none.
    """
    catalog = _json(_text(file))
    try:
        for each in catalog["streams"]:
            _choose_method(each)
        Catalog.from_dict({"streams": list(catalog["streams"])})
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FileError("holds no catalog: make it with `--discover`") from None
    found: dict[str, Any] = catalog
    return found


def _choose_method(stream: dict[str, Any]) -> None:
    """Singer's place for the method that somebody chose is the metadata, where the SDK does not look."""
    own = (each["metadata"] for each in stream.get("metadata") or () if not each["breadcrumb"])
    chosen = next((each["replication-method"] for each in own if each.get("replication-method")), None)
    if chosen:
        stream["replication_method"] = chosen


def _unwrapped(state: Any) -> dict[str, Any]:
    while isinstance(state, dict) and "bookmarks" not in state:
        wrapper = next((name for name in _WRAPPERS if name in state), None)
        if wrapper is None:
            break
        state = state[wrapper]
    if not isinstance(state, dict):
        raise FileError("holds no state; for a first, full read leave it out")
    return state


def _last_line(text: str) -> Any:
    """The JSON of a file, or of its last line where each line is a state, as targets print them."""
    try:
        return _json(text)
    except FileError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) <= 1:
            raise
        return [_json(line) for line in lines][-1]


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        raise FileError("is no JSON" if text.strip() else "is empty") from None


def _refused(_constant: str) -> None:
    raise ValueError


def _finite(written: str) -> float:
    if abs(number := float(written)) == float("inf"):
        raise ValueError
    return number


def _text(file: Any) -> str:
    """The text of a file that was opened in any encoding; what people keep is UTF-8, or says that it is not."""
    data = getattr(file, "buffer", file).read()
    if isinstance(data, str):
        return data
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), _without_mark(data))
    try:
        return str(data.decode(encoding))
    except ValueError:
        raise FileError("is neither UTF-8 nor UTF-16") from None


def _without_mark(data: bytes) -> str:
    """JSON begins with a character of ASCII, so the zeros around it tell."""
    if data[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if data[:1] == b"\0" else "utf-8"
