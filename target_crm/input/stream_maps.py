"""Stream maps that say in words which expression fails on a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib.exceptions import InvalidInputLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class StreamMaps(PluginMapper):
    """The SDK's stream maps, whose failures over a value do not repeat the value."""

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        """Makes the maps of a stream.

        Raises:
            InvalidInputLine: the SDK cannot read the schema.
        """
        properties = schema["properties"]
        # That anything goes is an empty schema as well, which is the one that the SDK understands.
        schema = {**schema, "properties": {name: {} if each is True else each for name, each in properties.items()}}
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except (AttributeError, LookupError, TypeError, ValueError):
            raise InvalidInputLine("the SCHEMA describes a field in a way that is not understood") from None
        for each in self.stream_maps[stream_name]:
            each.transform = _in_words(each.transform)  # type: ignore[assignment, method-assign]  # of this one map


def _in_words(
    transform: Callable[[dict[str, Any]], dict[str, Any] | None],
) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def transformed(record: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return transform(record)
        except MapExpressionError as error:
            raise MapExpressionError(f"`stream_maps` fails on it: {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise MapExpressionError(f"`stream_maps` fails on it ({type(error).__name__})") from None

    return transformed
