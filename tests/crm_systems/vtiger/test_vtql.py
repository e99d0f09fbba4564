"""No text leaves its place in a question."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from crm_simulators.vtiger.vtql import is_extended
from crm_systems.vtiger import vtql


@given(st.text(alphabet=st.sampled_from("'\\\"%_a \n") | st.characters()))
@example("' or ''='")
@example("\\' or 1")
def test_literals_cannot_be_left(text: str) -> None:
    literal = vtql.literal(text)
    inside = literal[1:-1]
    assert literal[0] == literal[-1] == "'"
    assert "'" not in inside.replace("''", "")
    assert "\\" not in inside.replace("\\\\", "")
    assert inside.replace("''", "'").replace("\\\\", "\\") == text


texts = st.text(alphabet=st.sampled_from("'().\\%_[a \n\t") | st.characters(codec="utf-8"), min_size=1) | st.lists(
    st.sampled_from(["'", "(", ")", ".", " ", "in (", " count(", "x", " where [", "select [", "related."]), min_size=1
).map("".join)


@given(texts, texts)
@example("'t Hart B.V.", "x")
@example("it''s (me)", "x")
@example("x'", "a.b")
@example(" COUNT(", ")'(")
def test_no_text_is_taken_for_a_part_of_the_question(one: str, other: str) -> None:
    """By coreBOS, which looks for the dialect of a query in all of it."""
    for condition in (f"{vtql.has('a', one)} and {vtql.has('b', other)}", *vtql.among("a", [one, other], 50)):
        query = f"select * from Things where {condition} or id = '12x1' limit 100;"
        assert not is_extended(query)
        assert not re.search(r"[\n\r\t]|\sselect\s+\[| where\s+\[", query)
