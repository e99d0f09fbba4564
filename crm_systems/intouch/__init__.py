"""InTouch CRM."""

from crm_systems.intouch.system import InTouch

__all__ = ["InTouch"]
