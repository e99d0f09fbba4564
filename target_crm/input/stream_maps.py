"""Stream maps over streams that are described only while they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.exceptions import InvalidInputLine

from crm_singer.stream_maps import FAULTS, FlatMaps, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence


class StreamMaps(FlatMaps):
    """The SDK's stream maps, whose failures over a value do not repeat the value."""

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
            each.transform = in_words(each.transform)  # type: ignore[assignment, method-assign]  # of this one map
