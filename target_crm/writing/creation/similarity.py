"""Whether a record in the CRM is the one that was sent, although the server may have altered it."""

from __future__ import annotations

import html
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import FREE_TEXTS
from crm_systems.model import Kind
from crm_systems.wire import is_empty, same, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_systems.model import Entity


def resembles(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored record is as sent: its texts are, but for what a server does to texts."""
    return equal_fields(entity, sent, stored) > 0 and all(
        _like(value, now) for value, now in _texts(entity, sent, stored)
    )


def may_be(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any], *, changed: bool) -> bool:
    """Whether a stored record may be the one that was sent: most of its fields are exactly so.

    The texts that are not must be empty, as of fields that the server does not take, unless it was ``changed`` since.
    """
    if 2 * equal_fields(entity, sent, stored) <= len(sent):
        return False
    return changed or all(is_empty(now) or _like(value, now) for value, now in _texts(entity, sent, stored))


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
    return kind in FREE_TEXTS and _like(str(sent), stored)


def _texts(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in sent.items():
        field = entity.field(name)
        if field and field.kind in FREE_TEXTS and not is_empty(value):
            yield str(value), stored.get(name)


def _like(sent: str, stored: Any) -> bool:
    """Equal, but for cut ends, replaced characters, blanks at the ends and encoded markup."""
    if sent == stored:
        return True
    kept, wanted = _plain(str(stored or "")), _plain(sent)
    return (wanted == kept or wanted.startswith(kept)) and not is_empty(stored)


def _plain(written: str) -> str:
    """A text without what a server may take for something else: markup, blanks, and letters of more than 16 bits."""
    decoded = unicodedata.normalize("NFC", html.unescape(html.unescape(written)))
    return "".join(char for char in decoded if char < "\U00010000" and char not in "?\x00\ufffd" and not char.isspace())
