"""What the streams of files and of relations share: they read the records of other streams."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, ClassVar, TypeVar

from crm_systems import kinds
from crm_systems.errors import OF_ONE_RECORD
from tap_crm.streams.stream import CrmStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crm_systems.compiled import Record
    from crm_systems.errors import CrmError
    from crm_systems.model import Row
    from tap_crm.state import Incremental
    from tap_crm.streams.reading import Reading

T = TypeVar("T")
R = TypeVar("R")


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

    def _asked(self, ask: Callable[[T], R], of: Sequence[T]) -> Iterator[tuple[T, R | CrmError]]:
        """What the CRM says of each of these, several at a time, be it an error that is about one of them."""

        def answer(each: T) -> R | CrmError:
            try:
                return ask(each)
            except OF_ONE_RECORD as error:
                return error

        return zip(of, self.run.client.map(answer, of), strict=True)

    def _selected(self, row: Row) -> Row:
        """What of a record leaves: the fields that the catalog has and selects."""
        return {name: value for name, value in row.items() if name in self._chosen}
