"""The base of the three-way comparison: small, exact, and blind to how a value is spelled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_crm.ledger import EMPTY, NOT_SHOWN, Agreed, packed, short_digest, tag, unpacked

VALUES = st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.lists(st.text()))
DIGESTS = st.one_of(st.just(NOT_SHOWN), VALUES.map(short_digest))
FIELDS = st.dictionaries(st.text().map(tag), st.builds(Agreed, DIGESTS, DIGESTS))


@given(FIELDS)
def test_what_is_kept_comes_back_and_takes_at_most_20_bytes_a_field(base: dict[bytes, Agreed]) -> None:
    kept = packed(base)
    assert unpacked(kept) == base
    assert len(kept) <= 20 * len(base)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, ""),
        ([], {}),
        (11, "11"),
        (Decimal("11.0"), 11),
        (True, "true"),
        (["b", "a"], ["a", "b"]),
        ([1, 2], ["2", "1"]),
        ({"a": 1, "b": None}, {"a": Decimal("1.0")}),
    ],
    ids=str,
)
def test_the_same_meaning_has_the_same_digest(one: Any, other: Any) -> None:
    assert short_digest(one) == short_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0, None),
        (False, None),
        ("a", "A"),
        ("a", "a "),
        ([{"a": 1}, {"b": 1}], [{"b": 1}, {"a": 1}]),
        ("\u00e9", "e\u0301"),
    ],
    ids=str,
)
def test_another_meaning_has_another_digest(one: Any, other: Any) -> None:
    assert short_digest(one) != short_digest(other)
    assert EMPTY not in (short_digest(one), short_digest(other or "x"))


def test_no_number_stops_it() -> None:
    assert short_digest(float("nan")) != short_digest(float("inf"))
