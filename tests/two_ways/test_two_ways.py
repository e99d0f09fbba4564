"""The proof of two ways, a few histories of it; ``python -m tests.two_ways`` carries out as many as are wanted."""

from __future__ import annotations

import pytest

from tests.two_ways.machine import PAIRS
from tests.two_ways.proof import prove


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_both_sides_come_together_and_no_edit_is_lost_unseen(pair: tuple[str, str]) -> None:
    prove(pair, 1, 12)
