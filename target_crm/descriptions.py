"""Streams of tap-crm that tell of the CRM that it reads, and hold none of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_singer.deletions import DELETED, DELETED_AT
from crm_systems.model import parted
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_crm.report import RawRecord

_TOLD = {
    "picklists": {"entity", "field", "value"},
    "fields": {"entity", "field", "kind"},
    DELETED: {"entity", "id", "noticed_at"},
}


def is_description(stream: str, described: Mapping[str, Any] | None) -> bool:
    """Whether a stream with this SCHEMA message is one of them, and none of the same name that somebody else sends."""
    return described is not None and stream in _TOLD and _TOLD[stream] <= described["schema"]["properties"].keys()


def marked(told: Mapping[str, Any], streams: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """A record of ``deleted_records`` as the message that deletes in its own stream; None where nothing can be deleted.

    ``streams`` are the SCHEMA messages so far.
    """
    entity = str(told.get("entity"))
    schema = streams.get(entity, {})
    if is_empty(told.get("id")):
        return None
    try:
        key = parted(schema.get("key_properties") or (), str(told["id"]))
    except ValueError:
        return None
    return {"type": "RECORD", "stream": entity, "record": {**key, DELETED_AT: told["noticed_at"]}}


def why_not_applied(raw: RawRecord) -> str:
    """Why such a record cannot be applied."""
    if unnamed := [name for name in ("entity", "id") if is_empty(raw.record.get(name))]:
        return f"its {', '.join(unnamed)} is empty, so it does not say which record is gone"
    return (
        f"the stream of {raw.record.get('entity')} has not come, which would lose it; where the tap renames its "
        "streams, set its `deletion_records` to marked"
    )
