"""The stream of all values that pick lists have."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream

from crm_systems.errors import CrmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap

    from crm_systems.model import Entity, Row
    from tap_crm.run import Run


class PicklistStream(Stream):
    """The values of all pick lists, one record a value."""

    NAME: ClassVar[str] = "picklists"

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, schema=_PICKLISTS, name=self.NAME)
        self.run = run
        self.primary_keys = ["entity", "field", "value"]

    def get_records(self, context: Any) -> Iterable[Row]:
        """One record for each value that a field may have, in the order of the list.

        Raises:
            SystemExit: the CRM cannot be reached.
        """
        try:
            rows = (row for entity in self.run.described(self.name) for row in _picklist_rows(entity))
            yield from islice(rows, self.ABORT_AT_RECORD_COUNT)
        except CrmError as error:
            raise self.run.stopped_by(error) from error


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
