"""What a record of each other system costs: our tap beside requests and orjson, on the very same answers."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson
import requests

from benchmarks.replay import Recording, count, read, replayed

if TYPE_CHECKING:
    from collections.abc import Callable

FEW, MANY = 600, 3000
"""Rows; what the few cost is taken off, so that log-in, describing and the sample of rows do not count."""


def floor(recording: Recording, address: str) -> None:
    """The same requests by requests, each row of the answers as a line by orjson; no Singer."""
    with requests.Session() as session, Path(os.devnull).open("wb") as out:
        for asked in recording.asked:
            told = orjson.loads(session.request(**{**asked, "url": address + asked["url"]}).content)
            parts = [told, *(told.values() if isinstance(told, dict) else ())]
            rows = max((part for part in parts if isinstance(part, list)), key=len, default=[])
            out.writelines(orjson.dumps(row) + b"\n" for row in rows)


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of CPU in this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(system: str, entity: str, times: int) -> tuple[float, float]:
    """Seconds a record: the floor's and ours."""
    costs: dict[int, tuple[float, float]] = {}
    counts: dict[int, int] = {}
    logging.disable()
    for rows in (FEW, MANY):
        recording = Recording.of(system, entity, rows)
        with TemporaryDirectory() as folder, replayed(recording, Path(folder)) as address:
            recording.settings["url"] = address
            counts[rows] = count(recording)
            gc.freeze()  # As the command does.
            pairs = [(cpu(partial(floor, recording, address)), cpu(partial(read, recording))) for _ in range(times)]
            costs[rows] = median(each[0] for each in pairs), median(each[1] for each in pairs)
    logging.disable(logging.NOTSET)
    records = counts[MANY] - counts[FEW]
    base, ours = ((costs[MANY][place] - costs[FEW][place]) / records for place in (0, 1))
    return base, ours


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")
