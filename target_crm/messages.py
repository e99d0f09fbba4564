"""What comes in, and what may be wrong with it."""

from __future__ import annotations

from typing import Any

from singer_sdk.exceptions import InvalidJSONSchema, MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.io_base import SingerMessageType, SingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from singer_sdk.singerlib.json import deserialize_json

NOT_SINGER: dict[type[Exception], str] = {
    InvalidInputLine: "A line of the input is no Singer message, so the run stops.",
    MissingKeyPropertiesError: "A record of the input lacks a field of its stream's key, so the run stops.",
    RecordsWithoutSchemaException: "The input has records of a stream before its SCHEMA, so the run stops.",
    InvalidJSONSchema: "The SCHEMA of a stream is no JSON Schema, so the run stops.",
}
"""What is wrong with the input, in words that do not repeat it."""


class Messages(SingerReader):
    """Reads Singer messages and keeps what it cannot read out of the log."""

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """A message.

        Raises:
            InvalidInputLine: the line is none.
        """
        try:
            message = deserialize_json(line)
        except ValueError:
            raise InvalidInputLine("not JSON") from None
        if not isinstance(message, dict) or message.get("type") not in set(SingerMessageType):
            raise InvalidInputLine("no message")
        return message
