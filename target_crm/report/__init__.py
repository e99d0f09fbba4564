"""What a run did, or in a dry run would do: a line a stream for the terminal, a page, JSON, and a file of rejects."""

from target_crm.report.rejects import RawRecord, Rejects
from target_crm.report.report import Report

__all__ = ["RawRecord", "Rejects", "Report"]
