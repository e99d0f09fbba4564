"""What the streams of files and of relations share: they read the records of other streams."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crm_systems import kinds
from tap_crm.streams.stream import CrmStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crm_systems.compiled import Record
    from crm_systems.model import Row
    from tap_crm.state import Incremental
    from tap_crm.streams.reading import Reading


class ChangedRecords(CrmStream):
    """Records that were changed, whole, for another stream; their values and deletions are told by their own.

    The bookmark moves when what was made of them has left: see :meth:`settle`.
    """

    IN_PARTS: ClassVar[bool] = False
    _ended: Reading | None = None
    """A reading that has come to its end."""

    @property
    def _keys(self) -> Sequence[str]:
        return self.entity.key

    def _reader(self) -> kinds.Reader:
        return kinds.Reader(self.entity, self.run.client.system.notation)

    def _report(self, reading: Reading) -> None:
        """Says nothing."""

    def _deletions(self, changes: Incremental | None) -> None:
        """None."""

    def changed(self) -> Iterator[Sequence[Row | Record]]:
        """The records, page by page; one page where a stream is only tried out, since more is asked of each record."""
        return islice(super()._pages(), self.ABORT_AT_RECORD_COUNT)

    def _move_on(self, reading: Reading) -> None:
        """Not yet."""
        self._ended = reading

    def settle(self) -> None:
        """Moves the bookmark, unless something is missing."""
        if self._ended:
            super()._move_on(self._ended)

    def key_of(self, record: Row | Record) -> str:
        """The id of a record."""
        return self._key_of(record)
