"""What goes out comes back the same: values of every kind there and back, and what resembles what."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from crm_systems.kinds import Notation, Reader
from crm_systems.model import Choice, Entity, Field, Kind
from crm_systems.wire import encode, is_empty, matches, same, typed
from target_crm.writing.creation.similarity import may_be, resembles

NOTATIONS = [Notation("UTC", " |##| "), Notation("Europe/Prague", " |##| "), Notation("America/New_York", "")]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ITEM = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|"), min_size=1)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (Kind.STRING, Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.PICKLIST, Kind.OWNER, Kind.FILE),
        TEXT,
    ),
    Kind.TIME: st.one_of(
        st.times().map(lambda each: f"{each:%H:%M:%S}"), st.times().map(lambda each: f"{each:%H:%M:%S.000}")
    ),
    Kind.INTEGER: st.one_of(st.integers(), st.integers().map(str)),
    Kind.NUMBER: st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False, places=8).map(str), st.integers(), st.floats(-1e9, 1e9)
    ),
    Kind.BOOLEAN: st.sampled_from([True, False, "true", "no", "1", "0", "on", "off", 1, 0]),
    Kind.DATE: st.one_of(st.dates().map(str), st.dates().map(lambda day: f"{day:%d.%m.}{day.year:04}")),
    Kind.DATETIME: st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis wants bounds without a zone
        datetime(2099, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.timezones(),
    ).map(lambda moment: moment.replace(microsecond=0).isoformat()),
    Kind.MULTIPICKLIST: st.lists(ITEM, min_size=1),
    Kind.REFERENCE: st.from_regex(r"[1-9]\d?x\d{1,9}", fullmatch=True),
    Kind.LIST: st.lists(st.dictionaries(TEXT, TEXT)),
}


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.value)
@limits(deadline=None)
@given(data=st.data())
def test_what_is_written_reads_back_the_same(kind: Kind, data: st.DataObject) -> None:
    notation = data.draw(st.sampled_from(NOTATIONS))
    field = Field("x", kind)
    value = typed(field, data.draw(VALUES[kind]), notation)
    sent = encode(kind, value, notation)
    read = Reader(Entity("e", (field,)), notation)({"x": json.loads(json.dumps(sent))})["x"]
    if kind is Kind.DATETIME and _is_told_twice(value, notation):
        return
    assert same(kind, value, read)
    assert typed(field, read, notation) == read, "what was read can be written"


def _is_told_twice(value: str, notation: Notation) -> bool:
    """Whether the clock shows this time twice, when it is put back: a text without zone cannot tell which."""
    written = encode(Kind.DATETIME, value, notation)
    moment = datetime.fromisoformat(value)
    around = (moment + timedelta(minutes=minutes) for minutes in (-120, -60, -30, 30, 60, 120))
    return any(encode(Kind.DATETIME, each.astimezone(timezone.utc).isoformat(), notation) == written for each in around)


@given(st.recursive(st.one_of(TEXT, st.booleans(), st.decimals(allow_nan=False)), st.lists, max_leaves=5))
def test_any_json_goes_out_as_json(value: Any) -> None:
    notation = NOTATIONS[0]
    for kind in (Kind.LIST, Kind.ANY):
        json.dumps(encode(kind, value, notation))


def test_a_label_stands_for_its_value() -> None:
    choices = (Choice("1", "One"), Choice("2", "1"), Choice("3", "Three"))
    one, many = Field("x", Kind.PICKLIST, choices=choices), Field("x", Kind.MULTIPICKLIST, choices=choices)
    assert [typed(one, each, NOTATIONS[0]) for each in ("One", "1", "Three", "Four")] == ["1", "1", "3", "Four"]
    assert typed(many, "One |##| Three |##| x", NOTATIONS[0]) == ["1", "3", "x"]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_says_nothing_is_empty(value: Any) -> None:
    assert is_empty(value)
    assert typed(Field("x", Kind.NUMBER), value, NOTATIONS[0]) is None


@pytest.mark.parametrize("value", [0, False, "0", " ", Decimal(0), [None]])
def test_what_says_something_is_not(value: Any) -> None:
    assert not is_empty(value)


@pytest.mark.parametrize(
    ("kind", "one", "other", "expected"),
    [
        (Kind.NUMBER, Decimal("1.50"), Decimal("1.5"), True),
        (Kind.NUMBER, 0, None, False),
        (Kind.NUMBER, 2**60, Decimal(2**60 + 1), False),
        (Kind.TIME, "9:30", "09:30:00", True),
        (Kind.STRING, "a", "A", False),
        (Kind.STRING, "a ", "a", False),
        (Kind.STRING, "ä", "a", False),
        (Kind.MULTIPICKLIST, ["a", "b"], ["b", "a"], True),
        (Kind.MULTIPICKLIST, ["a"], ["a", "b"], False),
        (Kind.BOOLEAN, False, None, False),
        (Kind.DATE, None, "", True),
    ],
)
def test_same(kind: Kind, one: Any, other: Any, expected: bool) -> None:
    assert same(kind, one, other) == same(kind, other, one) == expected


def test_an_entity_matches_exactly_but_for_the_case_of_emails() -> None:
    entity = Entity("e", (Field("name", Kind.STRING), Field("mail", Kind.EMAIL), Field("n", Kind.NUMBER)))
    assert matches(entity, {"mail": "A@B.cz", "n": 1}, {"mail": "a@b.CZ", "n": Decimal("1.0")})
    assert matches(entity, {"name": "Mu\u0308ller"}, {"name": "Müller"})
    for match, record in (
        ({"name": "a"}, {"name": "A"}),
        ({"name": "a"}, {"name": None}),
        ({"name": "a"}, {}),
        ({"other": "a"}, {"other": "a"}),
        ({"name": "a", "n": 1}, {"name": "a", "n": 2}),
    ):
        assert not matches(entity, match, record)


ENTITY = Entity("e", (*(Field(name, Kind.STRING) for name in "abcd"), Field("n", Kind.NUMBER), Field("o", Kind.OWNER)))
SENT = {"a": "Novák", "b": "x" * 100, "c": "rocket \U0001f680 man", "n": Decimal("1.234"), "o": "19x9"}
STORED = {"a": "Novák", "b": "x" * 30, "c": "rocket ?? man", "n": Decimal("1.23"), "o": "999", "d": "more"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"a": "Novak"}, False),
        ({"a": "日本"}, False),
        ({"b": ""}, False),
        ({"c": "rocket &lt;woman"}, False),
    ],
)
def test_a_record_resembles_what_was_sent_but_for_what_servers_do(change: dict[str, str], expected: bool) -> None:
    assert resembles(ENTITY, {**SENT, "d": "more"}, {**STORED, **change}) == expected


def test_names_in_other_scripts_are_told_apart() -> None:
    assert not resembles(ENTITY, {"a": "田中", "o": "19x1"}, {"a": "鈴木", "o": "19x1"})
    assert resembles(ENTITY, {"a": "田中 \U0001f680", "o": "19x1"}, {"a": "田中 ??", "o": "19x1"})


def test_a_record_that_has_nothing_in_common_does_not() -> None:
    assert not resembles(ENTITY, {"n": 1, "o": "19x1"}, {"n": 2, "o": "19x2"})


@pytest.mark.parametrize(
    ("stored", "changed", "expected"),
    [
        ({"a": "1", "b": "2", "c": "", "d": "4"}, False, True),
        ({"a": "1", "b": "2", "c": "else", "d": "4"}, False, False),
        ({"a": "1", "b": "2", "c": "else", "d": "4"}, True, True),
        ({"a": "1", "b": "2", "c": "else", "d": "else"}, True, False),
        ({"a": "1", "b": "2", "c": "", "d": ""}, False, False),
    ],
)
def test_a_record_may_be_the_one_if_most_of_it_is(stored: dict[str, str], changed: bool, expected: bool) -> None:
    sent = {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert may_be(ENTITY, sent, stored, changed=changed) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"c": "else"}, True),
        ({"a": "else"}, False),
        ({"a": "", "c": "else"}, False),
        ({"e": "x@example.com", "c": "else"}, False),
        ({"b": "", "c": "else", "e": ""}, False),
    ],
)
def test_a_record_in_which_the_crm_writes_is_told_by_its_name(stored: dict[str, str], expected: bool) -> None:
    fields = (
        Field("a", Kind.STRING, mandatory=True),
        *(Field(name, Kind.TEXT) for name in "bc"),
        Field("e", Kind.EMAIL),
    )
    sent = {"a": "1", "b": "2", "c": "3", "e": "a@example.com"}
    assert may_be(Entity("e", fields), sent, {**sent, **stored}, changed=False) == expected
