"""Texts and numbers that break careless code, for the seeds of simulators."""

from __future__ import annotations

from decimal import Decimal

TEXTS: tuple[str | None, ...] = (
    "plain",
    None,
    "",
    " ",
    "  leading and trailing  ",
    'it\'s "quoted" and `ticked`',
    "back\\slash \\n \\u0041 C:\\new\\table",
    "emoji \U0001f389 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "汉字 かな 한글",
    "Привет, мир",
    "\u202e\u05e9\u05dc\u05d5\u05dd\u202c \u0645\u0631\u062d\u0628\u0627",
    "Příliš žluťoučký kůň, zażółć gęślą jaźń",
    "e\u0301 decomposed, \u00e9 composed",
    "tab\there",
    "line\nfeed\r\nand return",
    "bell \x07 and escape \x1b",
    "\ufeffbyte order mark",
    "zero\u200bwidth no-break\u00a0space",
    "<b>bold</b><script>alert(1)</script>",
    "&amp; &lt;tag&gt; &#39;",
    "'; DROP TABLE customer; --",
    "%s %d {0} ${var} {{mustache}}",
    "null",
    "NULL",
    "0",
    "-1",
    "1e5",
    "007",
    "true",
    "2025-02-30",
    "0000-00-00",
    "=1+1",
    "a,b;c|d",
    "[1, 2]",
    '{"a": 1}',
    "x" * 4000,
)
"""Goes round: index it modulo its length. ``None`` stands for an empty field."""

SURNAMES: tuple[str, ...] = (
    "Nov\u00e1k",
    "O'Neill",
    "M\u00fcller-L\u00fcdenscheidt",
    "van der Berg",
    "\u674e",
    "\u0418\u0432\u0430\u043d\u043e\u0432\u0430",
    "D\u2019Angelo",
    "\u0141ukasiewicz",
    "Null",
    "True",
    "\u0628\u0646 \u0639\u0644\u064a",
    "Smith ",
)
"""Names of people; none holds a digit, and one of them is Mr Null."""

AMOUNTS: tuple[Decimal | None, ...] = (
    Decimal("10500.00"),
    Decimal("0.00"),
    None,
    Decimal("-250.50"),
    Decimal("0.01"),
    Decimal("99999999999.99"),
    Decimal("1.10"),
    Decimal("0.10"),
    Decimal("-0.01"),
    Decimal("123456.70"),
)

DATES: tuple[str | None, ...] = (
    "2024-12-24",
    "2024-02-29",
    None,
    "1970-01-01",
    "1899-12-31",
    "2025-03-30",
    "2025-10-26",
    "9999-12-31",
    "2000-01-01",
    "1969-12-31",
)
"""Edges: leap day, the epoch and its eve, the days on which the clocks change, the last day there is."""
