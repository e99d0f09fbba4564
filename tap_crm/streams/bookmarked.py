"""Streams whose bookmark is theirs to move, when all has left: the SDK's moves with each record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_crm.streams.versions import VersionedStream

if TYPE_CHECKING:
    from datetime import datetime

    from crm_systems.model import Row


class BookmarkedStream(VersionedStream):
    """Puts out of force what the SDK does with bookmarks."""

    @property
    def _is_incremental(self) -> bool:
        return bool(self.replication_key) and self.replication_method == "INCREMENTAL"

    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """Does nothing: the bookmark moves at the end of the stream."""

    def compare_start_date(self, value: str, start_date_value: str) -> str:
        """The bookmark: a start date never wins over it (the SDK takes the later one, which leaves a hole)."""
        return value

    def get_replication_key_signpost(self, context: Any = None) -> datetime | None:
        """None: the SDK would take this machine's clock."""
        return None
