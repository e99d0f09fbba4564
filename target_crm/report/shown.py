"""The records that a report shows, which may be millions."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Shown:
    """Records by stream and kind, kept in a file without a name until the report is written; memory keeps places."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0
        self._places: dict[tuple[str, str], array[int]] = defaultdict(lambda: array("Q"))
        self._error: OSError | None = None

    def add(self, stream: str, kind: str, told: Mapping[str, Any]) -> None:
        """Keeps a record. A disk that is full does not stop the run; who reads is told."""
        self._places[stream, kind].append(self._end)
        try:
            self._file = self._file or TemporaryFile()  # noqa: SIM115 - it is open for as long as the run lasts
            self._end += self._file.write(json.dumps(told, default=str).encode() + b"\n")
        except OSError as error:
            self._error = error

    def count(self, stream: str, kind: str) -> int:
        """How many records of a kind a stream has."""
        return len(self._places.get((stream, kind), ()))

    def records(self, stream: str, kind: str) -> Iterator[dict[str, Any]]:
        """The records of a kind, in the order in which they came.

        Raises:
            OSError: they could not be kept, or cannot be read.
        """
        if self._error:
            raise self._error
        for place in self._places.get((stream, kind), ()):
            if self._file:
                self._file.seek(place)
                yield json.loads(self._file.readline())

    def close(self) -> None:
        """Gives the room on the disk back; what could not be kept does not matter any more."""
        if self._file:
            with suppress(OSError):
                self._file.close()
