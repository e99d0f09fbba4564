"""How the database compares: collation utf8_general_ci, numbers and dates (measured through queries)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ZERO_TIME = "0000-00-00 00:00:00"

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_TIME = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(\.\d+)?)?)?")
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?$")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a", "%": "\\%", "_": "\\_"}


def fold(text: str) -> str:
    """The text without case and accents; this collation takes ß for a single s, a lone accent for a letter."""
    if text.isascii():
        return text.upper()
    return "".join(_upper(letter) for each in text.replace("ß", "s") for letter in _bare(each))


@lru_cache(maxsize=4096)
def _bare(letter: str) -> str:
    """A letter without its accents."""
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part)) or letter


def _upper(letter: str) -> str:
    """One letter for one letter, because the collation knows no pairs."""
    upper = letter.upper()
    return upper if len(upper) == 1 else letter


@lru_cache(maxsize=65536)
def key(text: str) -> str:
    """Two texts are equal, or stand in order, if these are: no case, no accents, no trailing blanks."""
    return fold(text).rstrip(" ")


def number(text: str) -> float:
    """The number that a text begins with, else 0, as the database converts a text."""
    match = _NUMBER.match(text)
    return float(match[1]) if match else 0.0


@lru_cache(maxsize=65536)
def moment(text: str) -> str:
    """A date or time in its sortable form; offsets are ignored and what is no date counts as zero."""
    match = _TIME.match(text) or _DIGITS.match(text)
    if not match:
        return ZERO_TIME
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if not (month <= 12 and day <= 31 and hour <= 23 and minute <= 59 and second <= 59):
        return ZERO_TIME
    fraction = match[7].rstrip("0").rstrip(".") if match.re is _TIME and match[7] else ""
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction}"


def unescape(literal: str) -> str | None:
    """What the database makes of a literal's backslashes; None if the last one swallows the closing quote."""
    parts = []
    rest = iter(literal)
    for letter in rest:
        if letter != "\\":
            parts.append(letter)
            continue
        escaped = next(rest, None)
        if escaped is None:
            return None
        parts.append(_ESCAPES.get(escaped, escaped))
    return "".join(parts)


@lru_cache(maxsize=1024)
def like(pattern: str) -> re.Pattern[str]:
    """The regular expression that a LIKE pattern means for a folded text."""
    parts = []
    rest = iter(fold(pattern))
    for letter in rest:
        if letter == "\\":
            parts.append(re.escape(next(rest, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
    return re.compile("".join(parts), re.DOTALL)
