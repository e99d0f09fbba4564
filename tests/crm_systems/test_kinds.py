"""The type table: exact, valid, and never surprised."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from singer_sdk.singerlib.json import serialize_json

from crm_systems.kinds import Notation, Reader, json_schema
from crm_systems.model import Choice, Entity, Field, Kind

ZONES = ("UTC", "Europe/Prague", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
FORMATS = FormatChecker(["date"])


@FORMATS.checks("date-time")
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", value))


def read(kind: Kind, value: Any, zone: str = "UTC", separator: str = " |##| ") -> tuple[Any, int]:
    """The typed value, and how many misfits it counted."""
    reader = Reader(Entity("Things", (Field("it", kind),)), Notation(timezone=zone, separator=separator))
    return reader({"it": value})["it"], reader.misfits["it"]


decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


@given(decimals)
def test_numbers_keep_their_digits(number: Decimal) -> None:
    written = f"{number:f}"
    value, misfits = read(Kind.NUMBER, written)
    assert (f"{value:f}", misfits) == (written, 0)
    back = json.loads(serialize_json(value), parse_float=Decimal, parse_int=Decimal)
    assert back.as_tuple() == Decimal(written).as_tuple()


@given(st.integers(-(10**40), 10**40), st.sampled_from(["{}", " {} ", "{}.0", "{}.000"]))
def test_whole_numbers(number: int, form: str) -> None:
    assert read(Kind.INTEGER, form.format(number)) == (number, 0)
    assert read(Kind.INTEGER, number) == (number, 0)


@pytest.mark.parametrize("text", ["12.5", "abc", "1,5", "NaN", "Infinity", "-inf", "1e999999999", "0x10", "--1", "."])
def test_what_is_no_whole_number(text: str) -> None:
    assert read(Kind.INTEGER, text) == (None, 1)


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y"]))
def test_dates(day: date, form: str) -> None:
    written = day.strftime(form).zfill(10) if form.startswith("%Y") else f"{day:%d.%m.}{day.year:04}"
    assert read(Kind.DATE, written) == (day.isoformat(), 0)
    assert read(Kind.DATE, f"{written} 23:59:59") == (day.isoformat(), 0)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001 - the zone is the other argument
def test_moments_in_zones(moment: datetime, zone: str) -> None:
    naive = moment.replace(microsecond=0)
    value, misfits = read(Kind.DATETIME, f"{naive:%Y-%m-%d %H:%M:%S}", zone)
    assert misfits == 0
    assert is_moment(value)
    back = datetime.fromisoformat(value)
    assert back == naive.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    assert read(Kind.DATETIME, f"{naive:%d.%m.%Y %H:%M:%S}", zone) == (value, 0)
    aware = naive.replace(tzinfo=timezone(timedelta(hours=-3, minutes=30)))
    assert datetime.fromisoformat(read(Kind.DATETIME, aware.isoformat(), zone)[0]) == aware


@pytest.mark.parametrize(
    ("kind", "raw", "typed"),
    [
        (Kind.DATETIME, "2025-05-06T07:08:09Z", "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "2025-05-06T07:08:09.000+0000", "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "2025-05-06 09:08:09+02", "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "2025-05-06 07:08:09 UTC", "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "2025-05-06t07:08:09z", "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "2025-05-06T07:08:09.1234567Z", "2025-05-06T07:08:09.123456+00:00"),
        (Kind.DATETIME, 1746515289, "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, 1746515289000, "2025-05-06T07:08:09+00:00"),
        (Kind.DATETIME, "0000-00-00 00:00:00", None),
        (Kind.DATE, "0000-00-00", None),
        (Kind.DATE, "00.00.0000", None),
        (Kind.DATE, "", None),
        (Kind.BOOLEAN, "on", True),
        (Kind.BOOLEAN, "0", False),
        (Kind.BOOLEAN, False, False),
        (Kind.BOOLEAN, 1, True),
        (Kind.MULTIPICKLIST, "alpha |##| beta & co", ["alpha", "beta & co"]),
        (Kind.MULTIPICKLIST, "", None),
        (Kind.MULTIPICKLIST, ["a", 1], ["a", "1"]),
        (Kind.REFERENCE, "0", None),
        (Kind.REFERENCE, 0, None),
        (Kind.REFERENCE, "12x5", "12x5"),
        (Kind.REFERENCE, "19x0", None),
        (Kind.REFERENCE, "19x", None),
        (Kind.REFERENCE, "19x10", "19x10"),
        (Kind.STRING, 0, "0"),
        (Kind.STRING, True, "true"),
        (Kind.TEXT, [True, None], "[true, null]"),
        (Kind.ANY, {"\ud83d": ["\udc00"]}, {"\ufffd": ["\ufffd"]}),
        (Kind.LIST, '["a", 1.50]', ["a", Decimal("1.50")]),
        (Kind.LIST, {"0": 1, "2": 3}, [1, 3]),
        (Kind.MULTIPICKLIST, {"1": "a", "2": "b"}, ["a", "b"]),
        (Kind.MULTIPICKLIST, {}, []),
        (Kind.LIST, {}, []),
        (Kind.OBJECT, [], {}),
        (Kind.NUMBER, "-0.00", Decimal("-0.00")),
    ],
)
def test_what_is_what(kind: Kind, raw: Any, typed: Any) -> None:
    value, misfits = read(kind, raw)
    assert (repr(value), misfits) == (repr(typed), 0)


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        (Kind.DATE, "2025-02-30", None),
        (Kind.DATE, True, None),
        (Kind.DATETIME, "soon", None),
        (Kind.DATETIME, 10**300, None),
        (Kind.BOOLEAN, "perhaps", None),
        (Kind.LIST, '{"a": 1}', None),
        (Kind.OBJECT, "[1]", None),
        (Kind.STRING, "half \ud83d", "half \ufffd"),
        (Kind.PICKLIST, "Caf\udce9", "Caf\ufffd"),
    ],
)
def test_misfits_are_counted(kind: Kind, raw: Any, kept: Any) -> None:
    assert read(kind, raw) == (kept, 1)


letters = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), decimals, letters, st.floats())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3))
hard = st.sampled_from(["1e99999999999", Decimal("1e999999"), 10**4000, -(10**400), "9" * 5000, "0000-00-00", "NaN"])
dates = st.from_regex(r"\d{1,4}[-.]\d\d[-.]\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?", fullmatch=True)


@given(st.sampled_from(Kind), values | hard | dates, st.sampled_from(ZONES), st.booleans())
def test_whatever_comes_what_leaves_is_valid(kind: Kind, value: Any, zone: str, key: bool) -> None:
    typed, misfits = read(kind, value, zone)
    assert misfits in {0, 1}
    line = serialize_json(typed, ensure_ascii=False)
    line.encode()
    schema = json_schema(Field("it", kind), key=key)
    if typed is not None or not key:
        Draft202012Validator(schema, format_checker=FORMATS).validate(typed)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_what_its_schema_says(kind: Kind) -> None:
    check = Draft202012Validator(json_schema(Field("it", kind)), format_checker=FORMATS).validate
    for value in ("1", "1.5", "on", "a", "2024-01-31", "2024-01-31 10:00:00", "10:00:00", 1, True, ["a"], {"a": 1}):
        check(read(kind, value)[0])


@given(values)
def test_an_odd_value_never_changes_its_neighbours(value: Any) -> None:
    reader = Reader(Entity("Things", (Field("a", Kind.DATE), Field("b", Kind.STRING))), Notation())
    assert reader({"a": value, "b": "kept", "c": value})["b"] == "kept"
    assert dict(reader.unknown) == {"c": 1}


def test_schemas() -> None:
    choices = (Choice("1", "One"), Choice("two", "two"), Choice("1", "Again"))
    field = Field("it", Kind.PICKLIST, "It", mandatory=True, writable=False, choices=choices)
    assert json_schema(field) == {
        "type": ["string", "null"],
        "title": "It",
        "description": "picklist; mandatory; read-only; values: 1 (One), two, 1 (Again)",
    }
    assert json_schema(field, enum=True)["enum"] == ["1", "two", None]
    several = Field("it", Kind.MULTIPICKLIST, choices=choices)
    assert json_schema(several, enum=True)["items"] == {"type": "string", "enum": ["1", "two"]}
    assert json_schema(Field("id", Kind.STRING), key=True)["type"] == "string"
    assert json_schema(Field("it", Kind.REFERENCE, refers_to=("A", "B")))["description"] == "reference; refers to A, B"
