"""What the target says of itself, without loading what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.helpers.capabilities import PluginCapabilities

if TYPE_CHECKING:
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

SETTINGS = Path(__file__).with_name("settings.json")
"""All of them, as ``make generate`` writes them."""


class DescribedTarget(Target):
    """Writes any stream into the CRM systems that nobody serves well, without doubling a record."""

    name = "target-crm"
    package_name = "tap-crm"
    config_jsonschema: ClassVar[dict[str, Any]] = json.loads(SETTINGS.read_text("utf-8"))
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Adds the SDK's settings for stream maps; those for loading into tables mean nothing to a CRM."""
        super(Target, cls).append_builtin_config(config_jsonschema)
