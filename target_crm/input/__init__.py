"""What comes in: Singer messages, line by line, as stream maps change them, until a signal ends the run."""

from target_crm.input.messages import Messages, standard_input
from target_crm.input.stream_maps import StreamMaps
from target_crm.input.termination import Termination

__all__ = ["Messages", "StreamMaps", "Termination", "standard_input"]
