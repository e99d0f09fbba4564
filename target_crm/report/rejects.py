"""The rejects file: a Singer stream of the records that could not be written, each with its reason beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.json import serialize_json

from target_crm.files import last_line, open_private, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_crm.outcome import Conflict


class RawRecord(msgspec.Struct, frozen=True):
    """A record as the tap sent it: a replay goes through the stream maps once more, as they are then."""

    stream: str
    schema: Mapping[str, Any]
    keys: Sequence[str]
    record: Mapping[str, Any]


class Rejects:
    """Appends to the file; what was added is on the disk when :meth:`add` returns. ``warn`` takes a sentence."""

    def __init__(self, path: str | None, warn: Callable[[str], None]) -> None:
        self._path = Path(path) if path else None
        self._warn = warn
        self._described: dict[str, Mapping[str, Any]] = {}
        self._whole = False

    def add(self, raw: RawRecord, reason: str, conflicts: Sequence[Conflict] = ()) -> None:
        """Keeps a record; piping the file back into the target tries it again.

        Raises:
            OSError: the file cannot be written; no part of the record is left in it.
        """
        if self._path is None:
            return
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        message = {"type": "RECORD", "stream": raw.stream, "record": raw.record}
        why = {"reason": reason, "at": at, **({"conflicts": [vars(each) for each in conflicts]} if conflicts else {})}
        lines = serialize_json({**message, "rejected": why}) + "\n"
        described = {"schema": raw.schema, "key_properties": list(raw.keys)}
        if self._described.get(raw.stream) != described:
            lines = serialize_json({"type": "SCHEMA", "stream": raw.stream, **described}) + "\n" + lines
        self._append(self._path, lines.encode("utf-8"))
        self._described[raw.stream] = described

    def _append(self, path: Path, lines: bytes) -> None:
        descriptor = open_private(path, os.O_RDWR | os.O_APPEND, self._warn)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            if not self._whole:
                self._mend(file)
            end = file.seek(0, os.SEEK_END)
            try:
                left = lines
                while left:
                    left = left[file.write(left) :]
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise

    def _mend(self, file: IO[bytes]) -> None:
        """Ends the last line, or takes it away where it is half a record, which no state has left behind."""
        last_line(file)
        end = file.tell()
        half = file.read(os.fstat(file.fileno()).st_size - end)
        if parsed(half) is not None:
            file.write(b"\n")
        elif half:
            os.ftruncate(file.fileno(), end)
            self._warn(
                "The file of `rejects_path` ended in half a record, left by a run that was cut off; it is taken away, "
                "and the record comes again from where it came."
            )
        self._whole = True
