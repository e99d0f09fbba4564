"""What one run of the target has at hand: the CRM, the ledger, and where it says what became of the records."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crm_singer.databases import file_of
from crm_singer.terminal import Progress
from crm_systems import open_client
from crm_systems.errors import CrmError
from target_crm.entities import Entities
from target_crm.ledger import Destination, Ledger
from target_crm.mapping import Owners
from target_crm.outcome import Action, Outcome
from target_crm.pending import Pending
from target_crm.report import RawRecord, Rejects, Report
from target_crm.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Run:
    """One run of the command ``name``. ``sleep`` takes seconds, ``now`` gives seconds since 1970."""

    received: RawRecord
    """The record that is being processed."""

    def __init__(
        self, name: str, settings: Mapping[str, Any], *, sleep: Callable[[float], None], now: Callable[[], float]
    ) -> None:
        self._name = name
        self._logger = logging.getLogger(name)
        self._now = now
        self._started = time.monotonic()
        self._finished = False
        self._ledger: Ledger | None = None
        self.settings = settings
        self.client = open_client(settings, writes=True, sleep=sleep)
        self.entity = Entities(self.client)
        """Describes an entity by its name."""
        self.destination = Destination(self.client.system, settings)
        # A dry run rejects nothing for good: a replay would try its records once more than needed.
        self._rejects = Rejects(None if settings["dry_run"] else settings["rejects_path"], self.warn)
        self.report = Report(
            title=self.destination.at_address,
            dry_run=bool(settings["dry_run"]),
            shows_records=bool(settings["report_path"]),
        )
        self.owners = Owners(lambda: self.client.system.owners(self.client.call), settings)
        self.workers = Workers(self.client.parallel, self.flush, self.client.traffic.answers_at_once)
        self._stream = ""
        self.pending = Pending(lambda: self.ledger, self.report, self.warn)
        self.planned: dict[str, set[str]] = {}
        """What a dry run would create: entities by key."""
        self._progress = Progress()

    @property
    def ledger(self) -> Ledger:
        """What earlier runs wrote into this CRM; opened when it is first needed.

        Raises:
            ConfigError: the database cannot be opened.
        """
        if self._ledger is None:
            self._ledger = self.destination.open_ledger(self._now, self.warn)
        return self._ledger

    def try_ledger(self) -> None:
        """Makes sure that the ledger can be opened, without making the file of one.

        Raises:
            ConfigError: it cannot.
        """
        file = file_of(self.settings["ledger_url"])
        if file is None or file.exists():
            self.destination.open_ledger(self._now, self.warn).close()

    def warn(self, sentence: str) -> None:
        """Says something that does not stop the run."""
        self._logger.warning("%s", sentence)

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """A context for what asks the CRM or the ledger.

        Raises:
            SystemExit: one of them does not do it.
        """
        try:
            yield
        except CrmError as error:
            raise SystemExit(f"{self._name}: {self.client.system.title}: {error}") from error

    def begin(self, stream: str) -> None:
        """Makes way for records of a stream: those of another are done with first, since these may refer to them.

        Raises:
            CrmError, SystemExit: as :meth:`catch_up`.
        """
        if stream != self._stream or self.pending.is_much:
            self.catch_up()
        self._stream = stream

    def catch_up(self) -> None:
        """Returns when every record that was begun is in the CRM, rejected or set aside.

        Raises:
            CrmError: the connection is in trouble.
            SystemExit: more records were rejected than may be.
        """
        self.workers.finish()
        self.flush()
        self.pending.set_links()

    def flush(self) -> None:
        """Makes durable what was noted so far."""
        if self._ledger is not None:
            self._ledger.flush()

    def count(self, stream: str, raw: RawRecord, outcome: Outcome) -> None:
        """Counts a record, and keeps it where it was rejected.

        Raises:
            SystemExit: it is one reject too many, or cannot be kept.
        """
        self.report.add(stream, outcome)
        if self._progress.is_shown:
            self._progress.show(stream, self.report.streams[stream].counts.total())
        self.pending.note(outcome)
        if outcome.action is Action.REJECT:
            self._reject(stream, raw, outcome)

    def _reject(self, stream: str, raw: RawRecord, outcome: Outcome) -> None:
        which = f"the record {outcome.key}" if outcome.key else "a record"
        sentence = f"{stream}: {which} is rejected: {outcome.reason.rstrip('.')}."
        try:
            self._rejects.add(raw, f"{outcome.reason} {outcome.server_says}".strip(), outcome.conflicts)
        except OSError as error:
            raise SystemExit(
                f"{self._name}: {sentence} It cannot be kept in `rejects_path` ({error.strerror}), so the run stops."
            ) from None
        allowed = self.settings["max_rejects"]
        if 0 <= allowed < self.report.rejects:
            raise SystemExit(
                f"{self._name}: {sentence} No more than {allowed} may be (`max_rejects`), so the run stops; "
                "what came before it is written."
            )
        self.warn(sentence)

    def finish(self) -> None:
        """Logs out, writes the report and one line a stream; does so once.

        Raises:
            SystemExit: the report cannot be written.
        """
        if self._finished:
            return
        self._finished = True
        self._progress.clear()
        try:
            self.workers.stop()
            self.client.close()
            self._tell()
        finally:
            if self._ledger is not None:
                self._ledger.close()

    def _tell(self) -> None:
        """Writes the report, and one line a stream."""
        ending = sys.exc_info()[1]
        for line in self.report.lines():
            self._logger.info("%s", line)
        seconds, path = time.monotonic() - self._started, self.settings["report_path"]
        try:
            if path:
                self.report.write(path, seconds=seconds, requests=self.client.traffic.requests)
        except OSError as error:
            sentence = f"{self._name}: the report cannot be written to `report_path` ({error.strerror})."
            before = f"{ending}\n" if isinstance(ending, SystemExit) and isinstance(ending.code, str) else ""
            raise SystemExit(before + sentence) from None
        if self._ledger is not None and not self.settings["dry_run"]:
            self._ledger.unreported.forget()
