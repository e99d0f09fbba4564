"""The one stream class that serves every system, and the stream of pick lists."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel

from crm_systems import kinds
from crm_systems.errors import CrmError, NotOffered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crm_systems.model import Entity, Row
    from tap_crm.tap import CrmTap

DELETED_AT = "_sdc_deleted_at"
MOST_REMEMBERED = 1000
"""How many records of the overlap between two runs a state may hold."""


class CrmStream(Stream):
    """One kind of record. Reads all, or what was changed since the bookmark, and then what was deleted."""

    # The reader types the records; the SDK need not look at each again.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self,
        tap: CrmTap,
        *,
        name: str,
        schema: dict[str, Any],
        key: Sequence[str],
        replication_key: str | None,
        entity: Entity | None = None,
    ) -> None:
        super().__init__(tap, schema=schema, name=name)
        self.crm = tap
        self.primary_keys = list(key)
        self.replication_key = replication_key
        self._entity = entity

    @classmethod
    def of(cls, tap: CrmTap, entity: Entity) -> CrmStream:
        """The stream of an entity that was just described."""
        return cls(
            tap,
            name=entity.name,
            schema=schema_of(
                entity,
                enums=tap.settings["picklist_enums"],
                deletions=bool(entity.replication_key) and tap.client.system.tells_deletions(entity),
            ),
            key=entity.key,
            replication_key=entity.replication_key,
            entity=entity,
        )

    @property
    def entity(self) -> Entity:
        """What the CRM says of the entity; asked for once."""
        if self._entity is None:
            self._entity = self.crm.describe(self.name)
        return self._entity

    def get_records(self, context: Any) -> Iterable[Row]:
        """All records to send. A failure leaves the bookmark where it was.

        Raises:
            SystemExit: the connection itself is in trouble, so that no stream could go on.
        """
        try:
            for record in self._records():
                yield {**self._blank, **record}
            self.crm.succeed()
        except CrmError as error:
            self.crm.fail_over(error, self.name, str(error))

    def _records(self) -> Iterator[Row]:
        client = self.crm.client
        started = client.server_time()
        since = self._since()
        sent_before = self.stream_state.get("overlap") if self._is_incremental else None
        # Whole minutes, since some systems tell no seconds.
        overlap = Overlap(sent_before or [], (started - self._lookback).replace(second=0))
        reader = self._reader()
        complete, read = True, 0
        for page in client.pages(client.system.walks(client.call, self.entity, since, parallel=client.parallel)):
            for identifier in page.unreadable:
                complete = self._may_miss(identifier) and complete
            read += len(page.rows)
            self.crm.progress.show(self.name, read)
            for record in map(reader, page.rows):
                if overlap.is_news(self._key_of(record), record, record.get(self.replication_key or "")):
                    yield record
        if self._is_incremental:
            yield from self._deletions(started, overlap, reader)
        self.crm.progress.clear()
        self._report(reader)
        if complete:
            self._advance(started, overlap)

    @cached_property
    def _blank(self) -> Row:
        """Every field as null where stream maps are set: their expressions fail over a field that a record lacks."""
        return dict.fromkeys(self.schema["properties"]) if self.config.get("stream_maps") else {}

    def _reader(self) -> kinds.Reader:
        """Reads the fields that the catalog has; a field that is newer than the catalog is left out and reported."""
        known = self.schema["properties"]
        fields = tuple(field for field in self.entity.fields if field.name in known)
        return kinds.Reader(replace(self.entity, fields=fields), self.crm.client.system.notation)

    @property
    def _is_incremental(self) -> bool:
        return bool(self.replication_key) and self.replication_method == "INCREMENTAL"

    @property
    def _lookback(self) -> timedelta:
        return timedelta(seconds=self.crm.settings["lookback_seconds"])

    def _since(self) -> datetime | None:
        """From when on changes are wanted: some time before the bookmark, else the start date, else everything."""
        if not self._is_incremental:
            return None
        bookmark = self.stream_state.get("replication_key_value")
        if bookmark:
            return _moment(bookmark) - self._lookback
        start = self.crm.settings["start_date"]
        return _moment(start) if start else None

    def _deletions(self, started: datetime, overlap: Overlap, reader: kinds.Reader) -> Iterator[Row]:
        """The keys of records deleted since they were last asked for; a full read needs none."""
        until = self.stream_state.get("deletions_read_until")
        system = self.crm.client.system
        if self.crm.settings["deletions"] == "off" or not system.tells_deletions(self.entity):
            return
        if DELETED_AT not in self.schema["properties"] or not self.mask["properties", DELETED_AT]:
            # Without the mark, a deleted record's key would look like a record that is there and empty.
            return
        if until:
            try:
                for identifier in system.deletions(self.crm.client.call, self.entity, _moment(until) - self._lookback):
                    if overlap.is_news(identifier, None, None):
                        yield {**reader({self.entity.key[0]: identifier}), DELETED_AT: started.isoformat()}
            except NotOffered as error:
                self.crm.warn_once(f"{error} Set `deletions` to off to silence this.")
                return
        self.stream_state["deletions_read_until"] = started.isoformat()

    def _advance(self, started: datetime, overlap: Overlap) -> None:
        """Moves the bookmark to the server's clock at the start: all that was changed before has been read."""
        if self._is_incremental:
            self.stream_state["replication_key"] = self.replication_key
            self.stream_state["replication_key_value"] = started.isoformat()
            self.stream_state["overlap"] = overlap.remembered()

    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """Does nothing: the bookmark moves at the end of the stream and comes from the server's clock."""

    def get_replication_key_signpost(self, context: Any = None) -> datetime | None:
        """None: the SDK would take this machine's clock."""
        return None

    def _key_of(self, record: Row) -> str:
        return "|".join(str(record.get(name)) for name in self.primary_keys)

    def _may_miss(self, identifier: str) -> bool:
        """Names a record that the server cannot hand out; whether the stream counts as complete without it."""
        sentence = f"{self.name} {identifier} is missing: the server cannot hand out this record."
        if self.crm.settings["skip_unreadable"]:
            self.logger.warning("%s", sentence)
        else:
            self.crm.fail(self.name, f"{sentence} Mend it in the CRM, or set `skip_unreadable`.")
        return bool(self.crm.settings["skip_unreadable"])

    def _report(self, reader: kinds.Reader) -> None:
        """One warning for values that did not fit their type and one for fields that the catalog does not have."""
        if reader.misfits:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(reader.misfits.items()))
            self.logger.warning("%s: values that do not fit their field's type: %s", self.name, counts)
        if reader.unknown:
            names = ", ".join(sorted(reader.unknown))
            self.logger.warning(
                "%s: fields that discovery did not see are left out: %s. Discover again, without a cached catalog.",
                self.name,
                names,
            )


