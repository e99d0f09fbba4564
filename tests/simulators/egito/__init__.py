"""Egito, simulated."""

from tests.simulators.egito.simulator import EgitoSimulator
from tests.simulators.egito.switches import Switches

__all__ = ["EgitoSimulator", "Switches"]
