"""The tap's own settings."""

from __future__ import annotations

from crm_systems.model import Setting
from tap_crm.sent_keys import DEFAULT_URL

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
        "auto: send deleted records, marked by _sdc_deleted_at, where the CRM tells them, and as with compare if "
        "`keys_url` is set; compare: where the CRM does not tell them, list its ids and find those that are missing; "
        "off: do not ask.",
        default="auto",
        choices=("auto", "compare", "off"),
    ),
    Setting(
        "keys_url",
        "string",
        "Keys",
        "SQLAlchemy URL of the database that remembers the ids of what was sent, to find deletions by comparison. "
        f"Default with `deletions` set to compare: {DEFAULT_URL}",
        secret=True,
    ),
    Setting(
        "most_deletions",
        "number",
        "Most deletions",
        "The share of a stream's records, in percent, that may be missing in a comparison; if more are, none is taken "
        "for deleted and the stream fails.",
        default=10,
        minimum=0,
        maximum=100,
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
