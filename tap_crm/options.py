"""The tap's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.model import Setting, Shard
from crm_systems.settings import as_list

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_KEYS = "sqlite:///tap-crm-keys.sqlite"
"""The database of the keys that were sent, where deletions are found by comparison."""

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
        "auto: tell which records were deleted where the CRM tells it, else as with compare if `keys_url` is set; "
        "compare: list the ids as well and find those that are missing; off: do not ask.",
        default="auto",
        choices=("auto", "compare", "off"),
    ),
    Setting(
        "keys_url",
        "string",
        "Keys",
        "SQLAlchemy URL of the database that remembers the ids of what was sent, to find deletions by comparison. "
        f"Default with `deletions` set to compare: {DEFAULT_KEYS}",
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
        "relations",
        "any",
        "Relations",
        "Streams of relations that are no fields, such as `Campaigns_Contacts_relations`: their names, or all. Each "
        "record that was changed costs requests of its own.",
    ),
    Setting(
        "deletion_records",
        "string",
        "Deletion records",
        "stream: send deletions as records of the stream deleted_records, and leave the records as they were; marked: "
        "send a record of its key and _sdc_deleted_at in its own stream. That suits target-crm; in a table, an upsert "
        "of it blanks the other columns.",
        default="stream",
        choices=("stream", "marked"),
    ),
    Setting(
        "emit_activate_version_messages",
        "boolean",
        "Activate versions",
        "Tell the target when a stream that is read in full is whole, so that it may forget what has vanished.",
        default=False,
    ),
    Setting(
        "nul",
        "string",
        "U+0000",
        "replace: send the character U+0000 as U+FFFD, since many databases cannot hold it; keep: send it as it is, "
        "for copies from one CRM to another.",
        default="replace",
        choices=("replace", "keep"),
    ),
    Setting("stream_prefix", "string", "Stream prefix", "What the names of all streams shall begin with."),
    Setting(
        "names",
        "string",
        "Names",
        "crm: streams and fields are called as in the CRM; snake_case: in small letters and underscores, such as "
        "help_desk. Catalog and state keep the CRM's names.",
        default="crm",
        choices=("crm", "snake_case"),
    ),
    Setting(
        "shard",
        "string",
        "Shard",
        "Which part to read, such as 3/16: the third of sixteen, which together read everything once. Each keeps a "
        "state of its own.",
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
    found = []
    if settings["files"] == "folder" and not settings["files_path"]:
        found.append("`files_path` is missing: `files` set to folder writes there.")
    if settings["emit_activate_version_messages"] and settings["shard"]:
        found.append(
            "`emit_activate_version_messages` cannot go with `shard`: the target would take the records of other "
            "parts for vanished ones."
        )
    try:
        Shard.parse(settings["shard"] or "1/1")
    except ValueError:
        found.append("`shard` must be a part and the number of parts, from 1/16 to 16/16.")
    try:
        wanted_relations(settings)
    except ValueError:
        found.append("`relations` must be all, or a list of names such as Campaigns_Contacts_relations.")
    return found


def wanted_relations(settings: Mapping[str, Any]) -> list[str] | None:
    """The names that `relations` has; empty: all; None: none are wanted.

    Raises:
        ValueError: it is neither all nor a list of names.
    """
    if settings["relations"] in (None, "", []):
        return None
    told = as_list(settings["relations"])
    if told == ["all"]:
        return []
    if not isinstance(told, list) or not all(isinstance(each, str) and each for each in told):
        raise ValueError
    return told


PASSED_OVER = ("use_singer_decimal",)
"""Settings that the SDK gives other taps. Not `batch_config`: its files would hold what is not selected, unmapped."""