class Overlap:
    """Remembers what was sent of the time that the next run will look at again, so that it is not sent twice.

    A record is known again by a digest of its content, so one that was changed within the same second is sent. In the
    state it is a list of texts, not an object, because orchestrators merge the objects of an old and a new state.
    """

    def __init__(self, sent_before: list[str], since: datetime) -> None:
        self._sent_before = {key: digest for digest, _, key in (entry.partition(" ") for entry in sent_before)}
        self._since = since.isoformat()
        self._sent: dict[str, str] | None = {}

    def is_news(self, key: str, record: Row | None, changed: str | None) -> bool:
        """Whether the record, or its deletion (None), was not sent by the last run; notes it for the next."""
        if record is not None and (changed or "") < self._since and key not in self._sent_before:
            return True
        digest = "deleted" if record is None else _digest(record)
        if self._sent is not None and (record is None or (changed or "") >= self._since):
            self._sent[key] = digest
            if len(self._sent) > MOST_REMEMBERED:
                self._sent = None
        return self._sent_before.get(key) != digest

    def remembered(self) -> list[str]:
        """For the state; empty where it would be too much, so that the next run sends some records again."""
        return [f"{digest} {key}" for key, digest in (self._sent or {}).items()]


class PicklistStream(Stream):
    """The values of all pick lists, one record a value."""

    NAME: ClassVar[str] = "picklists"

    def __init__(self, tap: CrmTap) -> None:
        super().__init__(tap, schema=_PICKLISTS, name=self.NAME)
        self.crm = tap
        self.primary_keys = ["entity", "field", "value"]

    def get_records(self, context: Any) -> Iterable[Row]:
        """One record for each value that a field may have, in the order of the list.

        Raises:
            SystemExit: the CRM cannot be reached.
        """
        try:
            for entity in self.crm.described(self.name):
                yield from _picklist_rows(entity)
        except CrmError as error:
            raise self.crm.stopped_by(error) from error


_TEXT = {"type": ["string", "null"]}
_PICKLISTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "entity": {"type": "string"},
        "field": {"type": "string"},
        "value": {"type": "string"},
        "label": _TEXT,
        "position": {"type": ["integer", "null"], "description": "from 0, in the order of the list"},
        "field_label": _TEXT,
    },
}


def _picklist_rows(entity: Entity) -> Iterator[Row]:
    for field in entity.fields:
        for position, choice in enumerate({choice.value: choice for choice in field.choices}.values()):
            yield {
                "entity": entity.name,
                "field": field.name,
                "value": choice.value,
                "label": choice.label,
                "position": position,
                "field_label": field.label,
            }


def schema_of(entity: Entity, *, enums: bool, deletions: bool) -> dict[str, Any]:
    """The JSON Schema of an entity's records."""
    properties = {
        field.name: kinds.json_schema(field, key=field.name in entity.key, enum=enums)
        for field in entity.fields
        if field.readable
    }
    if deletions:
        properties[DELETED_AT] = {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "when the deletion was noticed; null for a record that is there",
        }
    return {"type": "object", "properties": properties}


def _moment(written: str) -> datetime:
    parsed = datetime.fromisoformat(written.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def _digest(record: Row) -> str:
    return blake2s(json.dumps(record, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
