"""Parts of a CRM that are read one by one."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

BEYOND = 2**48
"""An id above all others, for when the highest is not known."""
BLOCK = 10_000
"""How many neighbouring ids belong to one shard."""

Ranges = tuple[tuple[int, int], ...]
"""Ranges of ids, ascending: above the first, up to the second."""


@dataclass(frozen=True)
class Shard:
    """One of ``of`` parts of a CRM that have no record in common; ``number`` counts from 1.

    Which part a record or an entity is in depends on its id or name alone, so it stays there whatever is added.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """What ``3/16`` means.

        Raises:
            ValueError: it is no such text.
        """
        number, _, of = text.partition("/")
        if not (number.isascii() and number.isdecimal() and of.isascii() and of.isdecimal()):
            raise ValueError
        shard = cls(int(number), int(of))
        if not 1 <= shard.number <= shard.of:
            raise ValueError
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has_name(self, name: str) -> bool:
        """Whether what can be read as a whole only is in this part."""
        return crc32(name.encode()) % self.of == self.number - 1

    def has(self, identifier: int) -> bool:
        """Whether the record with this id is."""
        return identifier // BLOCK % self.of == self.number - 1

    def before_next(self, identifier: int) -> int:
        """The highest id up to which no record that follows ``identifier`` is in this part."""
        if self.has(identifier + 1):
            return identifier
        block = (identifier + 1) // BLOCK
        return (block + (self.number - 1 - block) % self.of) * BLOCK - 1
