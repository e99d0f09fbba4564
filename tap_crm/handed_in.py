"""States and catalogs, in the shapes in which people and orchestrators keep them."""

from __future__ import annotations

from typing import IO, Any

from singer_sdk.singerlib import Catalog

from crm_singer.files import FileError, json_in, text_in
from tap_crm.state import UNREADABLE, fault_of

_WRAPPERS = ("value", "singer_state")
_METHODS = ("INCREMENTAL", "FULL_TABLE")


def state_of(file: IO[bytes]) -> dict[str, Any]:
    """The state in a file: as it is, as the STATE message that brought it, or as Meltano shows it.

    A bookmark that cannot be understood stays, under another name, so that only its stream fails.

    Raises:
        FileError: it holds no state. To take it for an empty one would be to read everything without a word.
    """
    state = _unwrapped(_last_line(text_in(file)))
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict) or (state and "bookmarks" not in state):
        raise FileError("holds no state: it has no object `bookmarks`")
    kept = {name: _marked(each) if fault_of(each) else each for name, each in bookmarks.items()}
    return {"bookmarks": kept} if state else {}


def _marked(broken: Any) -> dict[str, Any]:
    """A bookmark that stays broken, run after run, but has a shape that the SDK can bear."""
    return {UNREADABLE: broken.get(UNREADABLE, broken) if isinstance(broken, dict) else broken}


def catalog_of(file: IO[bytes]) -> dict[str, Any]:
    """The catalog in a file, where neither the key of a stream nor the field that its bookmark is of is deselected.

    Raises:
        FileError: it holds none, or what it says of a stream cannot be meant.
    """
    catalog = json_in(text_in(file))
    try:
        streams = list(catalog["streams"])
        Catalog.from_dict({"streams": streams})
        for each in streams:
            _make_ready(each)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FileError("holds no catalog: make it with `--discover`") from None
    names = [each["tap_stream_id"] for each in streams]
    if twice := {name for name in names if names.count(name) > 1}:
        raise FileError(f"has several entries for {', '.join(sorted(twice))}: leave one of each")
    found: dict[str, Any] = catalog
    return found


def _make_ready(stream: dict[str, Any]) -> None:
    """Takes what somebody chose to where the SDK looks for it.

    Raises:
        FileError: it cannot be meant.
        KeyError, TypeError, AttributeError: it is no stream of a catalog.
    """
    name = stream["tap_stream_id"]
    metadata = stream["metadata"] = stream.get("metadata") or []
    if (stream.get("stream") or name) != name:
        raise FileError(f"calls {name} {stream['stream']} as well: set `__alias__` in `stream_maps` to rename a stream")
    # The former is where Meltano takes a `table-key-properties` that somebody set.
    key = stream["key_properties"] = stream.get("table_key_properties") or stream.get("key_properties") or []
    if type(key) is not list or any(type(each["breadcrumb"]) is not list for each in metadata):
        raise TypeError
    if lacking := [each for each in key if each not in stream["schema"]["properties"]]:
        raise FileError(f"does not describe {', '.join(lacking)}, the key of {name}: make it anew with `--discover`")
    if not (_is_text(stream.get("replication_key")) and all(map(_is_field, stream["schema"]["properties"].values()))):
        raise TypeError
    _take_selection(stream, metadata)
    if not metadata:  # The SDK takes such a stream for selected only if it has a replication key.
        metadata.append({"breadcrumb": [], "metadata": {"selected": True}})
    if any(each["metadata"].get("selected") not in {None, True, False} for each in metadata):
        raise FileError(f"selects parts of {name} by something else than true and false")
    _choose_method(stream, [each["metadata"] for each in metadata if not each["breadcrumb"]])
    for each in metadata:
        if each["breadcrumb"][1:] in [[field] for field in (*key, stream.get("replication_key"))]:
            each["metadata"]["inclusion"] = "automatic"


def _take_selection(stream: dict[str, Any], metadata: list[dict[str, Any]]) -> None:
    """The places in which catalogs kept a selection before there was metadata, where the SDK does not look."""
    fields = stream["schema"]["properties"].items()
    parts = [((), stream), ((), stream["schema"]), *((("properties", name), each) for name, each in fields)]
    for place, part in parts:
        if (said := part.get("selected")) is None:
            continue
        own = next((each["metadata"] for each in metadata if tuple(each["breadcrumb"]) == place), None)
        if own is None:
            metadata.append({"breadcrumb": [*place], "metadata": {"selected": said}})
        elif own.get("selected") is None:
            own["selected"] = said


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_field(schema: dict[str, Any]) -> bool:
    """Whether the SDK can make out of what type a field is."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return all(map(_is_text, kinds)) and all(isinstance(each, dict) for each in schema.get("anyOf", ()))


def _choose_method(stream: dict[str, Any], own: list[dict[str, Any]]) -> None:
    """Singer's place for the method that somebody chose is the metadata, where the SDK does not look."""
    chosen = next((each["replication-method"] for each in own if each.get("replication-method")), None)
    if chosen:
        stream["replication_method"] = chosen
    if (method := stream.get("replication_method")) not in {None, *_METHODS}:
        raise FileError(f"wants {stream['tap_stream_id']} to be read as {method}: there is {' and '.join(_METHODS)}")


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
        return json_in(text)
    except FileError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) <= 1:
            raise
        return [json_in(line) for line in lines][-1]
