"""Finding the JSON in an answer, although PHP notices or a byte order mark stand around it."""

from __future__ import annotations

import codecs
import json
import re
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from crm_systems.errors import NoData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Reply, Request

MOST_LEVELS = 60
"""How deeply the objects and lists of an answer may be nested."""
LARGEST_EXPONENT = 400
"""How many digits a number may have before or after its point; written out, a larger one would fill the memory."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BEGIN = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
"""How data begins; a notice may quote an index, as in ``[0]``."""
_PAGE = re.compile(r"<(?:!doctype|html|head|body|script)\b", re.IGNORECASE)
"""A web page may hold JSON, but it is no data."""
_AFTER = re.compile(r"\s*(?:$|<|PHP |(?:Notice|Warning|Deprecated|Fatal error|Strict Standards): )")
"""What may follow the data: nothing, or what PHP says when a script ends."""
_CUT = (",", ":", "[", "{")
"""Text before the data that ends like this is the rest of other data."""


class NotJson(ValueError):
    """There is no JSON in it; ``garbled``: there is, but it cannot be read."""

    def __init__(self, *, garbled: bool) -> None:
        super().__init__()
        self.garbled = garbled


def decode_json(request: Request, reply: Reply) -> Any:
    """The JSON in an answer; see :func:`find_json`.

    Raises:
        NoData: there is none: a page of HTML from a proxy, an empty or a broken answer.
    """
    try:
        return find_json(reply.body, reply.headers)
    except NotJson as error:
        shape = "a web page" if b"<" in reply.body[:200] else "something that is no JSON"
        raise NoData(
            f"{request.about}: the server answered {shape} instead of data",
            code=reply.code,
            hint="check that `url` is the address of the CRM and that it is up",
            garbled=error.garbled,
        ) from None


def json_of_refusal(reply: Reply) -> Any:
    """The JSON that explains a refusal; None where there is none, since the status has said enough."""
    try:
        return find_json(reply.body, reply.headers)
    except NotJson:
        return None


def find_json(body: bytes, headers: Mapping[str, str]) -> Any:
    """The JSON in the body of an answer, whose header names are in lower case.

    Read leniently: control characters inside texts are let through; decimals stay exact.

    Raises:
        NotJson: there is none, or not all of it.
    """
    try:
        told = _QUICK.decode(body)
        return _shallow(told) if may_be_deep(body, MOST_LEVELS) else told
    except (msgspec.DecodeError, UnicodeError, RecursionError, NotJson):
        pass  # What is not quite JSON, or not UTF-8, is read with more care.
    text = _text(body, headers.get("content-type", "")).strip()
    try:
        return _shallow(_DECODER.decode(text))
    except RecursionError:
        raise NotJson(garbled=True) from None
    except ValueError:
        return _within(text)


def may_be_deep(text: bytes, most: int) -> bool:
    """Whether JSON begins more lists and objects than ``most``; to count them all would look at each byte."""
    for opening in (b"{", b"["):
        place = text.find(opening)
        while place >= 0 and most >= 0:
            most, place = most - 1, text.find(opening, place + 1)
    return most < 0


def _text(body: bytes, content_type: str) -> str:
    """JSON is UTF-8, whatever the header says; another encoding is believed only where it is not.

    Bytes that no encoding explains become halves of surrogate pairs, so that whoever types the values can tell.
    """
    encoding = next((name for mark, name in _MARKS.items() if body.startswith(mark)), "utf-8")
    named = re.search(r"charset=[\"']?([\w.-]+)", content_type)
    for each in (encoding, named[1] if named else encoding):
        try:
            return body.decode(each)
        except (UnicodeError, LookupError):
            continue
    return body.decode("utf-8", "surrogateescape")


def _within(text: str) -> Any:
    """The data between notices; what begins and breaks off is never made up for by an inner part of it."""
    place = 0
    while begin := _BEGIN.search(text, place):
        before = text[: begin.start()].rstrip()
        if _PAGE.search(before):
            raise NotJson(garbled=False)
        if before.endswith(_CUT):
            break
        try:
            value, place = _DECODER.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            break
        if _AFTER.match(text, place):
            return _shallow(value)
        if begin.start() == 0:
            break
    raise NotJson(garbled=begin is not None)


def _shallow(value: Any) -> Any:
    holders = frozenset({dict, list})
    level: list[Any] = [value] if type(value) in holders else []
    for _level in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in holders
        ]
        if not level:
            return value
    raise NotJson(garbled=True)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except DecimalException:
        raise NotJson(garbled=True) from None
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        raise NotJson(garbled=True)
    return number


def _no_number(_text: str) -> NoReturn:
    """NaN and the infinities are no JSON."""
    raise NotJson(garbled=True)


_QUICK = msgspec.json.Decoder(float_hook=_decimal)
_DECODER = json.JSONDecoder(strict=False, parse_float=_decimal, parse_constant=_no_number)
