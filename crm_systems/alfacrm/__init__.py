"""alfaCRM."""

from crm_systems.alfacrm.system import AlfaCrm

__all__ = ["AlfaCrm"]
