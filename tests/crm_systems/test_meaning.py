"""Whatever JSON comes for a field of whatever kind: what leaves means the same, or nothing leaves."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from crm_systems.kinds import Notation, Reader
from crm_systems.model import Choice, Entity, Field, Kind
from crm_systems.wire import encode, is_empty, same, spelled, typed

NOTATIONS = [Notation("UTC", " |##| "), Notation("Europe/Prague", ","), Notation("Europe/Moscow", "")]
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(0, 3),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.just(Decimal("1E+9")),
)
LIKE_DATES = st.from_regex(
    r"(\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4})([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?x?", fullmatch=True
)
LIKE_TIMES = st.from_regex(r"\d{1,2}:\d\d(:\d\d)?( ?[AaPp][Mm])?", fullmatch=True)
KEYS = st.sampled_from(
    [20240131, 45322, 2024013109, 202401310930, "20240131", 1706659200, 1706659200000, "1_000", "1 000", "1,5"]
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, LETTERS, LIKE_DATES, LIKE_TIMES, KEYS)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3), max_leaves=8
)
WRITTEN = JSON.filter(lambda value: isinstance(value, (list, dict))).map(lambda value: json.dumps(value, default=float))
WORD = re.compile(r"nan|none|inf", re.IGNORECASE)


def is_nan(value: Any) -> bool:
    return isinstance(value, (float, Decimal)) and isnan(value)


def means(kind: Kind, given: Any, result: Any) -> bool:
    """Whether a result means what was given; told without the code under test where that can be."""
    if kind in {Kind.INTEGER, Kind.NUMBER}:
        return Decimal(str(int(given) if isinstance(given, bool) else given).strip()) == Decimal(result)
    if kind is Kind.BOOLEAN:
        yes, no = ("1", "1.0", "true", "yes", "on", "y", "t"), ("0", "0.0", "false", "no", "off", "n", "f")
        is_number = isinstance(given, (int, float, Decimal))
        return bool(given == result) if is_number else given.strip().lower() in (yes if result else no)
    if kind is Kind.DATE:
        year, month, day = result.split("-")
        return isinstance(given, str) and (result in given or f"{day}.{month}.{year}" in given)
    if kind is Kind.DATETIME:
        return (
            isinstance(given, str) or int(given) in range(10**9, 2 * 10**9) or int(given) in range(10**12, 2 * 10**12)
        )
    if kind is Kind.TIME:
        minutes = result[2:5]
        return isinstance(given, str) and minutes in given
    return True


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
@limits(max_examples=40, deadline=None)
@given(given_=JSON | WRITTEN, notation=st.sampled_from(NOTATIONS))
def test_what_leaves_means_the_same(kind: Kind, given_: Any, notation: Notation) -> None:
    field = Field("x", kind)
    try:
        result = typed(field, given_, notation)
    except ValueError:
        return
    if is_empty(result):
        zeros = kind in {Kind.REFERENCE, Kind.DATE, Kind.DATETIME}
        assert zeros or kind in {Kind.LIST, Kind.MULTIPICKLIST, Kind.OBJECT} or is_empty(given_) or is_nan(given_)
        return
    assert means(kind, given_, result)
    sent = json.dumps(encode(kind, result, notation), allow_nan=False)
    assert WORD.search(json.dumps(given_, default=float)) or not WORD.search(sent)
    assert same(kind, typed(field, result, notation), result), "it is the same once more"


@pytest.mark.parametrize(
    ("kind", "given_", "result"),
    [
        (Kind.TIME, "21:30:15.000", "21:30:15"),
        (Kind.TIME, "9:30", "09:30:00"),
        (Kind.BOOLEAN, Decimal("1.0"), True),
        (Kind.BOOLEAN, "0.0", False),
        (Kind.DATE, "2024-01-31 10:00:00", "2024-01-31"),
        (Kind.DATETIME, 1706659200, "2024-01-31T00:00:00+00:00"),
        (Kind.DATETIME, 1706659200000, "2024-01-31T00:00:00+00:00"),
        (Kind.MULTIPICKLIST, '["Red","Green"]', ["Red", "Green"]),
        (Kind.MULTIPICKLIST, ["Red", None, float("nan")], ["Red"]),
        (Kind.LIST, "[1, null]", [1]),
        (Kind.OBJECT, '{"a": [NaN, 1.5]}', {"a": [None, Decimal("1.5")]}),
        (Kind.TEXT, '["a"]', '["a"]'),
        (Kind.TEXT, float("nan"), None),
        (Kind.TEXT, [Decimal("1.50"), None], "[1.5, null]"),
        (Kind.REFERENCE, Decimal("11.0"), "11"),
    ],
)
def test_what_is_understood(kind: Kind, given_: Any, result: Any) -> None:
    assert typed(Field("x", kind), given_, NOTATIONS[0]) == result


REFUSED: list[tuple[Kind, list[Any]]] = [
    (
        Kind.DATE,
        [20240131, 45322, "20240131", "2024-01-31garbage", "2024-01-31 25:61:00", "31/12/2024", True, 1706659200],
    ),
    (Kind.DATETIME, [20240131, 45322, 2024013109, 202401310930, 20240131093000, "2024-01-31x10:00", "soon", True]),
    (Kind.TIME, ["garbage", "25:00", "9:60", "9:30 PM", "9", 930, ["9:30"]]),
    (Kind.BOOLEAN, ["2", 2, Decimal("0.5"), "perhaps", [True]]),
    (Kind.INTEGER, ["1_000", "1 000", "1\u00a0000", "1,000", "1.5", "NaN", "inf", "\u0661", [1]]),
    (Kind.NUMBER, ["1_000", "1 000", "12,5", "NaN", "Infinity", "1e-99999999999", float("inf")]),
    (Kind.TEXT, [float("inf"), [float("-inf")], {"a": Decimal("Infinity")}]),
    (Kind.EMAIL, [["a@example.com"], {"a": 1}]),
    (Kind.MULTIPICKLIST, [[["a"]], {"a": 1}, '[{"a": 1}]', [float("inf")]]),
    (Kind.LIST, ["a", 1, '{"a": 1}', "[" * 100_000]),
    (Kind.OBJECT, ["a", [1], "[1]"]),
]


@pytest.mark.parametrize(("kind", "values"), REFUSED, ids=lambda each: getattr(each, "value", ""))
def test_what_is_none_of_a_kind_is_refused(kind: Kind, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"is no {kind.value}"):
            typed(Field("x", kind), value, NOTATIONS[0])


def test_a_number_finds_the_pick_list_value_that_is_written_alike() -> None:
    field = Field("x", Kind.PICKLIST, choices=(Choice("1", "One"), Choice("2.5", "Other")))
    assert [typed(field, each, NOTATIONS[0]) for each in (Decimal("1.0"), 1, Decimal("2.50"))] == ["1", "1", "2.5"]


@given(NUMBERS.filter(isfinite))
def test_one_number_has_one_spelling(number: Any) -> None:
    exact = Decimal(str(number))
    if abs(exact.adjusted()) < 900:
        assert spelled(exact) == spelled(number) == spelled(exact * Decimal("1.0")) or exact.as_tuple().digits[20:]
        assert Decimal(spelled(number)) == exact


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), [float("inf")]])
def test_what_a_crm_calls_no_number_is_never_read_as_a_word(value: Any) -> None:
    entity = Entity("Things", tuple(Field(kind.value, kind) for kind in Kind))
    record = Reader(entity, NOTATIONS[0])({kind.value: value for kind in Kind})
    assert not WORD.search(json.dumps([each for each in record.values() if each is not None], default=str))
