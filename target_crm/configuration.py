"""The settings of the target."""

from __future__ import annotations

from typing import Any, ClassVar

from crm_singer.configuration import Configured
from crm_systems import SYSTEMS
from crm_systems.settings import connection_settings, json_schema
from target_crm import options
from target_crm.described import DescribedTarget


class ConfiguredTarget(Configured, DescribedTarget):
    """A target with the settings of target-crm."""

    OWN_SETTINGS = options.OWN_SETTINGS
    PASSED_OVER = (
        "add_record_metadata",
        "batch_config",
        "batch_size_rows",
        "default_target_schema",
        "hard_delete",
        "load_method",
        "process_activate_version_messages",
        "target_schema",
        "validate_records",
    )
    MELTANO = "MELTANO_LOAD_"
    config_jsonschema: ClassVar[dict[str, Any]] = json_schema((*connection_settings(SYSTEMS), *OWN_SETTINGS))

    def problems_together(self) -> list[str]:
        """What is wrong with settings that are right one by one; puts what `streams` says together."""
        self.settings["streams"] = options.put_together(self.settings["streams"] or {})
        return options.problems(self.settings)
