"""What every simulator shares: the HTTP server, a clock that can be moved, faults on demand, a log of what came in."""

from crm_simulators.base.exchange import Answer, Call
from crm_simulators.base.faults import SLOW, Fault
from crm_simulators.base.simulator import Simulator

__all__ = ["SLOW", "Answer", "Call", "Fault", "Simulator"]
