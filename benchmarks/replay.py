"""Answers that a simulated CRM gave once, given again as fast as Python can: ``python -m benchmarks.replay FILE``."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

import requests

from benchmarks.measure import ROOT
from benchmarks.server import Connection
from crm_simulators import SIMULATORS
from crm_systems.client.http import Http
from tap_crm.tap import CrmTap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_systems.model import Reply, Request

OK = 200


@dataclass
class Recording:
    """What a tap asked for while it read one entity, and what it got."""

    settings: dict[str, Any]
    catalog: dict[str, Any]
    asked: list[dict[str, Any]]
    """Arguments for ``requests``, but for the server's address."""
    answers: dict[tuple[str, str, bytes], bytes]

    @classmethod
    def of(cls, system: str, entity: str, rows: int) -> Recording:
        """Reads an entity of a simulated CRM once."""
        exchange = Http.exchange
        with SIMULATORS[system](rows=rows).start() as crm:
            settings = {**crm.config(), "entities": [entity], "parallel_requests": 1}
            found = cls(settings, {}, [], {})

            def noted(http: Http, request: Request, address: str) -> Reply:
                reply = exchange(http, request, address)
                if reply.status == OK:
                    found._note(request, address.removeprefix(crm.url), reply)
                return reply

            with patch.object(Http, "exchange", noted):
                tap = CrmTap(config=settings)
                found.catalog = tap.catalog_dict
                found.catalog["streams"] = [
                    each for each in found.catalog["streams"] if each["tap_stream_id"] == entity
                ]
                tap.run.client.close()
                found.asked.clear()
                read(found)
        settings["requests_per_second"] = 1e6
        return found

    def _note(self, request: Request, path: str, reply: Reply) -> None:
        asked: dict[str, Any] = {
            "method": request.method,
            "url": path,
            "params": dict(request.query),
            "headers": {**request.headers},
            "data": request.form and dict(request.form),
            "json": request.json,
        }
        self.asked.append(asked)
        self.answers[key_of(asked)] = reply.body


def key_of(asked: dict[str, Any]) -> tuple[str, str, bytes]:
    """What tells a request from others on the wire."""
    prepared = requests.Request(**{**asked, "url": f"http://server{asked['url']}"}).prepare()
    body = prepared.body or b""
    return asked["method"], prepared.path_url, body.encode() if isinstance(body, str) else body


def read(recording: Recording) -> None:
    """Reads what was recorded with our tap; the output is thrown away."""
    tap = CrmTap(config=recording.settings, catalog=recording.catalog)
    with Path(os.devnull).open("w", encoding="utf-8") as out, redirect_stdout(out):
        tap.carry_out(tap.sync_all)


def count(recording: Recording) -> int:
    """How many records our tap reads."""
    tap = CrmTap(config=recording.settings, catalog=recording.catalog)
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), write_through=True)) as out:
        tap.carry_out(tap.sync_all)
        return out.buffer.getvalue().count(b'{"type":"RECORD"')


class Replayed(Connection):
    """Gives what was recorded."""

    answers: ClassVar[dict[tuple[str, str, bytes], bytes]] = {}

    def _handle(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.decode().split(" ", 2)
        self._send(self.answers[method, target, body])


@contextmanager
def replayed(recording: Recording, folder: Path) -> Iterator[str]:
    """The address of a server that gives the recorded answers, in a process of its own."""
    file = folder / "recording.pickle"
    file.write_bytes(pickle.dumps(recording.answers))
    command = [sys.executable, "-m", "benchmarks.replay", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def serve() -> None:
    """Serves until it is killed."""
    server = await asyncio.get_running_loop().create_server(Replayed, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    Replayed.answers = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - our own
    asyncio.run(serve())
