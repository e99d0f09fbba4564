"""Stream maps that say in words which expression fails on a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class StreamMaps(PluginMapper):
    """The SDK's stream maps, whose failures over a value do not repeat the value."""

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        """Makes the maps of a stream."""
        super().register_raw_stream_schema(stream_name, schema, key_properties)
        for each in self.stream_maps[stream_name]:
            each.transform = _in_words(each.transform)  # type: ignore[assignment, method-assign]


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
