"""The target's own settings."""

from __future__ import annotations

from crm_systems.model import Setting

WRITE_MODES = ("upsert", "update_only", "create_only", "convert")
UNKNOWN_FIELDS = ("reject", "drop")
CONFLICTS = ("source", "crm", "reject")

OWN_SETTINGS = (
    Setting(
        "identify_by",
        "any",
        "Identify by",
        'How an incoming record is recognised in the CRM: "id" (its key is the id in this CRM), "ledger" (by what '
        'earlier runs wrote), a list of fields such as ["email"], or the ledger first and then fields, ["ledger", '
        '"email"]. There is no default; `streams` may say it for one stream.',
    ),
    Setting(
        "streams",
        "object",
        "Streams",
        "For single streams, by name: `entity`, `identify_by`, `write_mode`, `fields` (incoming field to CRM field; "
        "null leaves one out) and `conflicts` (also an object of CRM fields). A stream that is null is left "
        "out. Default: to the entity and the fields of the same names.",
    ),
    Setting(
        "write_mode",
        "string",
        "Write mode",
        "upsert: create or update; update_only: create nothing; create_only: change nothing; convert: turn leads into "
        "others, each from an object in the field of its entity's name, where the CRM offers it.",
        default="upsert",
        choices=WRITE_MODES,
    ),
    Setting(
        "conflicts",
        "string",
        "Conflicts",
        "What to do where both the source and somebody in the CRM changed a field since it was last written: source "
        "writes, crm leaves, reject keeps the record in the rejects file. All are reported. A field that only the CRM "
        "changed is left. Default: source. By `id`, where the records come from this same CRM, what comes is written "
        "unless this is set.",
        choices=CONFLICTS,
    ),
    Setting(
        "deletes",
        "string",
        "Deletes",
        "What to do with records marked by _sdc_deleted_at: ignore them, or apply the deletion, by `id` or to what the "
        "ledger knows them to have become; match fields alone delete nothing.",
        default="ignore",
        choices=("ignore", "apply"),
    ),
    Setting(
        "unknown_fields",
        "string",
        "Unknown fields",
        "Incoming fields that the entity does not have: reject stops before the first write, drop leaves them out.",
        default="reject",
        choices=UNKNOWN_FIELDS,
    ),
    Setting(
        "owners",
        "names",
        "Owners",
        "Incoming owners, and the users or groups of this CRM that stand for them, by id or by name.",
    ),
    Setting(
        "default_owner",
        "string",
        "Default owner",
        "The user or group, by id or by name, for records whose owner is missing or not known here.",
    ),
    Setting(
        "max_rejects",
        "integer",
        "Most rejects",
        "How many records may be rejected before the run stops; -1: any number.",
        default=0,
        minimum=-1,
    ),
    Setting(
        "rejects_path",
        "string",
        "Rejects file",
        "Where rejected records are kept with their reasons; needed where `max_rejects` is not 0. It holds personal "
        "data. Piping it back into the target tries them again.",
    ),
    Setting(
        "ledger_url",
        "string",
        "Ledger",
        "SQLAlchemy URL of the database that remembers what was written. It holds ids, and the values of a record "
        "while its create is under way.",
        default="sqlite:///target-crm-ledger.sqlite",
        secret=True,
    ),
    Setting(
        "source",
        "string",
        "Source",
        "Name of the origin of the records; keeps several origins apart in one ledger. For two ways, what the other "
        "pipeline calls its `destination`.",
        default="default",
    ),
    Setting(
        "destination",
        "string",
        "Destination",
        "What the ledger calls this CRM; a CRM that has moved goes on under its old address. For two ways, what the "
        "other pipeline calls its `source`. Default: its address.",
    ),
    Setting(
        "files_path",
        "string",
        "Folder of files",
        "The folder below which the `path` of a record names its file; no path leads out of it.",
    ),
    Setting("dry_run", "boolean", "Dry run", "Look everything up and write nothing.", default=False),
    Setting(
        "report_path",
        "string",
        "Report",
        "Where an HTML page goes that shows what was done or, in a dry run, what would be; the same as JSON goes "
        "beside it. It holds personal data.",
    ),
    Setting(
        "settle_seconds",
        "number",
        "Settle time",
        "How long a request may still be at work in the CRM after its answer was lost, before its effect is looked "
        "for.",
        default=5,
        minimum=0,
    ),
)
