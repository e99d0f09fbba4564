"""InTouch CRM, simulated."""

from tests.simulators.intouch.simulator import InTouchSimulator
from tests.simulators.intouch.switches import Switches

__all__ = ["InTouchSimulator", "Switches"]
