"""What goes out."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from msgspec import json
from singer_sdk.io_base import SingerWriter
from singer_sdk.singerlib import RecordMessage

from crm_systems.compiled import lines
from crm_systems.terminal import handing_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.singerlib.encoding.simple import Message

    from crm_systems.compiled import Record
    from crm_systems.model import Row

LONGEST_DELAY = 1.0
"""Seconds after which a record is not held back any more."""


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
            sys.stdout.write(self.format_message(message) + "\n")
            if not isinstance(message, RecordMessage) or self._clock() - self._flushed > LONGEST_DELAY:
                self.flush()

    def write_page(self, stream: str, version: int | None, records: Sequence[Record | Row]) -> None:
        """Hands records on as they are, all at once.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        if not records:
            return
        head = b'{"type":"RECORD","stream":%s,"record":' % json.encode(stream)
        tail = b"" if version is None else b',"version":%d' % version
        tail += b',"time_extracted":"%s"}\n' % datetime.now(timezone.utc).isoformat().encode()
        # JSON has no line breaks but those between the records.
        page = head + lines(records)[:-1].replace(b"\n", tail + head) + tail
        with handing_on("tap-crm"):
            sys.stdout.flush()
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(page)
            else:
                sys.stdout.write(page.decode())
            sys.stdout.flush()

    def flush(self) -> None:
        """Hands on what was written so far.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        with handing_on("tap-crm"):
            sys.stdout.flush()
        self._flushed = self._clock()
