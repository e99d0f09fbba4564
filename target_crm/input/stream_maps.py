"""Stream maps over streams that are described only while they come."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap
from singer_sdk.singerlib.exceptions import InvalidInputLine

from crm_singer.deletions import DELETED_AT
from crm_singer.stream_maps import FAULTS, FlatMaps, in_words, spare_deletions
from crm_systems.wire import is_empty
from target_crm.mapping import is_said, is_singers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from singer_sdk.mapper import StreamMap


class StreamMaps(FlatMaps):
    """The SDK's stream maps, whose failures do not repeat a value, and which leave a deletion a deletion."""

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        """Makes the maps of a stream.

        Raises:
            InvalidInputLine: the SDK cannot read the schema.
            MappingError: the maps cannot be applied.
        """
        properties = schema["properties"]
        # That anything goes is an empty schema as well, which is the one that the SDK understands.
        schema = {**schema, "properties": {name: {} if each is True else each for name, each in properties.items()}}
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except FAULTS:
            raise InvalidInputLine("the SCHEMA describes a field in a way that is not understood") from None
        self.tell_apart(self.stream_maps)
        for each in self.stream_maps[stream_name]:
            if isinstance(each, CustomStreamMap) and not self._name_the_mark(stream_name):
                _keep_the_mark(each, properties, key_properties or ())
            each.transform = in_words(each.transform)  # type: ignore[assignment, method-assign]  # of this one map

    def _name_the_mark(self, stream_name: str) -> bool:
        """Whether somebody says what becomes of the mark of a deletion."""
        return any(
            isinstance(meant, dict) and fnmatch(stream_name, meant.get("__source__", name)) and DELETED_AT in meant
            for name, meant in self.stream_maps_dict.items()
        )


def _keep_the_mark(mapped: StreamMap, columns: Collection[str], keys: Collection[str]) -> None:
    """Keeps the mark on what a map makes of a deletion, which would look like a record that was emptied.

    One that tells nothing but its key has its other fields as null, for expressions.
    """
    transform = mapped.transform

    def kept(record: dict[str, Any]) -> dict[str, Any] | None:
        mark = _mark_in(record)
        made = transform({**dict.fromkeys(columns), **record} if mark else record)
        return {**made, DELETED_AT: mark} if made and mark else made

    def tells_only_deletion(record: dict[str, Any]) -> bool:
        told = (value for name, value in record.items() if name not in keys and not is_singers(name))
        return bool(_mark_in(record)) and all(map(is_empty, told))

    mapped.transform = kept  # type: ignore[method-assign]  # of this one
    spare_deletions(mapped, tells_only_deletion)


def _mark_in(record: Mapping[str, Any]) -> Any:
    return next((value for name, value in record.items() if name.lower() == DELETED_AT and is_said(value)), None)
