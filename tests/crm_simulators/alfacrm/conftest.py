"""What the tests of the simulated alfaCRM share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crm_simulators.alfacrm.caller import Api, tenant

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def api() -> Iterator[Api]:
    """A tenant, and a caller that is logged in there."""
    with tenant() as found:
        yield found
