"""Where the tap's time goes: each step of a page by itself, in one process, beside the whole."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import time
from collections import defaultdict
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

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

    from crm_systems.compiled import Pages
    from crm_systems.model import Reply

    Spent: TypeAlias = dict[str, float]
    """Seconds of CPU by step."""

T = TypeVar("T")
PAGES = 100
WHOLE = "all of it, by one worker"


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return len(data)


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
    found: dict[str, list[float]] = defaultdict(list)
    gc.freeze()  # As the command does.
    with redirect_stdout(io.TextIOWrapper(io.BufferedWriter(_Nowhere()))):
        for _ in range(times):
            spent: Spent = defaultdict(float)
            # As in the tap, each page goes all the way before the next one, and stays in the processor's cache.
            count = sum(_page(spent, partial(http.exchange, ask, address), pages) for ask in asked)
            whole = CrmTap(config=settings, catalog=catalog)
            _timed(spent, WHOLE, partial(whole.carry_out, whole.sync_all))
            for step, seconds in spent.items():
                found[step].append(seconds / (rows if step == WHOLE else count))
    logging.disable(logging.NOTSET)
    tap.run.client.close()
    return [["step", "µs a record"], *([name, f"{median(each) * 1e6:.1f}"] for name, each in found.items())]


def _page(spent: Spent, ask: Callable[[], Reply], pages: Pages) -> int:
    """Takes one page from the server to standard output; how many records it has."""
    body = _timed(spent, "requests: send a query, receive a page", ask).body
    records = _timed(spent, "msgspec: bytes into records", lambda: pages.decode(body)) or []
    typed = _timed(spent, "types, column by column", lambda: pages.typed(records))
    _timed(spent, "msgspec: records into JSON", lambda: lines(typed))
    _timed(spent, "that, and into Singer messages", lambda: Messages().write_page("Leads", None, typed))
    return len(records)


def _timed(spent: Spent, step: str, work: Callable[[], T]) -> T:
    """What it gives; adds the seconds of CPU that it takes."""
    began = time.process_time()
    given = work()
    spent[step] += time.process_time() - began
    return given


if __name__ == "__main__":
    url, rows, times, catalog = sys.argv[1:]
    sys.stdout.write(
        json.dumps(measure(url, int(rows), int(times), json.loads(Path(catalog).read_text("utf-8")))) + "\n"
    )
