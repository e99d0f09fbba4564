"""References that are set later: the records they point to have not been written yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from target_crm.ledger import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapped, Mapper


class Links:
    """The references of the records of one stream."""

    def __init__(self, ledger: Ledger, mapper: Mapper) -> None:
        self._ledger = ledger
        self._references = mapper.references
        self._stream = mapper.options.stream
        self._entity = mapper.entity
        names = [each.name for each in mapper.entity.fields if mapper.is_reference(each.name)]
        self._names = names if mapper.references.may_come_later else []
        """The fields whose reference may be set later."""

    def can_set(self, link: Link) -> bool:
        """Whether what a reference points to has been written or, in a dry run, would be."""
        return self.points_to(link) is not None

    def points_to(self, link: Link) -> str | None:
        """The id of what a reference points to; None where it has not been written."""
        field = self._entity.field(link.field)
        return self._references.id_of(replace(field, refers_to=link.refers_to), link.to_key) if field else None

    def left_open(self, key: str, mapped: Mapped) -> tuple[Link, ...]:
        """The references of a record that cannot be set yet."""
        if not mapped.open_links:
            return ()
        return tuple(Link(self._stream, key, name, *points_to) for name, points_to in mapped.open_links.items())

    def named_in(self, mapped: Mapped) -> Sequence[str]:
        """The fields of a record whose reference may be set later."""
        return [name for name in self._names if name in mapped.values or name in mapped.otherwise]

    def leave_open(self, key: str, mapped: Mapped, links: Sequence[Link]) -> None:
        """Noted before the write, so that a crash in between loses no reference."""
        if given := self.named_in(mapped):
            self._ledger.links.leave(self._stream, key, given, links)
