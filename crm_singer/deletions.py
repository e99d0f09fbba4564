"""How it is told that a record is gone: in words that the tap sends and the target understands."""

DELETED_AT = "_sdc_deleted_at"
"""The field of a record that is gone; when that was noticed."""
DELETED = "deleted_records"
"""The stream that tells the same apart from the records, by `entity`, `id` and `noticed_at`."""
