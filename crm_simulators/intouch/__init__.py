"""InTouch CRM, simulated."""

from crm_simulators.intouch.simulator import InTouchSimulator
from crm_simulators.intouch.switches import Switches

__all__ = ["InTouchSimulator", "Switches"]
