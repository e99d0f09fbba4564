"""Full tables of which a warehouse forgets what has vanished."""

from __future__ import annotations

from singer_sdk import Stream


class VersionedStream(Stream):
    """Says that its table's new version is the valid one when it is whole; the SDK would say so before it is read."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Does nothing yet: a target may delete at once what is not of this version."""

    def activate_version(self) -> None:
        """Says so; to be called after the last record, if nothing is missing."""
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)
