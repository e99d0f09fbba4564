"""Full tables of which a warehouse forgets what has vanished."""

from __future__ import annotations

from typing import Any

from singer_sdk import Stream
from singer_sdk.metrics import Counter


class Total(Counter):
    """A counter that keeps the sum; the SDK's begins anew each minute, when it has said how many came."""

    total = 0

    def increment(self, value: int = 1) -> None:
        """Counts so many more."""
        self.total += value
        super().increment(value)


class VersionedStream(Stream):
    """Says when it is read, and that its table's new version is valid then; the SDK would say so before."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Does nothing yet: a target may delete at once what is not of this version."""

    def get_record_counter(self, **options: Any) -> Counter:
        """The counter of this stream's records, which pages move as well."""
        plain = super().get_record_counter(**options)
        self._counter = Total(plain.metric, plain.tags, plain.log_interval)
        return self._counter

    def end(self, *, is_whole: bool) -> None:
        """Says how many records came, and, if nothing is missing, that this version is the valid one.

        To be called after the last record; where a stream is only tried out, nothing is whole.
        """
        if self.ABORT_AT_RECORD_COUNT is not None:
            return
        if self._counter.total:
            self.logger.info("%s: %s records", self.name, f"{self._counter.total:,}")
        if is_whole and self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)
