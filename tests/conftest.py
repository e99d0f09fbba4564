"""What several tests share."""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from crm_simulators.vtiger import SimplyCrmSimulator, Switches, VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = Path("/dev/shm")
ALL_CASES = os.environ.get("SWEEPS") == "all"
"""Whether all cases of sweeps are wanted."""


def pytest_configure() -> None:
    """Keeps temporary files in memory where there is a gigabyte of it: ledgers wait for a disk at each record."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # A machine that is busy is no fault of what is tested.
    settings.register_profile("calm", deadline=None, max_examples=100 if ALL_CASES else 30)
    settings.load_profile("calm")


def pytest_collection_finish() -> None:
    """Keeps what was collected: to look through it again and again for what can be freed takes a fifth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out cases of sweeps, unless all are wanted or one is named."""
    if ALL_CASES or any("[" in each for each in config.args):
        return
    sweeps: dict[str, list[pytest.Function]] = defaultdict(list)
    for each in items:
        if each.get_closest_marker("sweep") and isinstance(each, pytest.Function):
            sweeps[each.nodeid.partition("[")[0]].append(each)
    left_out = {case for cases in sweeps.values() for case in set(cases) - set(each_value_once(cases))}
    config.hook.pytest_deselected(items=left_out)
    items[:] = [each for each in items if each not in left_out]


def each_value_once(cases: list[pytest.Function]) -> list[pytest.Function]:
    """So few cases of a sweep that each value of each parameter is still in one of them, and none in many."""
    values = {case: set(enumerate(case.callspec.id.split("-"))) for case in cases}
    met: Counter[tuple[int, str]] = Counter()
    kept: list[pytest.Function] = []
    while True:
        best = max(cases, key=lambda case: (len(values[case] - met.keys()), -sum(met[each] for each in values[case])))
        if not values[best] - met.keys():
            return kept
        kept.append(best)
        met.update(values[best])


@pytest.fixture(autouse=True)
def slow_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets all servers count as slow: they answer at once here, and would be read without threads."""
    monkeypatch.setattr("crm_systems.client.shared.AT_ONCE", -1.0)


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
