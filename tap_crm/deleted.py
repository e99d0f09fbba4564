"""The stream of deletions, which leaves the records themselves as they were last read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream
from singer_sdk.mapper import RemoveRecordTransform

from crm_singer.deletions import DELETED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from singer_sdk import Tap

    from crm_systems.model import Row
    from tap_crm.messages import Messages


class DeletedStream(Stream):
    """One record for each record that is gone; the streams of the records tell it when they come upon one."""

    NAME: ClassVar[str] = DELETED

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap, schema=_SCHEMA, name=self.NAME)
        self.primary_keys = ["entity", "id"]
        self._is_announced = False
        self.told = 0

    @property
    def emit_activate_version_messages(self) -> bool:
        """No: what an earlier run told stays true."""
        return False

    @property
    def leaves(self) -> bool:
        """Whether its records leave, and tell when a record is gone: without a time they would tell that it is back."""
        return self.selected and brings(self, "noticed_at")

    def tell(self, entity: str, identifier: str, noticed_at: datetime | None) -> None:
        """Sends a deletion at once, before the state that has it behind it; without a time, that the record is back."""
        self.told += 1
        self._write_schema_message()
        row = {"entity": entity, "id": identifier, "noticed_at": noticed_at and noticed_at.isoformat()}
        for message in self._generate_record_messages(row):
            self._tap.write_message(message)
        cast("Messages", self._tap.message_writer).flush()

    def _write_schema_message(self) -> None:
        """Says once what the records look like."""
        if not self._is_announced:
            self._is_announced = True
            super()._write_schema_message()

    def get_records(self, context: Any) -> Iterable[Row]:
        """Nothing: all are told by then, or will be."""
        return ()


def brings(stream: Stream, field: str) -> bool:
    """Whether the records of a stream leave with a field: it is selected, and no stream map takes it away."""
    maps = [each for each in stream.stream_maps if not isinstance(each, RemoveRecordTransform)]
    is_chosen = field in stream.schema["properties"] and stream.mask["properties", field]
    return is_chosen and bool(maps) and all(field in each.transformed_schema["properties"] for each in maps)


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "entity": {"type": "string", "description": "as the CRM calls it"},
        "id": {"type": "string"},
        "noticed_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "null for a record that is there again",
        },
    },
}
