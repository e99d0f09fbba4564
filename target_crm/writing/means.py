"""What all share that deal with the records of one stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_crm.writing.conflicts import ThreeWay
from target_crm.writing.creation import Creator
from target_crm.writing.finding import Finder
from target_crm.writing.links import Links
from target_crm.writing.noting import Noting
from target_crm.writing.two_ways import TwoWays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from crm_systems.client import Client
    from target_crm.ledger import Ledger
    from target_crm.mapping import Identity, Mapper


@dataclass(frozen=True)
class Means:
    """The ways to the CRM and to the ledger, for one stream; any number of threads may use them."""

    client: Client
    ledger: Ledger
    mapper: Mapper
    identity: Identity
    finder: Finder
    creator: Creator
    three_ways: ThreeWay
    two_ways: TwoWays
    links: Links
    noting: Noting

    @classmethod
    def of(cls, client: Client, ledger: Ledger, mapper: Mapper, identity: Identity, columns: Iterable[str]) -> Self:
        """Those of a stream with these ``columns``."""
        finder = Finder(client, mapper.entity, mapper.options)
        two_ways = TwoWays(client, ledger, mapper.options, mapper.entity.name)
        return cls(
            client,
            ledger,
            mapper,
            identity,
            finder,
            Creator(client, ledger, mapper, finder),
            ThreeWay(mapper, columns),
            two_ways,
            Links(ledger, mapper),
            Noting(ledger, mapper, two_ways),
        )
