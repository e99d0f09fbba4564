"""What several tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from crm_simulators.vtiger import SimplyCrmSimulator, Switches, VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = Path("/dev/shm")  # noqa: S108


def pytest_configure() -> None:
    """Keeps temporary files in memory where there is a gigabyte of it: ledgers wait for a disk at each record."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # A machine that is busy is no fault of what is tested.
    settings.register_profile("calm", deadline=None)
    settings.load_profile("calm")


@pytest.fixture
def vtiger() -> Iterator[Callable[..., VtigerSimulator]]:
    """Starts servers of the Vtiger family, by flavour; they are stopped after the test."""
    started: list[VtigerSimulator] = []

    def start(flavour: str = "vtiger-8.4", *, rows: int = 20, sync: bool = True, **more: Any) -> VtigerSimulator:
        switches = more.pop("switches", Switches(sync_registered=sync))
        kind = SimplyCrmSimulator if flavour == "simplycrm" else VtigerSimulator
        simulator = kind(rows=rows, flavour=flavour, switches=switches, **more)
        started.append(simulator)
        return simulator.start()

    yield start
    for simulator in started:
        simulator.stop()
