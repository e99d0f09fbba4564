"""What goes out."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import json
from singer_sdk.io_base import SingerWriter
from singer_sdk.singerlib import ActivateVersionMessage, RecordMessage, SchemaMessage

from crm_singer.terminal import handing_on
from crm_systems.compiled import Record, lines
from crm_systems.kinds import Plain
from tap_crm.termination import Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib.encoding.simple import Message

    from crm_systems.model import Row
    from tap_crm.naming import Names

LONGEST_DELAY = 1.0
"""Seconds after which a record is not held back any more."""

AT_ONCE = 100
"""How many records become lines at once."""
SCALARS = frozenset({str, int, bool, type(None), Decimal, Plain})
HOLDERS = frozenset({list, dict})
NUL = rb"\u0000"
"""How JSON writes U+0000, where no other backslash stands before it."""
FIND_NUL = re.compile(re.escape(NUL))
"""Finds it in half the time in which bytes do."""
REPLACEMENT = rb"\ufffd"


class Messages(SingerWriter):
    """Writes Singer messages to standard output.

    All but records go out at once. Records go out with the next other message, with one that comes a second later, or
    when somebody says :meth:`flush`, as the streams do after each page.
    """

    names: Names | None = None
    """What streams and fields are called; None: as the CRM calls them."""
    keeps_nul = True
    """Whether U+0000 leaves as it is, which PostgreSQL and others refuse, and not as U+FFFD."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._flushed = clock()
        self._columns: dict[str, Mapping[str, str]] = {}
        self.replaced: Counter[str] = Counter()
        """How many characters U+0000 were replaced, by stream."""
        self.termination = Termination()

    def write_message(self, message: Message) -> None:
        """Hands a message on.

        Raises:
            SystemExit: standard output is closed, its disk is full, or a signal asked for the end.
        """
        self._rename(message)
        line = self._line(message)
        if isinstance(message, RecordMessage) and not self.keeps_nul and NUL.decode() in line:
            line = self._without_nul(message.stream, line.encode()).decode()
        with self._handing_on():
            sys.stdout.write(line)
            if not isinstance(message, RecordMessage) or self._clock() - self._flushed > LONGEST_DELAY:
                self._flush()

    def write_page(self, stream: str, version: int | None, records: Sequence[Record | Row]) -> None:
        """Hands records on as they are, all at once.

        Raises:
            SystemExit: standard output is closed, its disk is full, or a signal asked for the end.
        """
        if not records:
            return
        if columns := self._columns.get(stream):
            rows = (record.row() if isinstance(record, Record) else record for record in records)
            records = [{columns[name]: value for name, value in row.items()} for row in rows]
        stream = self.names.of_stream(stream) if self.names else stream
        read_at = datetime.now(timezone.utc)
        # What fits the processor's cache is written in half the time.
        parts = [
            _messages(stream, version, read_at, records[begin : begin + AT_ONCE])
            for begin in range(0, len(records), AT_ONCE)
        ]
        if not self.keeps_nul:
            parts = [self._without_nul(stream, part) if FIND_NUL.search(part) else part for part in parts]
        with self._handing_on():
            sys.stdout.flush()
            for part in parts:
                if hasattr(sys.stdout, "buffer"):
                    sys.stdout.buffer.write(part)
                else:
                    sys.stdout.write(part.decode())
            sys.stdout.flush()

    def _line(self, message: Message) -> str:
        """A message as a line; a record as :meth:`write_page` writes it, unless a stream map put other values in."""
        if isinstance(message, RecordMessage) and message.time_extracted and _is_plain(message.record.values()):
            return _messages(message.stream, message.version, message.time_extracted, [message.record]).decode()
        return f"{self.format_message(message)}\n"

    def _rename(self, message: Message) -> None:
        """Gives a message, and the fields in it, their names."""
        if self.names is None or not isinstance(message, (SchemaMessage, RecordMessage, ActivateVersionMessage)):
            return
        if isinstance(message, SchemaMessage):
            fields = message.schema["properties"]
            self._columns[message.stream] = columns = self.names.of_fields(message.stream, fields)
            if columns:
                message.schema = {**message.schema, "properties": {columns[name]: fields[name] for name in fields}}
                message.key_properties = [columns[name] for name in message.key_properties or ()]
                message.bookmark_properties = [columns.get(each, each) for each in message.bookmark_properties or ()]
        elif isinstance(message, RecordMessage) and (columns := self._columns.get(message.stream) or {}):
            message.record = {columns[name]: value for name, value in message.record.items()}
        message.stream = self.names.of_stream(message.stream)

    def _without_nul(self, stream: str, line: bytes) -> bytes:
        parts = FIND_NUL.split(line)
        # After a backslash that stands for itself, what looks like the character is none.
        ends = [NUL if (len(part) - len(part.rstrip(b"\\"))) % 2 else REPLACEMENT for part in parts[:-1]]
        if replaced := ends.count(REPLACEMENT):
            self.replaced[stream] += replaced
        return b"".join(chain.from_iterable(zip(parts, [*ends, b""], strict=True)))

    def flush(self) -> None:
        """Hands on what was written so far.

        Raises:
            SystemExit: standard output is closed, its disk is full, or a signal asked for the end.
        """
        with self._handing_on():
            self._flush()

    def _flush(self) -> None:
        sys.stdout.flush()
        self._flushed = self._clock()

    @contextmanager
    def _handing_on(self) -> Iterator[None]:
        with self.termination.held_back(), handing_on("tap-crm"):
            yield


def _messages(stream: str, version: int | None, read_at: datetime, records: Sequence[Record | Row]) -> bytes:
    """Records as the SDK would write them, a line each."""
    head = b'{"type":"RECORD","stream":%s,"record":' % json.encode(stream)
    tail = b"" if version is None else b',"version":%d' % version
    tail += b',"time_extracted":"%s"}\n' % read_at.isoformat().encode()
    # JSON has no line breaks but those between the records. Copies of a page take time, so there are few.
    page = lines(records).replace(b"\n", tail + head)
    return b"".join((head, memoryview(page)[: -len(head)]))


def _is_plain(values: Iterable[Any]) -> bool:
    """Whether all these values are of the types that a CRM's are read as, which every writer writes alike."""
    told = list(values)
    kinds = {*map(type, told)}
    if kinds <= SCALARS:
        return True
    inner = (each.values() if type(each) is dict else each for each in told if type(each) in HOLDERS)
    return kinds <= SCALARS | HOLDERS and all(map(_is_plain, inner))
