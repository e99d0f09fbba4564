"""Sinks of streams that are not written, and what all sinks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink

if TYPE_CHECKING:
    from target_crm.run import Run


class QuietSink(BatchSink):
    """A sink of a run, which takes records as they come and leaves them out of the log."""

    def __init__(self, run: Run, *arguments: Any, **named: Any) -> None:
        self.run = run
        super().__init__(*arguments, **named)

    def get_validator(self) -> None:
        """None: records are checked by what the CRM says of its fields, and taps write JSON Schema of every draft."""

    def _add_sdc_metadata_to_schema(self) -> None:
        """Adds nothing: what the SDK would add means nothing to a CRM, and may be a key of the stream."""

    def _add_sdc_metadata_to_record(self, *arguments: Any, **named: Any) -> None:
        """Adds nothing."""

    def _parse_timestamps_in_record(self, *arguments: Any, **named: Any) -> None:
        """Leaves texts as they are: a date that is none must not stop the run nor become null."""

    def _after_process_record(self, context: dict[str, Any]) -> None:
        """Keeps the records out of the debug log, where the SDK would put the whole batch."""


class UnwrittenSink(QuietSink):
    """Takes a stream, such as one that tells of the source, and does nothing with its records, whatever they hold."""

    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        """Lets records lack their key."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Does nothing with the records."""


class LogInSink(UnwrittenSink):
    """Logs in, says who and where, tries the ledger, and writes nothing."""

    def setup(self) -> None:
        """Logs in.

        Raises:
            SystemExit: the CRM cannot be reached or refuses the user, or the ledger cannot be opened.
        """
        client = self.run.client
        with self.run.in_words():
            session = client.log_in()
            self.run.try_ledger()
        who = client.system.describe_login(session)
        self.logger.info("Logged in to %s as %s; the test stream is not written.", self.run.report.title, who)


class LeftOutSink(UnwrittenSink):
    """Takes a stream that the settings leave out, and does nothing with it."""

    def setup(self) -> None:
        """Says so."""
        self.logger.info("%s is left out, as `streams` says.", self.stream_name)
