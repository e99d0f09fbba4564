"""What the tests of the target share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators.vtiger import VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def crm() -> Iterator[VtigerSimulator]:
    """A Vtiger 8.4 with a few records of its own."""
    with VtigerSimulator(rows=5, invoices=2) as simulator:
        yield simulator
