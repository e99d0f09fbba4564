"""Notes in the ledger what became of a record: what the CRM stored, and what both sides agree upon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from crm_systems.model import File
from crm_systems.wire import is_empty
from target_crm.ledger import Written, being_written, still_shown
from target_crm.mapping import NOTHING
from target_crm.writing.altered import changes_by_the_crm, digests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapper
    from target_crm.outcome import Change
    from target_crm.writing.finding import Existing
    from target_crm.writing.planned import Came
    from target_crm.writing.two_ways import TwoWays


class Noting:
    """Notes the records of one stream; any number of threads may."""

    def __init__(self, ledger: Ledger, mapper: Mapper, two_ways: TwoWays) -> None:
        self._ledger = ledger
        self._mapper = mapper
        self._two_ways = two_ways
        self._stream = mapper.options.stream
        self._notes_changes = two_ways.is_paired or mapper.options.lets_the_crm_win

    def begun(self, came: Came, crm_id: str) -> None:
        """Notes that a record is about to be changed, where it matters who changed it before the rest is noted.

        It does to a pipeline that goes the other way, and to this one where its source does not win conflicts.
        """
        if self._notes_changes:
            known = came.known or Written(self._mapper.entity.name, crm_id, "")
            self._ledger.note(self._stream, came.key, replace(known, digest=being_written(came.fingerprint)))

    def refused(self, came: Came) -> None:
        """Notes that nothing came of it."""
        if self._notes_changes and came.known:
            self._ledger.note(self._stream, came.key, replace(came.known, digest=""))
        elif self._notes_changes:
            self._ledger.forget(self._stream, came.key)

    def stored(
        self,
        came: Came,
        sent: Mapping[str, Any],
        stored: Existing,
        base: bytes | None,
        kept: Mapping[str, tuple[str, str]] = NOTHING,
        *,
        later: bool = False,
    ) -> tuple[Change, ...]:
        """Notes what was written; gives what was sent and stored otherwise."""
        altered = changes_by_the_crm(self._mapper, sent, stored.record)
        self.agreed(came, stored.crm_id, {**kept, **digests(altered)}, base, is_written=True, later=later)
        return tuple(each for each in altered if not is_empty(each.before) and not isinstance(each.before, File))

    def agreed(
        self,
        came: Came,
        crm_id: str,
        altered: Mapping[str, tuple[str, str]],
        base: bytes | None,
        *,
        is_written: bool = False,
        later: bool = False,
    ) -> None:
        """Notes what both sides agree upon.

        What is lost of it costs no more than another look, unless something was written and it is not ``later``.
        """
        base = self._two_ways.noted(came.known, crm_id, base, is_written=is_written)
        written = Written(self._mapper.entity.name, crm_id, came.fingerprint, altered, base)
        self._ledger.note(self._stream, came.key, written, later=later or not is_written)

    def still_shown(self, came: Came, known: Written) -> None:
        """Notes how a record came that was deleted in the source, which still shows it."""
        self._ledger.note(self._stream, came.key, replace(known, digest=still_shown(came.fingerprint)), later=True)

    def echo(self, came: Came, known: Written) -> None:
        """Notes that a record brought nothing but what the other pipeline wrote there."""
        self._ledger.note(self._stream, came.key, replace(known, digest=came.fingerprint), later=True)
