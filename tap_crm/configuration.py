"""The settings of the tap."""

from __future__ import annotations

from typing import Any, ClassVar

from crm_singer import Configured
from crm_systems import SYSTEMS
from crm_systems.settings import connection_settings, json_schema
from tap_crm import options
from tap_crm.described import DescribedTap


class ConfiguredTap(Configured, DescribedTap):
    """A tap with the settings of tap-crm."""

    OWN_SETTINGS = options.OWN_SETTINGS
    PASSED_OVER = options.PASSED_OVER
    MELTANO = "MELTANO_EXTRACT_"
    config_jsonschema: ClassVar[dict[str, Any]] = json_schema((*connection_settings(SYSTEMS), *OWN_SETTINGS))

    def problems_together(self, found: list[str]) -> list[str]:
        """What is wrong with settings that are right one by one."""
        return [] if found else options.problems(self.settings)
