"""Records that the ledger knows by another stream: it was renamed, or the two pipelines call it differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import ConfigError
from target_crm.ledger import Written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_crm.ledger import Ledger
    from target_crm.mapping import Mapper
    from target_crm.writing.conflicts import ThreeWay
    from target_crm.writing.planned import Came


class Namesakes:
    """What else the records of one stream may be known by; any number of threads may ask."""

    def __init__(self, ledger: Ledger, mapper: Mapper, three_ways: ThreeWay) -> None:
        self._ledger = ledger
        self._stream = mapper.options.stream
        self._entity = mapper.entity.name
        self._three_ways = three_ways
        flows = ledger.flows() if mapper.options.identify_by == "ledger" else []
        other = (each.entity for each in flows if each.stream != self._stream)
        self._may_be = any(entity == self._entity or ledger.twins for entity in other)
        """Whether there may be any at all."""

    def check(self, came: Came) -> None:
        """Stops before a record is made once more that came with the same key and content before.

        Raises:
            ConfigError: it did, by another stream.
        """
        stream = next(self._streams_of(came), None) if self._may_be else None
        if stream:
            raise ConfigError(
                f"The record {came.key} of the stream {self._stream} is what the ledger knows by the stream {stream}, "
                "and would be made once more",
                hint=f"if they are one, call it {stream} here, by `__alias__` in a stream map, or give its rows in the "
                f"ledger's tables the stream {self._stream}; if not, leave one of the two out by `streams`",
            )

    def _streams_of(self, came: Came) -> Iterator[str]:
        yield from self._ledger.streams_of(came.key, self._entity, came.fingerprint)
        twins = self._ledger.twins.called_otherwise(self._stream, self._entity, came.key) if self._ledger.twins else []
        for twin in twins:
            if came.mapped.values and self._three_ways.is_echo(came, Written(self._entity, twin.key, "", twin=twin)):
                yield twin.stream
