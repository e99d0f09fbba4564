"""The rejects file: a Singer stream of the records that could not be written, each with its reason beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from math import isinf
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.json import serialize_json

from target_crm.files import last_line, let_others_wait, open_private, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from io import FileIO

    from target_crm.outcome import Conflict


BEYOND = Decimal("1E+9999")
"""Stands for what is infinite, which JSON has no word for."""


class RawRecord(msgspec.Struct, frozen=True):
    """A record as the tap sent it: a replay goes through the stream maps once more, as they are then."""

    stream: str
    schema: Mapping[str, Any]
    keys: Sequence[str]
    record: Mapping[str, Any]


class Rejects:
    """Appends to the file; what was added is on the disk when :meth:`add` returns. ``warn`` takes a sentence.

    Other runs may add to the same file, and somebody may move it away.
    """

    def __init__(self, path: str | None, warn: Callable[[str], None]) -> None:
        self._path = Path(path) if path else None
        self._warn = warn
        self._described: dict[str, Mapping[str, Any]] = {}
        """By stream, the SCHEMA that stands in the file and holds for what this run adds."""
        self._end = -1
        """Where the file ended when this run had added to it."""

    def add(self, raw: RawRecord, reason: str, conflicts: Sequence[Conflict] = ()) -> None:
        """Keeps a record; piping the file back into the target tries it again.

        Raises:
            OSError: the file cannot be written; no part of the record is left in it.
        """
        if self._path is None:
            return
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        message = {"type": "RECORD", "stream": raw.stream, "record": _as_it_came(raw.record)}
        why = {"reason": reason, "at": at, **({"conflicts": [vars(each) for each in conflicts]} if conflicts else {})}
        descriptor = open_private(self._path, os.O_RDWR | os.O_APPEND, self._warn)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            let_others_wait(file)
            if file.seek(0, os.SEEK_END) != self._end:
                # What others added may say otherwise what the streams are.
                self._described.clear()
                self._mend(file)
            self._append(file, f"{self._schema(raw)}{serialize_json({**message, 'rejected': why})}\n".encode())
            self._end = file.tell()

    def _schema(self, raw: RawRecord) -> str:
        """The line that describes a stream; empty where it stands in the file."""
        described = {"schema": raw.schema, "key_properties": list(raw.keys)}
        if self._described.get(raw.stream) == described:
            return ""
        self._described[raw.stream] = described
        return serialize_json({"type": "SCHEMA", "stream": raw.stream, **described}) + "\n"

    def _append(self, file: FileIO, lines: bytes) -> None:
        end, left = file.seek(0, os.SEEK_END), lines
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            self._described.clear()
            with suppress(OSError):
                os.ftruncate(file.fileno(), end)
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


def _as_it_came(value: Any) -> Any:
    """A JSON value whose infinite numbers are ones that no field takes; kept as null, a replay would empty a field."""
    if isinstance(value, dict):
        return {name: _as_it_came(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_it_came(each) for each in value]
    return BEYOND.copy_sign(Decimal(value)) if isinstance(value, float) and isinf(value) else value
