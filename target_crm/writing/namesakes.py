"""Records that the ledger knows by other names: of their stream, of their source, or of the other of two pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import ConfigError
from target_crm.ledger import DEFAULT_SOURCE, Written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_crm.ledger import Flow, Twin
    from target_crm.writing.means import Means
    from target_crm.writing.planned import Came


class Namesakes:
    """What else the records of one stream may be known by; any number of threads may ask."""

    def __init__(self, means: Means) -> None:
        self._ledger = ledger = means.ledger
        self._stream = means.mapper.options.stream
        self._entity = means.mapper.entity.name
        self._three_ways = means.three_ways
        self._flows = ledger.flows() if means.mapper.options.identify_by == "ledger" else []
        self._flow = ledger.flow(self._stream, self._entity)
        others = [each for each in self._flows if each.stream != self._stream]
        self._origins = [self._flow, *self._unnamed()]
        is_renamed = len(self._origins) > 1 or self._entity in {each.entity for each in others}
        self._may_be = is_renamed or bool(ledger.twins and self._flows)
        """Whether there may be any at all."""
        mine = [each for each in others if each[:2] == self._flow[:2]]
        self._mine = {name for each in mine for name in (each.stream, each.entity)}
        """What goes its own way already, beside which a record may come by this stream as well."""

    def _unnamed(self) -> list[Flow]:
        """The same stream before its source had a name, or before that was forgotten; none once it went on without."""
        same = [each for each in self._flows if each == self._flow._replace(source=each.source)]
        if not same or self._ledger.twins or self._flow in same or self._ledger.intents.of(self._stream):
            return []
        return [each for each in same if DEFAULT_SOURCE in {each.source, self._flow.source}]

    def check(self, came: Came) -> None:
        """Stops before a record is made once more that came with the same key, and nearly the same content, before.

        Raises:
            ConfigError: it did, under other names.
        """
        known = next(self._flows_of(came), None) if self._may_be else None
        if known:
            raise ConfigError(
                f"The record {came.key} of the stream {self._stream} is what the ledger knows by the stream "
                f"{known.stream} from {known.source} to {known.destination}, and would be made once more",
                hint="if they are one, keep to these names of stream (by `__alias__` in a stream map), `source` and "
                "`destination`, or change them in the ledger's tables; if not, leave one of the two out by `streams` "
                "or give it another ledger",
            )

    def _flows_of(self, came: Came) -> Iterator[Flow | Twin]:
        for flow, written in (each for like in self._origins for each in self._ledger.flows_of(came.key, like)):
            if written.digest == came.fingerprint or self._three_ways.is_nearly(came, written):
                yield flow
        twins = self._ledger.twins.called_otherwise(self._flows, came.key) if self._ledger.twins else []
        for twin in twins:
            may_be = twin.stream not in self._mine and came.mapped.values
            if may_be and self._three_ways.is_echo(came, Written(self._entity, twin.key, "", twin=twin)):
                yield twin
