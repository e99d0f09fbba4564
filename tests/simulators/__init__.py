"""One stateful, strict HTTP server a CRM, on a real socket: ``python -m tests.simulators vtiger --port 8080``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.alfacrm import AlfaCrmSimulator
from tests.simulators.egito import EgitoSimulator
from tests.simulators.intouch import InTouchSimulator
from tests.simulators.vtiger import SimplyCrmSimulator, VtigerSimulator

if TYPE_CHECKING:
    from tests.simulators.base import Simulator

SIMULATORS: dict[str, type[Simulator]] = {
    each.name: each
    for each in (VtigerSimulator, SimplyCrmSimulator, AlfaCrmSimulator, InTouchSimulator, EgitoSimulator)
}
"""Every simulator by the name of its system."""
