"""What the tests of the simulated Vtiger share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.crm_simulators.vtiger.client import Client, logged_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a simulator and logs in there."""
    with ExitStack() as stack:
        yield lambda *args, **switches: stack.enter_context(logged_in(*args, **switches))
