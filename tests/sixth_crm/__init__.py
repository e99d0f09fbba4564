"""A made-up CRM in a folder of its own: what has to be written for a sixth one, and no more."""

from __future__ import annotations

from tests.sixth_crm.simulator import SixthSimulator
from tests.sixth_crm.system import SixthCrm

__all__ = ["SixthCrm", "SixthSimulator"]
