"""What the tests of the simulated InTouch share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators.intouch import InTouchSimulator
from tests.crm_simulators.intouch.caller import Http

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def simulator() -> Iterator[InTouchSimulator]:
    """A server."""
    with InTouchSimulator(rows=60) as simulator:
        yield simulator


@pytest.fixture
def http(simulator: InTouchSimulator) -> Http:
    """A session that is logged in there."""
    return Http(simulator)
