"""What several tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import SimplyCrmSimulator, Switches, VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
