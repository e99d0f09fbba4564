"""Records on their way through the stream maps, which remember how they came."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib.exceptions import InvalidInputLine

from target_crm.configuration import Configured
from target_crm.outcome import Action, Outcome
from target_crm.rejects import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_crm.report import Report


class Arrivals(Configured):
    """A target that knows of each record how the tap sent it, and rejects one that the stream maps fail on."""

    report: Report

    def __init__(self, **arguments: Any) -> None:
        self._arriving: dict[str, Any] = {}
        self._described: dict[str, dict[str, Any]] = {}
        """The SCHEMA messages by stream, as they came."""
        super().__init__(**arguments)

    @property
    def arrival(self) -> Arrival:
        """The record that is being processed, as the tap sent it."""
        described = self._described[self._arriving["stream"]]
        keys = described.get("key_properties") or ()
        return Arrival(described["stream"], described["schema"], keys, self._arriving["record"])

    @abstractmethod
    def reject(self, stream: str, arrival: Arrival, outcome: Outcome) -> None:
        """Keeps a rejected record, or ends the run."""

    def setup_mapper(self) -> None:
        """Stream maps that say in words which expression fails on a record."""
        self._mapper = Maps(plugin_config=dict(self.config), logger=self.logger)

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Remembers the schema as it came: the SDK's stream maps write into it."""
        described = copy.deepcopy(message_dict)
        super()._process_schema_message(message_dict)
        self._described[described["stream"]] = described

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        """Remembers the record as it came, for it may have to be kept."""
        self._arriving = message_dict
        try:
            super()._process_record_message(message_dict)
        except MapExpressionError as error:
            self._reject_unmapped(str(error))

    def _reject_unmapped(self, reason: str) -> None:
        arrival = self.arrival
        name = self.mapper.stream_maps[arrival.stream][0].stream_alias
        key = ", ".join(str(arrival.record.get(each)) for each in arrival.keys)
        outcome = Outcome(Action.REJECT, key, reason=reason)
        self.report.stream(name, name)
        self.report.add(name, outcome)
        self.reject(name, arrival, outcome)


class Maps(PluginMapper):
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
