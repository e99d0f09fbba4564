"""Egito."""

from crm_systems.egito.system import Egito

__all__ = ["Egito"]
