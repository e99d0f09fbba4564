"""The streams that tell how the CRM describes its records: the values of pick lists, and the fields."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.errors import CrmError
from tap_crm.streams.versions import VersionedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap

    from crm_systems.model import Entity, Row
    from tap_crm.run import Run

_TEXT = {"type": ["string", "null"]}


class DescriptionStream(VersionedStream):
    """What the description of the wanted entities says, as records."""

    NAME: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    PROPERTIES: ClassVar[dict[str, Any]]
    TELLS_CHOICES: ClassVar[bool] = False

    def __init__(self, tap: Tap, run: Run) -> None:
        key = {name: {"type": "string"} for name in self.KEY}
        super().__init__(tap, schema={"type": "object", "properties": {**key, **self.PROPERTIES}}, name=self.NAME)
        self.run = run
        self.primary_keys = list(self.KEY)

    def rows(self, entity: Entity) -> Iterator[Row]:
        """The records of one entity."""
        raise NotImplementedError

    def get_records(self, context: Any) -> Iterable[Row]:
        """The records of all entities.

        Raises:
            SystemExit: the CRM cannot be reached.
        """
        failures = len(self.run.failures)
        try:
            rows = (
                row
                for entity in self.run.described(self.name, with_choices=self.TELLS_CHOICES)
                for row in self.rows(entity)
            )
            yield from islice(rows, self.ABORT_AT_RECORD_COUNT)
            self.end(is_whole=len(self.run.failures) == failures)
        except CrmError as error:
            raise self.run.stopped_by(error) from error


class PicklistStream(DescriptionStream):
    """The values of all pick lists, one record a value, in the order of the list."""

    NAME = "picklists"
    TELLS_CHOICES = True
    KEY = ("entity", "field", "value")
    PROPERTIES: ClassVar[dict[str, Any]] = {
        "label": _TEXT,
        "position": {"type": ["integer", "null"], "description": "from 0, in the order of the list"},
        "field_label": _TEXT,
    }

    def rows(self, entity: Entity) -> Iterator[Row]:
        """One record for each value that a field may have."""
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


class FieldStream(DescriptionStream):
    """What the CRM says of each field that can be read, so that labels reach a warehouse."""

    NAME = "fields"
    KEY = ("entity", "field")
    PROPERTIES: ClassVar[dict[str, Any]] = {
        "entity_label": _TEXT,
        "label": _TEXT,
        "kind": _TEXT,
        "mandatory": {"type": ["boolean", "null"]},
        "refers_to": {"type": ["array", "null"], "items": {"type": "string"}, "description": "names of entities"},
    }

    def rows(self, entity: Entity) -> Iterator[Row]:
        """One record for each field."""
        for field in entity.fields:
            if field.readable:
                yield {
                    "entity": entity.name,
                    "field": field.name,
                    "entity_label": entity.label or None,
                    "label": field.label or None,
                    "kind": field.kind.value,
                    "mandatory": field.mandatory,
                    "refers_to": list(field.refers_to),
                }
