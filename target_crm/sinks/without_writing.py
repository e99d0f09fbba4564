"""Sinks of streams that are not written, and what all sinks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink

if TYPE_CHECKING:
    from target_crm.run import Run


class QuietSink(BatchSink):
    """A sink of a run, which leaves records out of the log."""

    def __init__(self, run: Run, *arguments: Any, **named: Any) -> None:
        self.run = run
        super().__init__(*arguments, **named)
        self._keys = frozenset(self.key_properties)

    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        """Lets a record that lacks its key be rejected as one whose key is null, where the run goes on after rejects.

        Raises:
            MissingKeyPropertiesError: it lacks a field of its key, and the first reject would end the run.
        """
        if not self._keys.issubset(record) and not self.run.settings["max_rejects"]:
            super()._singer_validate_message(record)

    def _after_process_record(self, context: dict[str, Any]) -> None:
        """Keeps the records out of the debug log, where the SDK would put the whole batch."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Does nothing with the records."""


class LogInSink(QuietSink):
    """Logs in, says who and where, and writes nothing."""

    def setup(self) -> None:
        """Logs in.

        Raises:
            SystemExit: the CRM cannot be reached or refuses the user.
        """
        client = self.run.client
        with self.run.in_words():
            session = client.log_in()
        who = client.system.describe_login(session)
        self.logger.info("Logged in to %s as %s; the test stream is not written.", self.run.report.title, who)


class DescriptionSink(QuietSink):
    """Takes a stream that tells of the source, and does nothing with it."""


class LeftOutSink(QuietSink):
    """Takes a stream that the settings leave out, and does nothing with it."""

    def setup(self) -> None:
        """Says so."""
        self.logger.info("%s is left out, as `streams` says.", self.stream_name)
