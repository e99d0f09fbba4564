"""Where the tap's time goes: each step of a page by itself, in one process, beside the whole."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from crm_systems.client.http import Http
from crm_systems.compiled import compiled, lines
from crm_systems.kinds import Reader
from crm_systems.model import Request
from crm_systems.vtiger import Vtiger
from crm_systems.vtiger.lists import PAGE
from tap_crm.messages import Messages
from tap_crm.tap import CrmTap

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = 100


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return len(data)


def _each(work: Callable[[Any], Any], items: list[Any]) -> None:
    for item in items:
        work(item)


def _quietly(work: Callable[[], Any]) -> Callable[[], Any]:
    def done() -> None:
        with redirect_stdout(io.TextIOWrapper(io.BufferedWriter(_Nowhere()))):
            work()

    return done


def measure(url: str, rows: int, times: int, catalog: dict[str, Any]) -> list[list[str]]:
    """Microseconds a record of each step; ``rows`` are those that the server has."""
    settings = {"system": "vtiger", "url": url, "username": "admin", "access_key": "x", "parallel_requests": 1}
    logging.disable()
    tap = CrmTap(config=settings, catalog=catalog)
    system = Vtiger(tap.settings)
    entity = tap.run.describe("Leads")
    reader = Reader(entity, system.notation)
    pages = compiled(reader, PAGE)
    assert pages
    http, address = Http("bench", 60.0), system.base_address
    prefix = entity.private["prefix"]
    queries = [
        f"select * from Leads where id > '{prefix}x{3 * 100 * n}' order by id limit 100;"
        for n in range(min(PAGES, rows // 250))
    ]
    asked = [
        Request("GET", "bench", query={"operation": "query", "query": each, "sessionName": "5e55"}) for each in queries
    ]
    bodies = [http.exchange(each, address).body for each in asked]
    count = sum(len(pages.decode(body) or ()) for body in bodies)
    found: dict[str, list[float]] = {}
    gc.freeze()  # As the command does.

    def note(step: str, work: Callable[[], Any], records: int = count) -> None:
        found.setdefault(step, []).append(_cpu(work) / records)

    for _ in range(times):
        decoded = [pages.decode(body) or [] for body in bodies]
        note("requests: send a query, receive a page", partial(_each, partial(http.exchange, address=address), asked))
        note("msgspec: bytes into records", partial(_each, pages.decode, bodies))
        note("types, column by column", partial(_each, pages.typed, decoded))
        note("msgspec: records into JSON", partial(_each, lines, decoded))
        note(
            "that, and into Singer messages",
            _quietly(partial(_each, partial(Messages().write_page, "Leads", None), decoded)),
        )
        note("all of it, by one worker", _quietly(_sync(settings, catalog)), rows)
    logging.disable(logging.NOTSET)
    tap.run.client.close()
    return [["step", "µs a record"], *([name, f"{median(each) * 1e6:.1f}"] for name, each in found.items())]


def _sync(settings: dict[str, Any], catalog: dict[str, Any]) -> Callable[[], Any]:
    tap = CrmTap(config=settings, catalog=catalog)
    return lambda: tap.carry_out(tap.sync_all)


if __name__ == "__main__":
    url, rows, times, catalog = sys.argv[1:]
    sys.stdout.write(
        json.dumps(measure(url, int(rows), int(times), json.loads(Path(catalog).read_text("utf-8")))) + "\n"
    )
