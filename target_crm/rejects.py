"""The rejects file: a Singer stream of the records that could not be written, each with its reason beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from singer_sdk.singerlib.json import serialize_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Rejects:
    """Appends to the file; what was added is on the disk when :meth:`add` returns."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._described: set[str] = set()

    def check_input(self, command: str, source: IO[Any]) -> None:
        """Makes sure that the run does not read what it writes, for ever.

        Raises:
            SystemExit: the open file is this one.
        """
        with suppress(OSError, ValueError):
            if self._path is not None and os.path.samestat(os.fstat(source.fileno()), self._path.stat()):
                raise SystemExit(f"{command}: The input is the file of `rejects_path`; move it away before it is read.")

    def add(
        self, stream: str, schema: Mapping[str, Any], keys: Sequence[str], record: Mapping[str, Any], reason: str
    ) -> None:
        """Keeps a record; piping the file back into the target tries it again.

        Raises:
            OSError: the file cannot be written.
        """
        if self._path is None:
            return
        messages: list[dict[str, Any]] = []
        if stream not in self._described:
            messages.append({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": list(keys)})
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        messages.append(
            {"type": "RECORD", "stream": stream, "record": record, "rejected": {"reason": reason, "at": at}}
        )
        lines = "".join(serialize_json(message) + "\n" for message in messages)
        # It holds personal data: nobody else may read it.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            end = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file.fileno(), end)
                raise
        self._described.add(stream)
