"""What the state says of a stream: up to where it was read, what was sent of the last moments, and where to go on."""

from tap_crm.state.bookmarks import OF_SDK, UNREADABLE, ZONE, ForeignState, fault_of
from tap_crm.state.incremental import Incremental
from tap_crm.state.left_out import begin_anew_for, leave_out
from tap_crm.state.place import READING, Place
from tap_crm.state.zones import zone_warning

__all__ = [
    "OF_SDK",
    "READING",
    "UNREADABLE",
    "ZONE",
    "ForeignState",
    "Incremental",
    "Place",
    "begin_anew_for",
    "fault_of",
    "leave_out",
    "zone_warning",
]
