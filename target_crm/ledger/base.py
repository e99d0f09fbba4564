"""What both sides held when they last agreed: digests, from which it follows which side a difference came from.

A field takes 6 to 20 bytes: 46 bits of its name's digest, 2 bits that say what follows, and none, one or two digests of
7 bytes. That two different values have the same digest happens once in 10^16 comparisons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ConfigError
from crm_systems.wire import is_empty, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = 6
SIZE = 7
NOTHING_FOLLOWS, ONE_FOLLOWS, TWO_FOLLOW = 0, 1, 2
EMPTY = bytes(SIZE)
"""The digest of what says nothing."""
NOT_SHOWN = b"\xff" * SIZE
"""In place of the digest of a value that the CRM did not show."""


@dataclass(frozen=True)
class Agreed:
    """One field: digests of what the source sent and of what the CRM made of it."""

    sent: bytes
    stored: bytes


def short_digest(value: Any) -> bytes:
    """A digest of what a value means: the same for 11, 11.0 and "11", and for a list of values in any order."""
    if is_empty(value):
        return EMPTY
    written = value if type(value) is str else _canonical(value)
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        parts = {str(name): _canonical(each) for name, each in value.items() if not is_empty(each)}
        return json.dumps(parts, sort_keys=True)
    if isinstance(value, list):
        parts_of_list = [_canonical(each) for each in value]
        is_plain = not any(isinstance(each, (list, dict)) for each in value)
        return json.dumps(sorted(parts_of_list) if is_plain else parts_of_list)
    try:
        return "" if value is None else spelled(value)
    except ValueError:
        return str(value)


@lru_cache(maxsize=4096)
def tag(name: str) -> bytes:
    """What stands for a field's name; its last two bits are free."""
    written = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=TAG).digest()
    return written[:-1] + bytes([written[-1] & 0xFC])


def packed(base: Mapping[bytes, Agreed]) -> bytes:
    """The fields, by tag, as they are kept."""
    parts = []
    for name, agreed in base.items():
        follow = TWO_FOLLOW
        digests = agreed.sent + agreed.stored
        if agreed.sent == agreed.stored:
            follow, digests = (NOTHING_FOLLOWS, b"") if agreed.sent == EMPTY else (ONE_FOLLOWS, agreed.sent)
        parts.append(name[:-1] + bytes([name[-1] | follow]) + digests)
    return b"".join(parts)


def unpacked(kept: bytes) -> dict[bytes, Agreed]:
    """The fields by tag.

    Raises:
        ConfigError: it is broken.
    """
    base, at = {}, 0
    while at < len(kept):
        name, at = kept[at : at + TAG], at + TAG
        follow = name[-1] & 3 if isinstance(kept, bytes) else TWO_FOLLOW + 1
        end = at + SIZE * follow
        if end > len(kept) or follow > TWO_FOLLOW:
            raise ConfigError(
                "What the ledger says of the fields of a record cannot be read",
                code="base",
                hint="restore the ledger from a copy, or empty the column `base` of its table `written`",
            )
        digests, at = kept[at:end], end
        sent = digests[:SIZE] or EMPTY
        base[name[:-1] + bytes([name[-1] & 0xFC])] = Agreed(sent, digests[SIZE:] or sent)
    return base
