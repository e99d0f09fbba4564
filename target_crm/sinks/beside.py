"""The sink of streams whose records are files, or relations, of other records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from crm_systems.beside import FILES, RELATIONS
from target_crm.sinks.sink import WritingSink
from target_crm.writing import FileWriter, RelationWriter

if TYPE_CHECKING:
    from target_crm.mapping import Mapper
    from target_crm.outcome import Outcome
    from target_crm.sinks.sink import Incoming
    from target_crm.writing import BesideWriter, RelatedAhead


def is_beside(entity: str) -> bool:
    """Whether records of an entity are files or relations, as its name says."""
    return entity.endswith((FILES, RELATIONS))


class BesideSink(WritingSink):
    """Writes one stream of files or relations; none of them is decided about before it is written."""

    _writer: BesideWriter

    def _make_writer(self, mapper: Mapper) -> BesideWriter:
        run, name = self.run, mapper.entity.name
        if name.endswith(RELATIONS):
            self._writer = RelationWriter(run.client, run.ledger, mapper, run.entity.relations(name))
        else:
            self._writer = FileWriter(run.client, run.ledger, mapper, self._uploads, run.entity.owner(name))
        return self._writer

    def _identify(self, records: list[Incoming]) -> None:
        """All files of one record are written in turn."""
        super()._identify(records)
        for record in records:
            record.identifiers = (*record.identifiers, *self._writer.in_turn(record))

    def _hand_over(self, records: list[Incoming]) -> None:
        """Looks a batch up, and begins to write it."""
        ahead = self._writer.looked_up(records)
        for record in records:
            write, settle = partial(self._write, record, ahead=ahead), partial(self._settle, record)
            self.run.workers.begin(record.identifiers, write, settle)

    def _write(self, record: Incoming, *, last_chance: bool = False, ahead: RelatedAhead | None = None) -> Outcome:
        write = partial(self._writer.write, record.key, record, last_chance=last_chance, ahead=ahead)
        return self._in_turn(record, write)
