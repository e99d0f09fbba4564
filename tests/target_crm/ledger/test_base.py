"""The base of the three-way comparison: small, exact, and blind to how a value is spelled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_systems.errors import ConfigError
from target_crm.ledger import EMPTY, NOT_SHOWN, Agreed, Base, short_digest

VALUES = st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.lists(st.text()))
DIGESTS = st.one_of(st.just(NOT_SHOWN), VALUES.map(short_digest))
NAMES = st.tuples(st.text(max_size=9), st.text(max_size=9))
FIELDS = st.dictionaries(NAMES, st.builds(Agreed, DIGESTS, DIGESTS), max_size=9)


@given(FIELDS)
def test_what_is_kept_comes_back_and_takes_at_most_20_bytes_a_field(fields: dict[tuple[str, str], Agreed]) -> None:
    base = Base()
    for names, agreed in fields.items():
        base.agree(base.mark(*names), agreed.sent, agreed.stored)
    kept = base.packed()
    assert len(kept) <= 20 * len(fields)
    again = Base(kept)
    assert {names: again.get(again.mark(*names)) for names in fields} == fields
    mirrored = Base(kept, is_mirrored=True)
    assert mirrored.packed() == kept
    for (name, field), agreed in fields.items():
        assert mirrored.get(mirrored.mark(field, name)) == Agreed(agreed.stored, agreed.sent)


def test_two_pipelines_in_words_of_their_own_know_a_field_by_the_incoming_name() -> None:
    base = Base()
    base.agree(base.mark("first_name", "firstname"), b"sent   ", b"stored ")
    there = Base(base.packed(), is_mirrored=True)
    mark = there.mark("first_name", "name")
    assert there.get(mark) == Agreed(b"stored ", b"sent   ")
    there.agree(mark, b"theirs ", b"ours   ")
    assert Base(there.packed()).get(base.mark("first_name", "firstname")) == Agreed(b"ours   ", b"theirs ")
    assert there.get(there.mark("last_name", "firstname")) is None


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


@pytest.mark.parametrize("length", range(1, 20))
def test_a_part_of_one_is_none(length: int) -> None:
    base = Base()
    base.agree(base.mark("title", "title"), short_digest("sent"), short_digest("stored"))
    assert len(base.packed()) == 20
    with pytest.raises(ConfigError, match="cannot be read"):
        Base(base.packed()[:length])
