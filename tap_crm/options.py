"""The tap's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.model import Setting
from tap_crm.sent_keys import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        "files",
        "string",
        "Files",
        "names: records tell the names of their files; content: a stream `<entity>_files` brings each file, with its "
        "content as base64; folder: the same, with the files in `files_path` and their paths in the records.",
        default="names",
        choices=("names", "content", "folder"),
    ),
    Setting(
        "files_path",
        "string",
        "Folder of files",
        "Where `files` set to folder writes each file once, by its content. It holds personal data.",
    ),
    Setting(
        "largest_file_mib",
        "number",
        "Largest file",
        "How many MiB a file may have whose content goes into a record; a larger one counts as unreadable.",
        default=32,
        minimum=0,
    ),
    Setting(
        "skip_unreadable",
        "boolean",
        "Skip unreadable records",
        "End with exit code 0 although records that the server cannot hand out are missing; they are named either way.",
        default=False,
    ),
)


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with settings that are right one by one."""
    lacks_folder = settings["files"] == "folder" and not settings["files_path"]
    return ["`files_path` is missing: `files` set to folder writes there."] if lacks_folder else []


PASSED_OVER = ("batch_config", "emit_activate_version_messages", "use_singer_decimal")
"""Settings that the SDK reads by itself, or gives other taps."""
