"""The fast path of reading gives what the careful one gives, byte by byte, or nothing at all."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_systems.compiled import Envelope, Pages, Record, Rows, column, compiled, lines
from crm_systems.decoding import NotJson, find_json
from crm_systems.kinds import Notation, Reader
from crm_systems.model import Entity, Field, Kind

FLAT = [kind for kind in Kind if kind not in {Kind.LIST, Kind.OBJECT, Kind.ANY}]
NAMES = [f"{kind.value} {letter}" for letter in ("1\u017e", "1z\u030c") for kind in FLAT]
"""The same in two spellings, which are two names."""
THINGS = Entity(
    "Things", (*(Field(name, kind) for name, kind in zip(NAMES, FLAT * 2, strict=True)), Field("id", FLAT[0]))
)
PAGE = Envelope(rows="result", flag="success", besides="moreinfo", key="[0-9]+x[0-9]+")
NOTATIONS = [Notation(separator=" |##| "), Notation("Europe/Prague"), Notation("Asia/Kathmandu", separator=",")]

odd = st.sampled_from(
    [
        *("", " ", "0", "1", "-1", "007", "1.50", "0.00000000", "1e5", "1E-7", "-.5", "5.", "+3", "1_0", "NaN", "null"),
        *("0000-00-00", "0000-00-00 00:00:00", "2024-02-30", "2024-02-29", "1.2.2024", "01.02.2024", "31.02.2024"),
        *("2024-03-31 02:30:00", "2024-10-27 02:30:00", "2025-08-09 10:11:12", "2025-08-09T10:11:12Z", "0001-01-01"),
        *("2025-08-09 10:11:12.5", "2025-08-09 10:11", "1700000000", "9999-12-31 23:59:59", "0000-01-01 10:11:12"),
        *(
            "on",
            "off",
            "yes",
            "TRUE",
            "False",
            "a |##| b",
            " |##| ",
            "a,,b",
            "\u0661\u0662",
            "\u017elu\u0165",
            "\ud800",
        ),
        *('":""', '\\":""', '{"a":""}', "a\nb", "\u2028", "9" * 40, "0." + "0" * 40 + "1", "19x1", "0x0"),
    ]
)
BREAKS = ["\n", "\r", "\r\n", *"\v\f\x1c\x1d\x1e\x85\u2028\u2029\x00\ufeff ", ""]
"""What may take a text for two, or two for one."""
texts = odd | st.text(max_size=8) | st.builds("{}{}{}".format, odd, st.sampled_from(BREAKS), odd)
others = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.lists(texts)
)
ids = st.integers(1, 99).map("12x{}".format)
rows = st.fixed_dictionaries({"id": ids}, optional=dict.fromkeys(NAMES, st.none() | texts))
odd_rows = st.fixed_dictionaries(
    {}, optional={"id": ids | texts | others, "new": texts, **dict.fromkeys(NAMES[:6], texts | others)}
)


NEAR: dict[Kind, list[str]] = {
    Kind.INTEGER: ["1", "42", "100200300", "0", "9" * 18, "9" * 19, "007", "-3", "4.0", "5.5", "1\n2", ""],
    Kind.NUMBER: [
        "1",
        "1234.50",
        "0.000001",
        "0",
        "-7.25",
        "12.50000000",
        "0.00000000",
        "-0",
        "007.5",
        "5.",
        "1e3",
        "1\n2",
        "",
    ],
    Kind.DATE: [
        *("2024-01-31", "2024-02-29", "1999-12-31", "9999-12-31"),
        *("2023-02-29", "0000-00-00", "2024-1-31", "2024-01-31\n2024-02-29", ""),
    ],
    Kind.DATETIME: [
        *("2025-08-09 10:11:12", "2024-02-29 23:59:59", "2024-03-31 02:30:00", "0001-01-01 00:00:00"),
        *("2024-02-30 10:11:12", "2025-08-09 24:00:00", "0000-00-00 00:00:00", "2025-08-09T10:11:12", ""),
        "2025-08-09 10:11:12\n2025-08-09 10:11:12",
    ],
    Kind.BOOLEAN: ["1", "0", "on", "off", "2", ""],
    Kind.REFERENCE: ["19x1", "11x22", "0", ""],
}
"""Texts as servers write them, and some that are nearly so."""


def near(kind: Kind) -> st.SearchStrategy[str]:
    """Mostly a text as servers write it: whole columns of them go together."""
    texts = NEAR.get(kind, ["a", "\u017e |##| b", ""])
    broken = st.builds("{}{}{}".format, *map(st.sampled_from, (texts, BREAKS, texts)))
    return st.sampled_from(texts[:4]) | st.sampled_from(texts) | broken


alike = st.fixed_dictionaries({"id": ids, **{name: near(kind) for name, kind in zip(NAMES, FLAT * 2, strict=True)}})


def encoded(page: Any, *, is_ascii: bool) -> bytes:
    """JSON as servers write it; halves of surrogate pairs only as escapes."""
    told = json.dumps(page, ensure_ascii=is_ascii, separators=(",", ":"), default=str)
    return told.encode("utf-8", "surrogatepass")


def readers(notation: Notation) -> tuple[Reader, Reader, Pages]:
    """The careful reader, and the fast one."""
    careful, fast = Reader(THINGS, notation), Reader(THINGS, notation)
    pages = compiled(fast, PAGE)
    assert pages
    return careful, fast, pages


def assert_same(bodies: list[bytes], notation: Notation) -> int:
    """Both ways give the same lines and counts; how many pages went the fast one."""
    careful, fast, pages = readers(notation)
    count = 0
    for body in bodies:
        found = pages.decode(body)
        if found is None:
            continue
        count += 1
        found = pages.typed(found)
        typed = list(map(careful, find_json(body, {})["result"]))
        assert [record.row() for record in found] == typed
        assert lines(found) == lines(typed)
        assert [list(record.row()) for record in found] == [list(record) for record in typed]
        assert [column(found, name) for name in ("id", "absent")] == [column(typed, name) for name in ("id", "absent")]
    assert (fast.misfits, fast.unknown) == (careful.misfits, careful.unknown)
    return count


@settings(deadline=None)
@given(st.lists(st.lists(rows, max_size=3), max_size=3), st.sampled_from(NOTATIONS), st.booleans())
def test_pages_of_texts(pages: list[Any], notation: Notation, is_ascii: bool) -> None:
    bodies = [encoded({"success": True, "result": page}, is_ascii=is_ascii) for page in pages]
    fast = assert_same(bodies, notation)
    if not any(b"\\ud800" in body or b"\xed\xa0\x80" in body for body in bodies):
        assert fast == len(bodies)


@settings(deadline=None)
@given(st.lists(st.lists(alike, min_size=1, max_size=4), max_size=3), st.sampled_from(NOTATIONS))
def test_columns_that_go_together(pages: list[Any], notation: Notation) -> None:
    bodies = [encoded({"success": True, "result": page}, is_ascii=False) for page in pages]
    assert assert_same(bodies, notation) == len(bodies)


@settings(deadline=None)
@given(
    st.lists(odd_rows, max_size=3),
    st.sampled_from(
        [
            {"success": True},
            {"success": False},
            {},
            {"success": True, "more": 1},
            {"success": True, "moreinfo": {"totalrows": "1"}},
        ]
    ),
    st.sampled_from(["{}", " {}\n", "\ufeff{}", "Notice: x\n{}", "{}x", "[{}]"]),
    st.booleans(),
)
def test_odd_pages(page: list[Any], around: dict[str, Any], form: str, is_ascii: bool) -> None:
    body = (
        form.replace("{}", "{body}").encode().replace(b"{body}", encoded({**around, "result": page}, is_ascii=is_ascii))
    )
    assert_same([body], NOTATIONS[0])


EVERYTHING = Entity(
    "Everything",
    (
        Field("id", Kind.STRING),
        *(Field(kind.value, kind) for kind in Kind if kind is not Kind.STRING),
        Field("hidden", Kind.STRING, readable=False),
    ),
)
natural: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INTEGER: st.integers(-5, 5),
    Kind.NUMBER: st.integers() | st.just(Decimal("0E-8")),
    Kind.BOOLEAN: st.booleans() | st.sampled_from([0, 1]),
    Kind.LIST: st.lists(st.integers() | texts, max_size=2),
    Kind.MULTIPICKLIST: st.lists(texts, max_size=2),
    Kind.REFERENCE: st.integers(0, 3),
    Kind.DATETIME: st.sampled_from(NEAR[Kind.DATETIME]) | st.just("2025-08-09T10:11:12"),
}
IN_UTC = [
    *("2025-08-09T10:11:12+00:00", "2025-08-09 10:11:12.120000+00:00", "2025-08-09T10:11:12.000001+00:00"),
    *("2025-08-09T10:11:12.000000+00:00", "2025-02-30T10:11:12.120000+00:00", "2025-08-09T10:11:12.120000+02:00"),
]
"""Times that tell fractions and that they are in UTC; the last ones not quite so."""


@st.composite
def rows_alike(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows with the same fields, some unknown, most of whose values are of one type in a field."""
    fields = draw(st.lists(st.sampled_from([*EVERYTHING.fields, Field("new", Kind.ANY)]), unique=True, max_size=6))
    size = draw(st.integers(1, 3))
    columns = []
    for field in fields:
        usual = natural.get(field.kind, texts)
        column = draw(
            st.sampled_from([usual, usual | st.none(), texts, usual | others | st.dictionaries(texts, texts)])
        )
        columns.append(draw(st.lists(column, min_size=size, max_size=size)))
    names = [field.name for field in fields]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)] or [{}] * size


