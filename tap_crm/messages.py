"""What goes out."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import json
from singer_sdk.io_base import SingerWriter
from singer_sdk.singerlib import RecordMessage

from crm_systems.compiled import lines
from crm_systems.kinds import Plain
from crm_systems.terminal import handing_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from singer_sdk.singerlib.encoding.simple import Message

    from crm_systems.compiled import Record
    from crm_systems.model import Row

LONGEST_DELAY = 1.0
"""Seconds after which a record is not held back any more."""

SCALARS = frozenset({str, int, bool, type(None), Decimal, Plain})
HOLDERS = frozenset({list, dict})


class Messages(SingerWriter):
    """Writes Singer messages to standard output.

    All but records go out at once. Records go out with the next other message, with one that comes a second later, or
    when somebody says :meth:`flush`, as the streams do after each page.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._flushed = clock()

    def write_message(self, message: Message) -> None:
        """Hands a message on.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        with handing_on("tap-crm"):
            sys.stdout.write(self._line(message))
            if not isinstance(message, RecordMessage) or self._clock() - self._flushed > LONGEST_DELAY:
                self.flush()

    def write_page(self, stream: str, version: int | None, records: Sequence[Record | Row]) -> None:
        """Hands records on as they are, all at once.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        if not records:
            return
        page = _messages(stream, version, datetime.now(timezone.utc), records)
        with handing_on("tap-crm"):
            sys.stdout.flush()
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(page)
            else:
                sys.stdout.write(page.decode())
            sys.stdout.flush()

    def _line(self, message: Message) -> str:
        """A message as a line; a record as :meth:`write_page` writes it, unless a stream map put other values in."""
        if isinstance(message, RecordMessage) and message.time_extracted and _is_plain(message.record.values()):
            return _messages(message.stream, message.version, message.time_extracted, [message.record]).decode()
        return f"{self.format_message(message)}\n"

    def flush(self) -> None:
        """Hands on what was written so far.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        with handing_on("tap-crm"):
            sys.stdout.flush()
        self._flushed = self._clock()


def _messages(stream: str, version: int | None, read_at: datetime, records: Sequence[Record | Row]) -> bytes:
    """Records as the SDK would write them, a line each."""
    head = b'{"type":"RECORD","stream":%s,"record":' % json.encode(stream)
    tail = b"" if version is None else b',"version":%d' % version
    tail += b',"time_extracted":"%s"}\n' % read_at.isoformat().encode()
    # JSON has no line breaks but those between the records.
    return head + lines(records)[:-1].replace(b"\n", tail + head) + tail


def _is_plain(values: Iterable[Any]) -> bool:
    """Whether all these values are of the types that a CRM's are read as, which every writer writes alike."""
    told = list(values)
    kinds = {*map(type, told)}
    if kinds <= SCALARS:
        return True
    inner = (each.values() if type(each) is dict else each for each in told if type(each) in HOLDERS)
    return kinds <= SCALARS | HOLDERS and all(map(_is_plain, inner))
