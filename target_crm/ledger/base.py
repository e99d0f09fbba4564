"""What both sides held when they last agreed: digests, from which it follows which side a difference came from.

A field takes 6 to 20 bytes: 30 bits of the digest of what the source calls it, 2 bits that say what follows, 16 bits of
the digest of what the CRM calls it, and none, one or two digests of 7 bytes. That two different values have the same
digest happens once in 10^16 comparisons.
"""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from crm_systems.errors import ConfigError
from crm_systems.wire import is_empty, spelled

SIZE = 7
NAME = 4
"""How long the part of a mark is that stands for the source's name; its last two bits are free."""
MARK = NAME + 2
SHORT = 100
"""From how many characters on the digest of a text is not remembered."""
NOTHING_FOLLOWS, ONE_FOLLOWS, TWO_FOLLOW = 0, 1, 2
EMPTY = bytes(SIZE)
"""The digest of what says nothing."""
NOT_SHOWN = b"\xff" * SIZE
"""In place of the digest of a value that the CRM did not show."""


class Agreed(NamedTuple):
    """One field: digests of what the source sent and of what the CRM made of it."""

    sent: bytes
    stored: bytes


class Base:
    """The fields of one record, as one of two pipelines sees them.

    ``is_mirrored``: they are kept with the twin, by the pipeline that goes the other way; what it sent is stored here.
    """

    def __init__(self, kept: bytes | None = None, *, is_mirrored: bool = False) -> None:
        self.is_mirrored = is_mirrored
        self._fields = _unpacked(kept or b"")
        self._names = {mark[:NAME]: mark for mark in self._fields} if is_mirrored else {}

    def mark(self, incoming: str, field: str) -> bytes:
        """What stands for a field, by its names in the source and in the CRM.

        The other pipeline calls it by these names the other way round or, where both speak in words of their own, by
        the same incoming name and one of its CRM.
        """
        mark = _mark(field, incoming) if self.is_mirrored else _mark(incoming, field)
        if self.is_mirrored and mark not in self._fields:
            return self._names.get(_mark(incoming, field)[:NAME], mark)
        return mark

    def get(self, mark: bytes) -> Agreed | None:
        """What both sides held; None where nobody knows."""
        agreed = self._fields.get(mark)
        return Agreed(agreed.stored, agreed.sent) if agreed and self.is_mirrored else agreed

    def agree(self, mark: bytes, sent: bytes, stored: bytes) -> None:
        """Notes what both sides hold."""
        self._fields[mark] = Agreed(stored, sent) if self.is_mirrored else Agreed(sent, stored)

    def packed(self) -> bytes:
        """The fields as they are kept."""
        parts = []
        for mark, agreed in self._fields.items():
            follow = TWO_FOLLOW
            digests = agreed.sent + agreed.stored
            if agreed.sent == agreed.stored:
                follow, digests = (NOTHING_FOLLOWS, b"") if agreed.sent == EMPTY else (ONE_FOLLOWS, agreed.sent)
            parts.append(b"%s%c%s%s" % (mark[: NAME - 1], mark[NAME - 1] | follow, mark[NAME:], digests))
        return b"".join(parts)


def _unpacked(kept: bytes) -> dict[bytes, Agreed]:
    """The fields by mark.

    Raises:
        ConfigError: it is broken.
    """
    fields, at = {}, 0
    while at < len(kept):
        mark, at = kept[at : at + MARK], at + MARK
        follow = mark[NAME - 1] & 3 if isinstance(kept, bytes) and len(mark) == MARK else TWO_FOLLOW + 1
        end = at + SIZE * follow
        if end > len(kept) or follow > TWO_FOLLOW:
            raise ConfigError(
                "What the ledger says of the fields of a record cannot be read",
                code="base",
                hint="restore the ledger from a copy, or empty the column `base` of its table `written`",
            )
        digests, at = kept[at:end], end
        sent = digests[:SIZE] or EMPTY
        bare = b"%s%c%s" % (mark[: NAME - 1], mark[NAME - 1] & 0xFC, mark[NAME:])
        fields[bare] = Agreed(sent, digests[SIZE:] or sent)
    return fields


@lru_cache(maxsize=4096)
def _mark(name: str, other: str) -> bytes:
    first = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=NAME).digest()
    second = blake2b(other.encode("utf-8", "surrogatepass"), digest_size=MARK - NAME).digest()
    return b"%s%c%s" % (first[:-1], first[-1] & 0xFC, second)


@lru_cache(maxsize=4096)
def _digest_of(written: str) -> bytes:
    """Of a text that is likely to come again: in the CRM as in the source, and in other records."""
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def short_digest(value: Any) -> bytes:
    """A digest of what a value means: the same for 11, 11.0 and "11", and for a list of values in any order."""
    if value.__class__ is str and 0 < len(value) < SHORT:
        return _digest_of(value)
    if is_empty(value):
        return EMPTY
    written = value if type(value) is str else _canonical(value)
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        parts = {str(name): _canonical(each) for name, each in value.items() if not is_empty(each)}
        return json.dumps(parts, sort_keys=True)
    if isinstance(value, list):
        items = [_canonical(each) for each in value]
        is_plain = not any(isinstance(each, (list, dict)) for each in value)
        return json.dumps(sorted(items) if is_plain else items)
    try:
        return "" if value is None else spelled(value)
    except ValueError:
        return str(value)
