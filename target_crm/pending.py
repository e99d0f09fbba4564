"""What waits for records that have not come yet: other records, set aside, and references, left open."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from target_crm.outcome import AGAINST_ONE, Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_crm.ledger import Ledger, Link
    from target_crm.outcome import Outcome
    from target_crm.report import Report
    from target_crm.writing import BesideWriter, Writer


_THERE = (Action.CREATE, Action.UPDATE, Action.UNCHANGED)
"""What leaves a record in the CRM."""
MOST_WRITTEN = 10_000
"""How many records may be written before the references that waited for them are set."""


class Pending:
    """What waits in one run. ``ledger`` gives the ledger, which is open when there are writers."""

    def __init__(self, ledger: Callable[[], Ledger], report: Report, warn: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._report = report
        self._warn = warn
        self.writers: dict[str, Writer | BesideWriter] = {}
        """By stream, what sets its references."""
        self.records: list[Callable[[bool], None]] = []
        """What tries a record again that was set aside, and takes whether this is its last chance."""
        self.identifiers: defaultdict[str, set[str]] = defaultdict(set)
        """By stream, identifiers of those records; what comes later under one of them waits behind them."""
        self._just_written: set[str] = set()
        self._planned: list[Link] = []
        """References that a dry run found open."""

    @property
    def is_much(self) -> bool:
        """Whether so many were written that references to them are to be set now, not to fill the memory."""
        return len(self._just_written) >= MOST_WRITTEN

    def note(self, outcome: Outcome) -> None:
        """Learns from a record that need not wait."""
        if outcome.action in _THERE:
            self._just_written.add(outcome.key)
        if self._report.dry_run:
            self._planned += outcome.left_open

    def set_links(self, *, all_of_them: bool = False) -> None:
        """Sets the references that waited for the records that were just written, or all that can be set.

        Raises:
            CrmError: the connection is in trouble.
        """
        keys, self._just_written = self._just_written, set()
        if self._report.dry_run or not (keys or all_of_them) or not self.writers:
            return
        for link in self._ledger().links.to(None if all_of_them else keys):
            try:
                outcome = self.writers[link.stream].set_link(link) if link.stream in self.writers else None
                if outcome:
                    self._report.streams[link.stream].close_link(link.field)
                    self._report.add_changes(link.stream, outcome)
            except AGAINST_ONE as error:
                self._warn(f"{link.stream}: {link.field} of the record {link.key} stays empty: {error}")

    def finish(self) -> None:
        """Writes what had to wait for all others.

        Raises:
            CrmError: the connection is in trouble.
        """
        self._write_records()
        self.set_links(all_of_them=True)
        # A dry run takes back what it called open and a later record would have closed.
        for link in self._planned:
            if self.writers[link.stream].can_set(link):
                self._report.streams[link.stream].close_link(link.field)

    def _write_records(self) -> None:
        """Tries the records that were set aside again as long as that helps; what is left then is rejected."""
        waiting, last_chance = self.records, False
        while waiting:
            self.records = []
            for identifiers in self.identifiers.values():
                identifiers.clear()
            for retry in waiting:
                retry(last_chance)
            self.set_links()
            last_chance = len(self.records) == len(waiting)
            waiting = self.records
