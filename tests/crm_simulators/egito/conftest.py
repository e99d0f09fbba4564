"""What the tests of the simulated Egito share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators.egito import EgitoSimulator
from tests.crm_simulators.egito.caller import Http

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def simulator() -> Iterator[EgitoSimulator]:
    """A server."""
    with EgitoSimulator(rows=60) as simulator:
        yield simulator


@pytest.fixture
def http(simulator: EgitoSimulator) -> Http:
    """A session that is logged in there."""
    return Http(simulator)
