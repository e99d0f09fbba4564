"""What the tests of the contract share."""

from __future__ import annotations

import pytest

from tests.contract.subjects import SUBJECTS, Subject


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each system in its turn, unless a test chooses."""
    return SUBJECTS[request.param]
