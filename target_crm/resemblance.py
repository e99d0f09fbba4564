"""Whether a record in the CRM is the one that was sent, although the server may have altered it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from crm_systems import kinds
from crm_systems.wire import is_empty, same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Entity


def resembles(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored record may be the one that was sent: its texts are, but for what a server does to texts."""
    texts = [
        name
        for name in sent
        if (field := entity.field(name)) and field.kind in kinds.TEXTS and not is_empty(sent[name])
    ]
    return likeness(entity, sent, stored) > 0 and all(_like(str(sent[name]), stored.get(name)) for name in texts)


def mostly(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether more than half of the fields are exactly as sent."""
    return 2 * likeness(entity, sent, stored) > len(sent)


def likeness(entity: Entity, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> int:
    """How many fields are exactly as sent."""
    return sum(
        same(field.kind, value, stored.get(name)) for name, value in sent.items() if (field := entity.field(name))
    )


def _like(sent: str, stored: Any) -> bool:
    """Equal, but for cut ends, replaced characters, blanks at the ends and encoded markup."""
    kept, wanted = _plain(str(stored or "")), _plain(sent)
    return wanted == kept or (bool(kept) and wanted.startswith(kept))


def _plain(written: str) -> str:
    decoded = html.unescape(html.unescape(written))
    return "".join(char for char in decoded if char.isascii() and char not in "?\x00" and not char.isspace())
