"""The records of one stream that are gone: as the CRM tells them, else found by comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED, DELETED_AT
from crm_systems.errors import NotOffered
from crm_systems.model import joined, parted
from tap_crm.deleted import brings
from tap_crm.deletions.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from singer_sdk import Stream

    from crm_systems.compiled import Record
    from crm_systems.kinds import Reader
    from crm_systems.model import Entity, Row
    from tap_crm.run import Run
    from tap_crm.state import Incremental


def are_marked(run: Run, entity: Entity) -> bool:
    """Whether the records of an entity may be marked as deleted."""
    return not run.tells_deletions_apart and _may_be_known(run, entity)


def have_place(run: Run, entity: Entity, stream: Stream) -> bool:
    """Whether deletions of an entity's records may leave, as ``stream`` is selected and mapped; says so where not.

    Without the mark, a deleted record's key would look like a record that is there and empty.
    """
    if run.tells_deletions_apart:
        place, is_there = f"stream `{DELETED}`", bool(run.deleted and run.deleted.leaves)
    else:
        place, is_there = f"field `{DELETED_AT}`", brings(stream, DELETED_AT)
    if not is_there and _may_be_known(run, entity):
        run.warn_once(
            f"Deletions are not told, since the {place} is not selected, or left out by `stream_maps`. Select it "
            "(without a cached catalog), or set `deletions` to off."
        )
    return is_there


def _may_be_known(run: Run, entity: Entity) -> bool:
    by_comparison = run.compares and bool(entity.key)
    return by_comparison or (bool(entity.replication_key) and run.client.system.tells_deletions(entity))


class Deletions:
    """What is gone since the state of a stream.

    ``state`` is the stream's part of the state; what has no place to leave waits until it has. ``changes`` are read, or
    None: all records.
    """

    def __init__(
        self, run: Run, entity: Entity, state: dict[str, Any], changes: Incremental | None, *, has_place: bool
    ) -> None:
        self._run = run
        self._has_place = has_place
        self._entity = entity
        self._changes = changes
        self._comparison: Comparison | None = None
        if run.compares and entity.key:
            sent, most = run.sent_keys(entity.name), run.settings["most_deletions"]
            reads_all = changes is None or (changes.since is None and not changes.goes_on)
            self._comparison = Comparison(run.client, entity, sent, state, most, reads_all=reads_all)
        if changes and run.client.system.tells_deletions(entity):
            changes.begin_deletions(by_stamps=run.client.system.deletions_by_stamps)

    def note(self, records: Sequence[Row | Record]) -> None:
        """Notes records that are about to leave."""
        if self._comparison:
            self._comparison.note([joined(self._entity.key, record) for record in records])

    def meet(self, unreadable: Sequence[str]) -> None:
        """Notes records that are there and that the CRM cannot hand out."""
        if self._comparison:
            self._comparison.meet(unreadable)

    def rows(self, elapsed: Callable[[], timedelta], reader: Reader, *, is_whole: bool) -> Iterator[Row]:
        """The keys of the records that are gone, each with its mark, and whole records that have come back.

        Moves the state on when all have left. A first read is told none, but notes what a next run compares with.
        ``is_whole``: nothing is known to be missing of what was read.
        """
        system, changes, comparison = self._run.client.system, self._changes, self._comparison
        if not self._has_place:
            if changes and changes.deletions_since(by_stamps=system.deletions_by_stamps) is None:
                changes.deletions_are_read(by_stamps=system.deletions_by_stamps)
            return
        gone = self._told(changes, elapsed) if changes else None
        is_known, back = gone is not None or comparison is not None, list[str]()
        if comparison:
            always = self._run.settings["deletions"] == "compare"
            turned = comparison.settle(gone, changes.start if changes else None, is_whole=is_whole, always=always)
            gone, back = turned.gone, turned.back
        at = changes.started if changes else self._run.client.server_time()
        yield from self._marked(gone or (), reader, at)
        if comparison:
            yield from self._returned(comparison, back, reader)
            self._tell_returned(comparison.came_back.difference(gone or ()))
            comparison.note_told()
        if changes and is_known:
            changes.deletions_are_read(by_stamps=system.deletions_by_stamps)

    def _marked(self, gone: Iterable[str], reader: Reader, at: datetime) -> Iterator[Row]:
        """The keys of records that are gone; where there is a stream for them, they are told there."""
        for identifier in gone:
            if deleted := self._run.deleted:
                deleted.tell(self._entity.name, identifier, at)
            else:
                yield {**reader(parted(self._entity.key, identifier)), DELETED_AT: at.isoformat()}

    def _returned(self, comparison: Comparison, back: Iterable[str], reader: Reader) -> Iterator[Row]:
        """Records that came back and that nothing else sends, as they may not have changed."""
        client = self._run.client
        for identifier in back:
            if row := client.system.get(client.call, self._run.describe(self._entity.name), identifier):
                comparison.came_back.add(identifier)
                yield reader(row)

    def _tell_returned(self, keys: Iterable[str]) -> None:
        if deleted := self._run.deleted:
            for identifier in sorted(keys):
                deleted.tell(self._entity.name, identifier, None)

    def _told(self, changes: Incremental, elapsed: Callable[[], timedelta]) -> list[str] | None:
        """The ids of records of which the CRM tells that they are gone, since it was asked last; None: it does not."""
        system = self._run.client.system
        if not system.tells_deletions(self._entity):
            return None
        since, found = changes.deletions_since(by_stamps=system.deletions_by_stamps), list[str]()
        try:
            for gone in system.deletions(self._run.client.call, self._entity, since) if since else ():
                changes.note_deletion(gone.at, elapsed())
                if changes.overlap.is_news_that_gone(gone.identifier):
                    found.append(gone.identifier)
        except NotOffered as error:
            if not self._comparison:
                self._run.warn_once(f"{error} Set `deletions` to compare to find them, or to off to silence this.")
            return None
        return found
