"""What goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.io_base import SingerWriter

from crm_systems.terminal import handing_on

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message


class Messages(SingerWriter):
    """Writes Singer messages to standard output."""

    def write_message(self, message: Message) -> None:
        """Hands a message on.

        Raises:
            SystemExit: standard output is closed, or its disk is full.
        """
        with handing_on("tap-crm"):
            super().write_message(message)
