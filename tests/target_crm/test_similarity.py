"""What a server may have made of a value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_systems.model import Entity, Field, Kind
from target_crm.writing.creation import may_be_stored_as
from target_crm.writing.creation.similarity import resembles


@pytest.mark.parametrize(
    ("sent", "stored", "may_be"),
    [("9.99", "10.00000000", True), ("12.35", "12.40", True), ("12.35", "12.50", False), ("9.99", "12", False)],
)
def test_a_number_may_be_rounded_whatever_zeros_end_it(sent: Any, stored: Any, may_be: bool) -> None:
    assert may_be_stored_as(Kind.NUMBER, Decimal(sent), Decimal(stored)) is may_be


@pytest.mark.parametrize(
    ("kind", "sent", "stored", "is_like"),
    [
        (Kind.EMAIL, "Ann@Example.com", "ann@example.com", True),
        (Kind.EMAIL, "ann@example.com", "ann@example.org", False),
        (Kind.PHONE, "8 (999) 123-45-67", "+7(999)123-45-67", True),
        (Kind.PHONE, "+49 30 1", "+49301", True),
        (Kind.PHONE, "+49 30 1234567", "+49 30 1234568", False),
        (Kind.PHONE, "+49 30 1234567", "+49 40 1234567", False),
        (Kind.PHONE, "+49 (0)30 1234567", "030/1234567", True),
        (Kind.PHONE, "777 123 456", "+420777123456", True),
        (Kind.PHONE, "1234567", "+49 30 1234567", False),
        (Kind.STRING, "ann van rijn", "ANN VAN RIJN", True),
        (Kind.STRING, "8 (999) 123-45-67", "+7(999)123-45-67", False),
        (Kind.TEXT, "<p>one &amp; <b>two</b></p>", "one & two", True),
        (Kind.STRING, "<b>one</b><script>two</script>", "&lt;b&gt;one&lt;/b&gt;&lt;scr", True),
        (Kind.STRING, "<b>one</b><script>two</script>", "&lt;b&gt;two&lt;/b&gt;&lt;scr", False),
        (Kind.STRING, "Novák & Novák", "Nov&aacute;k &am", True),
        (Kind.STRING, "Novák & Novák", "Nov&aacu", True),
        (Kind.STRING, "AT&T", "ATT", True),
        (Kind.STRING, "5", "5.00", True),
        (Kind.STRING, "-12.345", "-12.35", True),
        (Kind.STRING, "5", "6.00", False),
        (Kind.STRING, "5 pieces", "5.00", False),
    ],
)
def test_a_text_is_like_what_a_server_makes_of_it(kind: Kind, sent: str, stored: str, is_like: bool) -> None:
    entity = Entity("people", (Field("name", Kind.STRING), Field("text", kind)))
    assert resembles(entity, {"name": "Ann", "text": sent}, {"name": "Ann", "text": stored}) is is_like


@pytest.mark.parametrize(("client", "day", "is_like"), [(7, "2027-09-01", True), (8, "2027-10-02", False)])
def test_what_has_no_text_is_told_by_most_of_it(client: int, day: str, is_like: bool) -> None:
    kinds = {"client": Kind.INTEGER, "begin": Kind.DATE, "end": Kind.DATE}
    entity, end = Entity("members", tuple(Field(*each) for each in kinds.items())), "2030-12-31"
    stored = {"client": client, "begin": day, "end": end}
    assert resembles(entity, {"client": 7, "begin": "2027-09-01", "end": end}, stored) is is_like
