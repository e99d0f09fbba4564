"""The CRMs: how one logs in, what they hold, how it is read, typed and written. Knows nothing of Singer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.alfacrm import AlfaCrm
from crm_systems.client import Client
from crm_systems.egito import Egito
from crm_systems.intouch import InTouch
from crm_systems.vtiger import SimplyCrm, Vtiger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.system import System

SYSTEMS: tuple[type[System], ...] = (Vtiger, SimplyCrm, AlfaCrm, InTouch, Egito)
"""Every CRM, in the order in which it is shown."""


def open_client(settings: Mapping[str, Any], **injected: Any) -> Client:
    """A client for the CRM that ``settings`` (as :func:`crm_systems.settings.load` gives them) name.

    ``injected`` goes to :class:`~crm_systems.client.Client`: ``writes``, ``clock`` and ``sleep``. Nothing is sent yet.
    """
    system = next(system for system in SYSTEMS if system.name == settings["system"])
    return Client(system(settings), settings, **injected)
