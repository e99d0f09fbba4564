"""Egito, simulated."""

from crm_simulators.egito.simulator import EgitoSimulator
from crm_simulators.egito.switches import Switches

__all__ = ["EgitoSimulator", "Switches"]
