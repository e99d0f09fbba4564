"""The tap's own settings."""

from __future__ import annotations

from crm_systems.model import Setting

OWN_SETTINGS = (
    Setting("entities", "array", "Entities", "Discover only these entities. Default: all that the user may see."),
    Setting("start_date", "date-time", "Start date", "A first run reads what was changed since then. Default: all."),
    Setting(
        "lookback_seconds",
        "integer",
        "Look-back",
        "Seconds before the bookmark from which changes are read again, for those saved late by slow transactions.",
        default=60,
        minimum=0,
    ),
    Setting(
        "picklist_enums",
        "boolean",
        "Pick lists as enums",
        "Put the values of pick lists into the schema as the only ones. Old records may hold values that have left "
        "the list, and a target that checks would stop at one.",
        default=False,
    ),
    Setting(
        "deletions",
        "string",
        "Deletions",
        "auto: send deleted records, marked by _sdc_deleted_at, where the CRM tells them; off: do not ask.",
        default="auto",
        choices=("auto", "off"),
    ),
    Setting(
        "skip_unreadable",
        "boolean",
        "Skip unreadable records",
        "End with exit code 0 although records that the server cannot hand out are missing; they are named either way.",
        default=False,
    ),
)

PASSED_OVER = ("batch_config", "emit_activate_version_messages", "use_singer_decimal")
"""Settings that the SDK reads by itself, or gives other taps."""
