"""What the tap says of itself, without loading what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

if TYPE_CHECKING:
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

SETTINGS = Path(__file__).with_name("settings.json")
"""All of them, as ``make generate`` writes them."""


class DescribedTap(Tap):
    """Reads the CRM systems that nobody serves well, one stream for each kind of record."""

    name = "tap-crm"
    package_name = "tap-crm"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = json.loads(SETTINGS.read_text("utf-8"))
    # No BATCH: in singer-sdk 0.54 it writes deselected fields.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
