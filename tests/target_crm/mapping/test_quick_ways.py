"""The quick ways give what the careful ones give."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from singer_sdk.singerlib.json import deserialize_json

from crm_systems.kinds import Notation
from crm_systems.model import Choice, Field, Kind
from crm_systems.wire import typed
from target_crm.encoding import is_writable
from target_crm.input import Messages
from target_crm.ledger import digest, fingerprint
from target_crm.mapping.plain import AsTheyCome, Place, as_it_comes

NUMBERS = ["1", "-0", "1.0", "1.50", "1e3", "1E400", "0.00000000", "-1e-7", "123456789012345678901234567890", "NaN"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", " ", "a", "A label", "0", "1.0", "on", "2021-05-06", "13:45", "a |##| b", "[1]", "Infinity"]),
    st.lists(st.text(max_size=3), max_size=2),
)


@given(kind=st.sampled_from(Kind), value=VALUES, listed=st.booleans())
def test_a_value_that_is_typed_as_it_comes(kind: Kind, value: Any, listed: bool) -> None:
    choices = (Choice("a", "A label"), Choice("", "nothing")) if listed else ()
    field = Field("f", kind, choices=choices)
    if as_it_comes(field)(value):
        found = typed(field, value, Notation())
        assert (type(found), str(found)) == (type(value), str(value))


@example(value="", listed=False, name="f")
@example(value=["", "a"], listed=True, name="f")
@given(value=VALUES, listed=st.booleans(), name=st.text(max_size=3))
def test_a_record_that_is_typed_as_it_comes(value: Any, listed: bool, name: str) -> None:
    for kind in Kind:
        field = Field("f", kind, choices=(Choice("a", "A label"), Choice("", "nothing")) if listed else ())
        quick = AsTheyCome({name: Place("f", field, as_it_comes(field)), f"{name}-": Place()})
        found = quick.of({name: value, f"{name}-": 1})
        if name in quick.others:
            assert found == {}
            continue
        assert found is not None or not as_it_comes(field)(value)
        if found is not None and is_writable(value):
            wanted = typed(field, value, Notation())
            assert (type(found["f"]), str(found["f"])) == (type(wanted), str(wanted))


@given(st.recursive(VALUES, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6))
def test_a_line_is_read_as_the_sdk_reads_it(value: Any) -> None:
    line = json.dumps({"type": "STATE", "value": value}, default=str)
    assert repr(Messages().deserialize_json(line)) == repr(deserialize_json(line))


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_stay_as_they_are(number: str) -> None:
    line = f'{{"type": "STATE", "value": {number}}}'
    assert repr(Messages().deserialize_json(line)) == repr(deserialize_json(line))


@given(st.one_of(VALUES, st.text(st.characters(), max_size=4)))
def test_what_utf_8_can_hold(value: Any) -> None:
    held = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    assert is_writable(value) == (held.decode("utf-8", "ignore").encode() == held)


def test_a_digest_of_today_is_one_of_yesterday() -> None:
    assert digest(["Leads", {"b": Decimal("1.50"), "a": "é", "c": None}]) == digest(
        ["Leads", {"a": "é", "c": None, "b": "1.5"}]
    )


def test_a_fingerprint_is_in_the_form_of_an_earlier_one() -> None:
    values = {"b": Decimal("1.50"), "a": "é", "c": None, "d": [{"e": Decimal(2)}]}
    assert fingerprint("Leads", values, like=digest("x")) == digest(["Leads", values])
    new = fingerprint("Leads", values)
    assert fingerprint("Leads", {"a": "é", "c": None, "d": [{"e": "2"}], "b": "1.5"}, like=new) == new
    assert fingerprint("Leads", values | {"f": 2**70}) != new
    assert len(new) == len(digest("x"))
