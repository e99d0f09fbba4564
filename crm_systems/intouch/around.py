"""Reading a list by id around records that break each page on which they stand (seen on other servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.errors import Denied, ServerFault
from crm_systems.paging import Part
from crm_systems.rows import is_whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crm_systems.model import Row

MOST_SPOILED = 10
"""How many rows one after the other may be unreadable; then the list is, and not its records."""
FAR = 50
"""How many ids are tried at the most to find out which record stands in a place."""


class Unreadable(dict[str, Any]):
    """A row of which nothing but its id is known, since the server fails over it."""


class Around:
    """Reads rows of a list by id although some of them break the server.

    Less is asked for until only single rows fail. Which records these are, the ids of their neighbours tell: just so
    many of those between them fail on their own as well, or exist and come out after all.
    """

    def __init__(self, fetch: Callable[[int, int], Part], one: Callable[[str], Row], *, falls: bool) -> None:
        self._fetch = fetch
        """Gives the rows from a position on, as for a list that slides."""
        self._one = one
        """Gives a record by its id."""
        self._step = -1 if falls else 1
        self._total: int | None = None
        self._spoiled = 0

    def part(self, position: int, size: int, error: ServerFault) -> Part:
        """What ``fetch`` should have given when it raised ``error``; an unreadable row is last in the list only.

        Raises:
            ServerFault: that, if no record can be blamed, or it cannot be told which.
        """
        rows = self._rows(position, size, error)
        while rows and rows[-1] is None and (more := self._rows(position + len(rows), 1, error)):
            rows += more
        return Part(list(self._named(rows, error)), self._total)

    def _rows(self, position: int, size: int, error: ServerFault) -> list[Row | None]:
        """The rows from a position on; None for each that cannot be read."""
        try:
            part = self._fetch(position, size)
        except ServerFault:
            if size > 1:
                front = self._rows(position, size // 2, error)
                is_end = len(front) < size // 2
                return front if is_end else front + self._rows(position + len(front), size - len(front), error)
            self._spoiled += 1
            if self._spoiled > MOST_SPOILED:
                raise error from None
            return [None]
        self._spoiled, self._total = 0, part.total
        return [*part.rows]

    def _named(self, rows: Sequence[Row | None], error: ServerFault) -> Iterator[Row]:
        """The rows, with what could not be read between two others looked for by id."""
        before: Row | None = None
        missing = 0
        for row in (*rows, None):
            if row is None:
                missing += 1
                continue
            if missing:
                yield from self._between(before, row, missing, error)
            yield row
            before, missing = row, 0
        if missing > 1:
            yield from self._between(before, None, missing - 1, error)

    def _between(self, before: Row | None, after: Row | None, missing: int, error: ServerFault) -> list[Row]:
        """So many records between two neighbours in the list, of which one may be absent.

        An address may show what no list does. So those that come out are they only if no more exist than are missing.
        """
        step, known = (self._step, before) if before else (-self._step, after)
        number = known["id"] if known else None
        if not is_whole_number(number):
            raise error
        first, end = int(number) + step, int(after["id"]) if before and after else int(number) + (FAR + 1) * step
        numbers = range(first, end, step)
        there = list(self._there([each for each in numbers[:FAR] if each > 0], type(number)))
        if len(there) != missing or not (before and after) or len(numbers) > FAR:
            there = [row for row in there if isinstance(row, Unreadable)]
        if len(there) != missing:
            raise error
        return there if before else there[::-1]

    def _there(self, numbers: Sequence[int], kind: type[int | str]) -> Iterator[Row]:
        """Those of the records with these ids that exist."""
        for number in numbers:
            try:
                yield self._one(str(number))
            except Denied:
                continue
            except ServerFault:
                yield Unreadable(id=kind(number))
