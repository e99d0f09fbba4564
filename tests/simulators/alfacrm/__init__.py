"""A simulated alfaCRM tenant: ``AlfaCrmSimulator(rows, flavour, switches)``."""

from tests.simulators.alfacrm.simulator import AlfaCrmSimulator
from tests.simulators.alfacrm.switches import Switches

__all__ = ["AlfaCrmSimulator", "Switches"]