@settings(deadline=None)
@given(
    st.lists(st.lists(rows_alike(), max_size=2).map(lambda parts: [row for part in parts for row in part]), max_size=3),
    st.sampled_from(NOTATIONS),
    st.none() | st.sets(st.sampled_from([field.name for field in EVERYTHING.fields])),
)
def test_rows_typed_by_columns(pages: list[list[dict[str, Any]]], notation: Notation, wanted: set[str] | None) -> None:
    careful, fast, plain = (Reader(EVERYTHING, notation, wanted) for _reader in range(3))
    typing, typing_plainly = Rows(fast), Rows(plain)
    for rows in pages:
        expected = list(map(careful, rows))
        found = typing.typed(rows)
        assert repr(typing_plainly.records(rows)) == repr(expected)
        assert repr([each.row() if isinstance(each, Record) else each for each in found]) == repr(expected)
        assert lines(found) == lines(expected)
        for name in ("id", "absent"):
            assert [each or None for each in column(found, name)] == [each or None for each in column(expected, name)]
    assert (fast.misfits, fast.unknown) == (careful.misfits, careful.unknown) == (plain.misfits, plain.unknown)


def test_numbers_where_texts_are_due_and_times_in_utc() -> None:
    names = [Kind.STRING.value, Kind.PICKLIST.value, Kind.OWNER.value]
    for numbers, times in product(product((None, 0, -2, 300), repeat=2), product(IN_UTC, repeat=2)):
        rows = [
            {"id": 7, **dict.fromkeys(names, number), Kind.DATETIME.value: time}
            for number, time in zip(numbers, times, strict=True)
        ]
        careful, fast = Reader(EVERYTHING, NOTATIONS[1]), Reader(EVERYTHING, NOTATIONS[1])
        assert lines(Rows(fast).typed(rows)) == lines(list(map(careful, rows)))
        assert fast.misfits == careful.misfits


