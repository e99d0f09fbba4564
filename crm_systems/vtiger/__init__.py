"""Vtiger and its descendant Simply CRM."""

from crm_systems.vtiger.simplycrm import SimplyCrm
from crm_systems.vtiger.system import Vtiger

__all__ = ["SimplyCrm", "Vtiger"]
