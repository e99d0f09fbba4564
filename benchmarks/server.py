"""A stub of Vtiger's webservice that answers as fast as Python can, so that a bench measures the client.

``python -m benchmarks.server --rows 20000 --latency 0.05`` prints its port. It knows just the requests that connectors
send: log-in, listtypes, describe, VTQL over ids and e-mail addresses, create, revise. ``GET /count`` tells how many
requests came since the last ``GET /reset``, and how many were under way at once at the most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from typing import cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.records import Crm


class Connection(asyncio.Protocol):
    """One client's connection; requests come one after the other."""

    crm: Crm
    latency = 0.0
    requests = 0
    under_way = 0
    most_at_once = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._buffer = rest[size:]
            self._handle(head, rest[:size])

    def _handle(self, head: bytes, body: bytes) -> None:
        kind = type(self)
        target = urlsplit(head.split(b" ", 2)[1].decode())
        if target.path in {"/count", "/reset"}:
            self._send(json.dumps({"requests": kind.requests, "most_at_once": kind.most_at_once}).encode())
            if target.path == "/reset":
                kind.requests = kind.most_at_once = 0
            return
        kind.requests += 1
        kind.under_way += 1
        kind.most_at_once = max(kind.most_at_once, kind.under_way)
        asked = {
            name: values[0] for name, values in parse_qs(target.query or body.decode(), keep_blank_values=True).items()
        }
        answer = self.crm.answer(asked)
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self._finish, answer)
        else:
            self._finish(answer)

    def _finish(self, answer: bytes) -> None:
        type(self).under_way -= 1
        self._send(answer)

    def _send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def serve(arguments: argparse.Namespace) -> None:
    """Serves until it is killed."""
    Connection.crm = Crm(arguments.modules, arguments.rows)
    Connection.latency = arguments.latency
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", arguments.port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Starts the stub."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--modules", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
