"""References that are set later: the records they point to have not been written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.wire import same
from target_crm.ledger import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crm_systems.client import Client
    from target_crm.finding import Finder
    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapped, Mapper


class Links:
    """The references of the records of one stream."""

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper, finder: Finder) -> None:
        self._client = client
        self._ledger = ledger
        self._mapper = mapper
        self._finder = finder
        self._references = mapper.references
        self._stream = mapper.options.stream
        self._entity = mapper.entity

    def set(self, link: Link) -> bool:
        """Sets a reference that was left open, if what it points to has been written; says whether it was."""
        child = self._ledger.written(link.stream, link.key)
        field = self._entity.field(link.field)
        points_to = self._references.id_of(field, link.to_key) if child and field else None
        existing = self._finder.get(child.crm_id) if child and points_to else None
        if field is None or existing is None:
            return False
        value = self._mapper.typed(link.field, points_to)
        if not same(field.kind, value, existing.record.get(link.field)):
            self._client.system.update(self._client.call, self._entity, existing.row, {link.field: value})
        self._ledger.close_link(link)
        return True

    def can_set(self, link: Link) -> bool:
        """Whether what a reference points to has been written or, in a dry run, would be."""
        field = self._entity.field(link.field)
        return field is not None and self._references.id_of(field, link.to_key) is not None

    def left_open(self, key: str, mapped: Mapped) -> tuple[Link, ...]:
        """The references of a record that cannot be set yet."""
        if not mapped.open_links:
            return ()
        fields = self._mapper.fields
        return tuple(
            Link(self._stream, key, name, fields[name].refers_to, to_key) for name, to_key in mapped.open_links.items()
        )

    def named_in(self, mapped: Mapped) -> Sequence[str]:
        """The fields of a record whose reference may be set later."""
        if not self._references.may_come_later:
            return ()
        return [name for name in mapped.as_given if self._mapper.is_reference(name)]

    def leave_open(self, key: str, mapped: Mapped, links: Sequence[Link]) -> None:
        """Noted before the write, so that a crash in between loses no reference."""
        if given := self.named_in(mapped):
            self._ledger.leave_open(self._stream, key, given, links)