def test_what_the_fast_path_leaves_to_the_careful_one() -> None:
    """An unknown field, a bare number, a key that is none, raw control characters, half a pair, an error, no JSON."""
    _, _, pages = readers(NOTATIONS[0])
    row = '{"id":"12x1"}'
    for answer in (
        '{"success":true,"result":[{"id":"12x1","new":"a"}]}',
        '{"success":true,"result":[{"id":"12x1","string 1\u017e":5}]}',
        *(f'{{"success":true,"result":[{{"id":"{key}"}}]}}' for key in ("", "12", "12x1\\n", "12x1\\n12x2", "a12x1")),
        '{"success":true,"result":[{"id":null}]}',
        '{"success":true,"result":[{}]}',
        '{"success":true,"result":[{"id":"12x1","string 1\u017e":"a\x01"}]}',
        '{"success":true,"result":[{"id":"12x1","string 1\u017e":"\\ud800"}]}',
        f'{{"success":false,"result":[{row}]}}',
        f'{{"success":"true","result":[{row}]}}',
        f'{{"success":true,"result":{row}}}',
        '{"success":true,"result":null}',
        f"[{row}]",
        "",
    ):
        assert pages.decode(answer.encode()) is None, answer
    assert pages.decode(f'{{"result":[{row}],"success":true}}'.encode())
    assert pages.decode(f'{{"success":true,"result":[{row}],"moreinfo":{{"totalrows":1}}}}'.encode())
    assert pages.decode(b'{"result":[{"id":"12x1","string 1\xc5\xbe":"\xff"}],"success":true}') is None


