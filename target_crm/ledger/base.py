"""What both sides held when they last agreed: digests, from which it follows which side a difference came from.

A field takes 6 to 20 bytes: 30 bits of the digest of what the source calls it, 2 bits that say what follows, 16 bits of
the digest of what the CRM calls it, and none, one or two digests of 7 bytes. That two different values have the same
digest happens once in 10^16 comparisons.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from crm_systems.errors import ConfigError
from crm_systems.wire import is_empty, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 7
NAME = 4
"""How long the part of a mark is that stands for the source's name; its last two bits are free."""
MARK = NAME + 2
SHORT = 100
"""From how many characters on the digest of a text is not remembered."""
TWO_FOLLOW = 2
NUMBERS = frozenset({int, Decimal, bool})
"""Classes whose digests are remembered as those of short texts are."""
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
        self._fields = _unpacked(kept) if kept else {}
        """By mark, the digests that follow it."""
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
        digests = self._fields.get(mark)
        if digests is None:
            return None
        sent = digests[:SIZE] or EMPTY
        stored = digests[SIZE:] or sent
        return Agreed(stored, sent) if self.is_mirrored else Agreed(sent, stored)

    def was_sent(self, field: str, sent: bytes) -> bool:
        """Whether this came last for a field of the CRM, whatever the source called it."""
        end = _mark("", field)[NAME:]
        kept = (self.get(mark) for mark in self._fields if mark.endswith(end))
        return any(each is not None and each.sent == sent for each in kept)

    def agree(self, mark: bytes, sent: bytes, stored: bytes) -> None:
        """Notes what both sides hold."""
        if sent == stored:
            self._fields[mark] = b"" if sent == EMPTY else sent
        else:
            self._fields[mark] = stored + sent if self.is_mirrored else sent + stored

    def agree_upon(self, values: Mapping[bytes, Any]) -> None:
        """Notes values, by mark, that both sides hold alike."""
        said = {mark: short_digest(value) if value or not is_empty(value) else b"" for mark, value in values.items()}
        self._fields.update(said)

    def packed(self) -> bytes:
        """The fields as they are kept."""
        return b"".join([_followed(mark, len(digests)) + digests for mark, digests in self._fields.items()])


def _unpacked(kept: bytes) -> dict[bytes, bytes]:
    """By mark, the digests that follow it.

    Raises:
        ConfigError: it is broken.
    """
    fields, at = {}, 0
    while at < len(kept):
        mark, size = _taken_apart(kept[at : at + MARK])
        fields[mark] = kept[at + MARK : at + MARK + size]
        at += MARK + size
    if at > len(kept):
        raise _broken()
    return fields


def _broken() -> ConfigError:
    return ConfigError(
        "What the ledger says of the fields of a record cannot be read",
        code="base",
        hint="restore the ledger from a copy, or empty the column `base` of its table `written`",
    )


@lru_cache(maxsize=4096)
def _taken_apart(kept: bytes) -> tuple[bytes, int]:
    """A mark without its last bits, and how many bytes follow it.

    Raises:
        ConfigError: it is none.
    """
    follow = kept[NAME - 1] & 3 if isinstance(kept, bytes) and len(kept) == MARK else TWO_FOLLOW + 1
    if follow > TWO_FOLLOW:
        raise _broken()
    return b"%s%c%s" % (kept[: NAME - 1], kept[NAME - 1] & 0xFC, kept[NAME:]), SIZE * follow


@lru_cache(maxsize=4096)
def _followed(mark: bytes, size: int) -> bytes:
    """A mark that says how many bytes follow it."""
    return b"%s%c%s" % (mark[: NAME - 1], mark[NAME - 1] | size // SIZE, mark[NAME:])


@lru_cache(maxsize=4096)
def _mark(name: str, other: str) -> bytes:
    first = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=NAME).digest()
    second = blake2b(other.encode("utf-8", "surrogatepass"), digest_size=MARK - NAME).digest()
    return b"%s%c%s" % (first[:-1], first[-1] & 0xFC, second)


def short_digest(value: Any) -> bytes:
    """A digest of what a value means: the same for 11, 11.0 and "11", and for a list of values in any order."""
    kind = value.__class__
    if value is None:
        return EMPTY
    if kind is str and len(value) < SHORT:
        return _digest_of_text(value)
    if kind is list and all(each.__class__ is str for each in value):
        return _digest_of_texts(tuple(value))
    return _digest_of_number(value) if kind in NUMBERS else _digest_of(value)


def _digest_of(value: Any) -> bytes:
    if is_empty(value):
        return EMPTY
    written = value if type(value) is str else _canonical(value)
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


# Most values come again: in the CRM as in the source, and in other records. Equal numbers have equal digests,
# but for True and 1.
_digest_of_text = lru_cache(maxsize=4096)(_digest_of)
_digest_of_texts = lru_cache(maxsize=1024)(lambda several: _digest_of(list(several)))
_digest_of_number = lru_cache(maxsize=4096, typed=True)(_digest_of)


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
