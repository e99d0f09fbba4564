"""What a server may have made of a value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_systems.model import Kind
from target_crm.writing.creation import may_be_stored_as


@pytest.mark.parametrize(
    ("sent", "stored", "may_be"),
    [("9.99", "10.00000000", True), ("12.35", "12.40", True), ("12.35", "12.50", False), ("9.99", "12", False)],
)
def test_a_number_may_be_rounded_whatever_zeros_end_it(sent: Any, stored: Any, may_be: bool) -> None:
    assert may_be_stored_as(Kind.NUMBER, Decimal(sent), Decimal(stored)) is may_be
