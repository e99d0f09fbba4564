"""A simulated alfaCRM tenant: ``AlfaCrmSimulator(rows, flavour, switches)``."""

from crm_simulators.alfacrm.simulator import AlfaCrmSimulator
from crm_simulators.alfacrm.switches import Switches

__all__ = ["AlfaCrmSimulator", "Switches"]
