"""Whether a record in the CRM is the one that was sent, although the server may have altered it."""

from __future__ import annotations

import html
import re
import unicodedata
from decimal import Decimal
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import FREE_TEXTS
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_systems.model import Entity, Field


TELLING = frozenset({Kind.DATE, Kind.INTEGER, Kind.NUMBER, Kind.REFERENCE})
"""Kinds of fields beside texts that a server keeps as they are, but for rounding."""
SUBSCRIBER = 7
"""How many digits a phone number has at the least without what is dialled before it."""
COUNTRY = 3
"""How many digits the code of a country has at the most."""
_TRUNK = re.compile(r"\(0\)|^\D*(0+|8)")
"""What is dialled before a phone number from within its country."""
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_MARKUP = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def resembles(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored record is as sent: its texts are, but for what a server does to texts; else most of it is."""
    texts, equal = list(_texts(entity, sent, stored)), equal_fields(entity, sent, stored)
    is_much = equal > 0 if texts else 2 * equal > len(sent)
    return is_much and all(_like(field.kind, value, now) for field, value, now in texts)


def may_be(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any], *, changed: bool) -> bool:
    """Whether a stored record may be the one that was sent: most of its fields are exactly so.

    The texts that are not must be empty, as of fields that the server does not take, unless it was ``changed`` since,
    or what tells one record from another is as sent: coreBOS writes into a new ticket's log itself (measured).
    """
    if 2 * equal_fields(entity, sent, stored) <= len(sent):
        return False
    texts = _texts(entity, sent, stored)
    kept = [(field, is_empty(now), _like(field.kind, value, now)) for field, value, now in texts]
    other = [field for field, is_gone, is_like in kept if not (is_gone or is_like)]
    is_told = any(is_like and _tells(field) for field, _is_gone, is_like in kept) and not any(map(_tells, other))
    return changed or not other or is_told


def differs(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored record holds another day, number or reference than what a server makes of what was sent."""
    values = ((field, value, stored.get(name)) for name, value in sent.items() if (field := entity.field(name)))
    return any(
        field.kind in TELLING
        and not (is_empty(value) or is_empty(now))
        and not (same(field.kind, value, now) or may_be_stored_as(field.kind, value, now))
        for field, value, now in values
    )


def _tells(field: Field) -> bool:
    """Whether it is such a field as tells one record from another."""
    return field.kind in {Kind.EMAIL, Kind.PHONE} or (field.mandatory and field.kind in {Kind.STRING, Kind.TEXT})


def equal_fields(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> int:
    """How many fields are exactly as sent."""
    return sum(
        same(field.kind, value, stored.get(name)) for name, value in sent.items() if (field := entity.field(name))
    )


def may_be_stored_as(kind: Kind, sent: Any, stored: Any) -> bool:
    """Whether a value may be what a server made of another: a text cut or re-encoded, a number rounded."""
    if is_empty(sent) or is_empty(stored):
        return False
    if kind is Kind.NUMBER:
        exact, kept = Decimal(str(sent)), Decimal(spelled(stored))
        return abs(exact - kept) < Decimal(1).scaleb(int(kept.as_tuple().exponent))
    return kind in FREE_TEXTS and _like(kind, str(sent), stored)


def _texts(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[tuple[Field, str, Any]]:
    for name, value in sent.items():
        field = entity.field(name)
        if field and field.kind in FREE_TEXTS and not is_empty(value):
            yield field, str(value), stored.get(name)


def _like(kind: Kind, sent: str, stored: Any) -> bool:
    """Equal, but for cut ends, small letters and capitals, and all that is no letter or digit.

    Markup may have been taken away, or encoded and then cut in the middle of a tag or an entity; a number may have got
    the decimals of its column.
    """
    if sent == stored or _is_number_with_decimals(sent, stored):
        return True
    kept, wanted = _without_cut_entity(_decoded(str(stored or ""))), _decoded(sent)
    ways = ((kept, wanted), (_MARKUP.sub("", kept), _MARKUP.sub("", wanted)))
    begins = any(_plain(whole).startswith(_plain(begun)) for begun, whole in ways)
    return (begins or (kind is Kind.PHONE and _is_same_phone(kept, wanted))) and not is_empty(stored)


def _is_same_phone(one: str, other: str) -> bool:
    """Equal, but for the code of a country."""
    shorter, longer = sorted((_plain(_TRUNK.sub("", each)) for each in (one, other)), key=len)
    is_whole = SUBSCRIBER <= len(shorter) >= len(longer) - COUNTRY
    return is_whole and longer.endswith(shorter)


def _is_number_with_decimals(sent: str, stored: Any) -> bool:
    is_number = isinstance(stored, str) and "." in stored and all(map(_NUMBER.fullmatch, (sent, stored)))
    return is_number and may_be_stored_as(Kind.NUMBER, sent, stored)


def _decoded(written: str) -> str:
    return html.unescape(html.unescape(written))


def _without_cut_entity(text: str) -> str:
    before, sign, name = text.rpartition("&")
    return before if sign and any(known.startswith(name) for known in name2codepoint) else text


def _plain(text: str) -> str:
    """The letters and digits of a text, of 16 bits at the most; the rest may be something else on a server."""
    folded = unicodedata.normalize("NFC", text.casefold())
    return "".join(char for char in folded if char < "\U00010000" and char.isalnum())
