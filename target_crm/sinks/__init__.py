"""The sinks: each takes the records of one stream, and hands them to the workers in batches."""

from target_crm.sinks.beside import BesideSink, is_beside
from target_crm.sinks.records import CrmSink
from target_crm.sinks.sink import WritingSink
from target_crm.sinks.without_writing import LeftOutSink, LogInSink, UnwrittenSink

__all__ = ["BesideSink", "CrmSink", "LeftOutSink", "LogInSink", "UnwrittenSink", "WritingSink", "is_beside"]
