"""What can be set, and plain words for what is wrong with a setting."""

from crm_systems.settings.declared import common_settings, connection_settings, from_json_schema, json_schema
from crm_systems.settings.loading import load
from crm_systems.settings.objects import as_list, as_names, dropped
from crm_systems.settings.unknown import did_you_mean, from_environment

__all__ = [
    "as_list",
    "as_names",
    "common_settings",
    "connection_settings",
    "did_you_mean",
    "dropped",
    "from_environment",
    "from_json_schema",
    "json_schema",
    "load",
]
