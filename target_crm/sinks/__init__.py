"""The sinks: each takes the records of one stream, and hands them to the workers in batches."""

from target_crm.sinks.beside import BesideSink, is_beside
from target_crm.sinks.records import CrmSink
from target_crm.sinks.sink import WritingSink
from target_crm.sinks.without_writing import DescriptionSink, LeftOutSink, LogInSink

__all__ = ["BesideSink", "CrmSink", "DescriptionSink", "LeftOutSink", "LogInSink", "WritingSink", "is_beside"]
