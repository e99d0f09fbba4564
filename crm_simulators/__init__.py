"""One stateful, strict HTTP server a CRM, on a real socket: ``crm-simulator vtiger --rows 1000``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.alfacrm import AlfaCrmSimulator
from crm_simulators.egito import EgitoSimulator
from crm_simulators.intouch import InTouchSimulator
from crm_simulators.vtiger import SimplyCrmSimulator, VtigerSimulator

if TYPE_CHECKING:
    from crm_simulators.base import Simulator

SIMULATORS: dict[str, type[Simulator]] = {
    each.name: each
    for each in (VtigerSimulator, SimplyCrmSimulator, AlfaCrmSimulator, InTouchSimulator, EgitoSimulator)
}
"""Every simulator by the name of its system."""
