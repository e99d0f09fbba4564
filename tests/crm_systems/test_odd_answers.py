"""Finding the data in what a server sends, and headers that are odd."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_systems.client.network import http_date, retry_after
from crm_systems.decoding import NotJson, find_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DATA = st.dictionaries(st.text(), VALUES, min_size=1, max_size=4) | st.lists(
    st.dictionaries(st.text(), VALUES, max_size=3), max_size=3
)
NOTICES = st.sampled_from(
    [
        '<br />\n<b>Warning</b>:  Undefined array key "x[0]" in <b>/var/www/a.php</b> on line <b>5</b><br />\n',
        "\nNotice: Undefined index: foo in /var/www/a.php on line 12\n",
        "PHP Deprecated:  Cannot use [] for reading in /a.php on line 1\n",
        "<br />\n<font size='1'><table class='xdebug-error'><tr><th>( ! ) {closure}</th></tr></table></font>\n",
        "Strict Standards: Only variables should be passed by reference in /a.php on line 9\n",
        "",
    ]
)


def found(text: str | bytes, content_type: str = "application/json") -> Any:
    return find_json(
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), {"content-type": content_type}
    )


def encoded(data: Any) -> str:
    return json.dumps(data)


@given(DATA, NOTICES, NOTICES, st.sampled_from([b"", b"\xef\xbb\xbf"]), st.booleans())
def test_notices_and_marks_around_data(data: Any, before: str, after: str, mark: bytes, is_ascii: bool) -> None:
    text = json.dumps(data, ensure_ascii=is_ascii) if is_ascii else encoded(data)
    assert found(mark + f"{before}{text}\n{after}".encode(), "text/html; charset=iso-8859-1") == data


@given(DATA, NOTICES, NOTICES, st.data())
def test_data_that_breaks_off_is_never_made_up_for(data: Any, before: str, after: str, draw: st.DataObject) -> None:
    text = encoded(data)
    cut = draw.draw(st.integers(min_value=0, max_value=len(text) - 1))
    with pytest.raises(NotJson):
        found(f"{before}{text[:cut]}")
    if cut:
        with pytest.raises(NotJson):
            found(f"{text[:cut]}\n{after}")


@given(DATA)
def test_data_that_lacks_its_beginning(data: Any) -> None:
    whole = encoded({"result": [data, data]})
    with pytest.raises(NotJson):
        found(whole[whole.index(":") + 2 :][1:])


@given(DATA)
def test_a_page_that_holds_data_is_a_page(data: Any) -> None:
    for page in ("<!DOCTYPE html><html><script>{}</script>", "<html><body>\n{}\n</body></html>", "<head/>{}"):
        with pytest.raises(NotJson) as caught:
            found(page.replace("{}", encoded(data)))
        assert not caught.value.garbled


@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_none(body: bytes) -> None:
    with suppress(NotJson):
        find_json(body, {})


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        '{"a":' * 90 + "1" + "}" * 90,
        '{"a": ' + "9" * 5000 + "}",
        '{"a": 1e999999999}',
        '{"a": 1e99999999999999999999999}',
        '{"a": NaN}',
        '[{"a": -Infinity}]',
        '{"a": 1}{"a": 2}',
        '{"a": 1} and more',
    ],
)
def test_what_cannot_be_read(body: str) -> None:
    with pytest.raises(NotJson) as caught:
        found(body)
    assert caught.value.garbled


def test_encodings() -> None:
    assert found('{"a":"Žluť"}'.encode("utf-16")) == {"a": "Žluť"}
    assert found('{"a":"Žluť"}'.encode("cp1250"), "application/json; charset=windows-1250") == {"a": "Žluť"}
    assert found('{"a":"Žluť"}'.encode(), "application/json; charset=windows-1250") == {"a": "Žluť"}
    assert found(b'{"a":"\xff"}', "application/json; charset=no-such-thing") == {"a": "\udcff"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("7.5", 7.5),
        ("9" * 500, 10**9),
        ("-5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 59),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 59),
        ("Sat, 01 Jan 2000 00:59:59 +0100", 59),
        ("Fri, 31 Dec 1999 23:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Mon, 99 Foo 1999 99:99:99 GMT", None),
    ],
)
@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_retry_after(value: str, seconds: float | None, zone: str) -> None:
    assert retry_after({"retry-after": value, "date": f"Fri, 31 Dec 1999 23:59:00 {zone}"}) == seconds


@given(st.text())
def test_any_header_is_a_date_or_none(value: str) -> None:
    found = http_date(value)
    assert found is None or found.tzinfo is not None
    assert retry_after({"retry-after": value, "date": value}) is None or value
