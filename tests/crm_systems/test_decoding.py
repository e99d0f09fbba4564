"""How deep JSON may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_systems.decoding import MOST_LEVELS, NotJson, find_json, may_be_deep


@given(st.text("[]{}, ").map(str.encode), st.integers(0, 9))
def test_how_deep_json_may_be_is_told_by_what_begins(text: bytes, most: int) -> None:
    assert may_be_deep(text, most) == (sum(each in b"[{" for each in text) > most)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_an_answer_that_is_too_deep_is_none(opening: bytes) -> None:
    levels = MOST_LEVELS + 1
    with pytest.raises(NotJson):
        find_json(opening * levels + b"0" + (b"]" if opening == b"[" else b"}") * levels, {})


def test_an_answer_of_many_rows_is_not_deep() -> None:
    assert find_json(b"[" + b",".join([b'{"a":[]}'] * 100) + b"]", {}) == [{"a": []}] * 100