def test_of_two_values_of_one_name_the_last_counts() -> None:
    assert_same(
        [b'{"success":true,"result":[{"id":"12x1","id":"12x2","text 1\xc5\xbe":"a","text 1\xc5\xbe":""}]}'],
        NOTATIONS[0],
    )


def test_what_is_not_wanted_is_not_there_and_known_all_the_same() -> None:
    reader = Reader(THINGS, NOTATIONS[0], {"id", NAMES[3]})
    pages = compiled(reader, PAGE)
    assert pages
    row = {"id": "12x1", **dict.fromkeys(NAMES, "1")}
    found = pages.decode(encoded({"success": True, "result": [row]}, is_ascii=True))
    assert found is not None
    found = pages.typed(found)
    assert [each.row() for each in found] == [reader(row)]
    assert set(reader(row)) == {"id", NAMES[3]}
    assert not reader.unknown
    assert set(reader({**row, "new": 1})) == {"id", NAMES[3]}
    assert reader.unknown == {"new": 1}


def test_what_texts_cannot_say_is_read_with_care() -> None:
    """Lists and objects, whose empty texts stay, several keys, and two fields of one name."""
    for kind in (Kind.LIST, Kind.OBJECT, Kind.ANY):
        nested = Entity("Things", (Field("id", Kind.STRING), Field("it", kind)))
        assert compiled(Reader(nested, NOTATIONS[0]), PAGE) is None
        assert lines([Reader(nested, NOTATIONS[0])({"id": "1", "it": [{"a": ""}]})]).count(b'""') == (
            kind is not Kind.OBJECT
        )
    fields = (Field("a", Kind.STRING), Field("b", Kind.STRING))
    assert compiled(Reader(Entity("Things", fields, key=("a", "b")), NOTATIONS[0]), PAGE) is None
    assert compiled(Reader(Entity("Things", (*fields, *fields), key=("a",)), NOTATIONS[0]), PAGE) is None


@pytest.mark.parametrize("name", ['in "inches"', "back\\slash", "tab\there", "\ud800"])
def test_a_field_may_be_called_anything(name: str) -> None:
    reader = Reader(Entity("Things", (Field("id", Kind.STRING), Field(name, Kind.INTEGER))), NOTATIONS[0])
    rows = [{"id": "12x1", name: "5"}, {"id": "12x2", name: ""}]
    pages = compiled(reader, PAGE)
    assert pages is None or pages.decode(encoded({"success": True, "result": rows}, is_ascii=True))
    assert [each["id"] for each in Rows(reader).typed(rows)] == ["12x1", "12x2"]
    assert [each.get(name) for each in Rows(reader).typed(rows)] == [5, None]


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("\x84\x85\x86\u2027\u2028\u2029\u202aa\u00e2\u00c2\u20ac"), max_size=8)))
def test_what_some_take_for_the_end_of_a_line_is_escaped(told: list[str]) -> None:
    expected = "".join(json.dumps({"a": each}, ensure_ascii=False, separators=(",", ":")) + "\n" for each in told)
    for end in "\x85\u2028\u2029":
        expected = expected.replace(end, f"\\u{ord(end):04x}")
    assert lines([{"a": each} for each in told]).decode() == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values, st.booleans())
def test_json_is_what_the_standard_library_makes_of_it(value: Any, is_ascii: bool) -> None:
    body = encoded(value, is_ascii=is_ascii).replace(b"\xed\xa0\x80", b"?")
    slow = json.JSONDecoder(strict=False, parse_float=Decimal).decode(body.decode())
    assert repr(find_json(body, {})) == repr(slow)


def test_numbers_that_json_cannot_mean() -> None:
    for body in (b"[NaN]", b"[1e500]", b"[01]", b"[" * 70 + b"]" * 70):
        try:
            find_json(body, {})
        except NotJson:
            continue
        raise AssertionError(body)
    assert find_json(b"[1.50, 1e5, 123456789012345678901234567890]", {}) == [
        Decimal("1.50"),
        Decimal("1e5"),
        123456789012345678901234567890,
    ]
