"""Records that stream maps made are written as the SDK would write them, but faster."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib import RecordMessage

from crm_systems.kinds import Plain
from tap_crm.messages import Messages

NOW = datetime(2026, 1, 31, 12, 0, 1, 5, tzinfo=timezone.utc)
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\u2028\u0085:'), max_size=6)
of_a_crm = (
    st.none()
    | st.booleans()
    | st.integers()
    | texts
    | st.sampled_from([Decimal("1.50"), Decimal(7), Plain("0.0000000")])
)
of_a_map = of_a_crm | st.floats() | st.dates() | st.datetimes(timezones=st.none() | st.just(timezone.utc))
values = st.recursive(
    of_a_map, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
)


def written(record: dict[str, Any], version: int | None = None) -> str:
    """The line of a record."""
    with redirect_stdout(io.StringIO()) as out:
        Messages().write_message(RecordMessage("Žluté", record, version=version, time_extracted=NOW))
    return out.getvalue()


@settings(deadline=None)
@given(st.dictionaries(texts, values, max_size=4), st.none() | st.integers(0))
def test_any_value_is_what_the_sdk_writes(record: dict[str, Any], version: int | None) -> None:
    message = RecordMessage("Žluté", record, version=version, time_extracted=NOW)
    line = written(record, version)
    assert len(line.splitlines()) == 1
    ours, theirs = (
        json.loads(each, parse_float=str, parse_int=str) for each in (line, Messages().format_message(message))
    )
    assert ours == theirs
    assert list(ours) == list(theirs)
    assert list(ours["record"]) == list(theirs["record"])


def test_what_a_crm_holds_goes_the_fast_way() -> None:
    """As it is, where the SDK would write escapes."""
    assert "Žluť" in written({"a": "Žluť", "b": [{"c": Decimal("1.0")}], "d": None})
    assert "Žluť" not in written({"a": "Žluť", "b": [{"c": date(2026, 1, 31)}]})


def test_no_record_is_held_back_for_long() -> None:
    """What is slow to come, as by a stream map that asks somebody, is handed on by the next one that comes."""
    now, handed_on = 0.0, io.BytesIO()
    messages = Messages(clock=lambda: now)
    with redirect_stdout(io.TextIOWrapper(handed_on, encoding="utf-8")) as out:
        for now, lines in ((0.5, 0), (1.5, 2), (2.0, 2)):
            messages.write_message(RecordMessage("s", {"at": now}, time_extracted=NOW))
            assert handed_on.getvalue().count(b"\n") == lines
        messages.flush()
        assert handed_on.getvalue().count(b"\n") == 3
    out.detach()
