"""Vtiger 8.4 and 8.0, coreBOS and Simply CRM: one dialect, four servers."""

from crm_simulators.vtiger.server import SimplyCrmSimulator, VtigerSimulator
from crm_simulators.vtiger.switches import Switches

__all__ = ["SimplyCrmSimulator", "Switches", "VtigerSimulator"]
