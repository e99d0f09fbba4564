"""What a run did, or in a dry run would do: one line a stream for the terminal, a page and JSON for people."""

from target_crm.report.report import Report

__all__ = ["Report"]
