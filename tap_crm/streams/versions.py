"""Full tables of which a warehouse forgets what has vanished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import Stream

if TYPE_CHECKING:
    from singer_sdk.metrics import Counter


class VersionedStream(Stream):
    """Says when it is read, and that its table's new version is valid then; the SDK would say so before."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Does nothing yet: a target may delete at once what is not of this version."""

    def get_record_counter(self, **options: Any) -> Counter:
        """The counter of this stream's records, which pages move as well."""
        self._counter = super().get_record_counter(**options)
        return self._counter

    def end(self, *, is_whole: bool) -> None:
        """Says how many records came, and, if nothing is missing, that this version is the valid one.

        To be called after the last record; where a stream is only tried out, nothing is whole.
        """
        if self.ABORT_AT_RECORD_COUNT is not None:
            return
        if self._counter.value:
            self.logger.info("%s: %s records", self.name, f"{self._counter.value:,}")
        if is_whole and self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)
