"""What the ledger calls a CRM, so that another spelling of its address or a move doubles nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_singer.databases import is_in_memory
from crm_systems import SYSTEMS
from crm_systems.errors import ConfigError
from target_crm.ledger.flows import Flow, way_round
from target_crm.ledger.ledger import Ledger
from target_crm.ledger.twins import Other

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crm_systems.system import System

DEFAULT_SOURCE = "default"
LEASE_MARGIN = 30.0
"""Seconds that the lease of a create lasts beyond what one attempt may take."""


class Destination:
    """One CRM as the ledger knows it: by the system and by its address, or by the setting `destination`."""

    def __init__(self, system: System, settings: Mapping[str, Any]) -> None:
        self._system = system
        self._settings = settings
        self._start = f"{system.title} at "
        self.at_address = self._named(settings["url"])
        """System and address, for people."""

    def _named(self, address: str) -> str:
        return self._start + self._system.place(address)

    def open_ledger(self, clock: Callable[[], float], warn: Callable[[str], None]) -> Ledger:
        """The ledger of this CRM, in which each CRM has one spelling of its name.

        ``clock`` tells seconds since 1970, ``warn`` takes a sentence.

        Raises:
            ConfigError: the database cannot be opened.
        """
        settings = self._settings
        # The lease outlasts one attempt: to connect, to wait for the answer, to let the server settle.
        ledger = Ledger(
            settings["ledger_url"],
            destination=self._named(settings["destination"] or settings["url"]),
            source=settings["source"],
            lease_seconds=2 * settings["timeout_seconds"] + settings["settle_seconds"] + LEASE_MARGIN,
            clock=clock,
            warn=warn,
        )
        if is_in_memory(settings["ledger_url"]):
            warn("`ledger_url` names a database in memory: the next run will not know what this one writes.")
        if other := self._other():
            ledger.pair_with(other)
        ledger.respell(self._respelled)
        return ledger

    def _other(self) -> Other | None:
        """The pipeline that goes the other way; none where nobody named both ends."""
        here, there = self._settings["destination"], self._settings["source"]
        if not here or there == DEFAULT_SOURCE:
            return None
        return Other(tuple(f"{each.title} at {self._system.place(there)}" for each in SYSTEMS), here)

    def _respelled(self, name: str) -> str:
        return self._named(name.removeprefix(self._start)) if name.startswith(self._start) else name

    def check(self, ledger: Ledger, stream: str, entity: str) -> None:
        """Stops before what is in this CRM already is written once more.

        Raises:
            ConfigError: of this system, the ledger knows records of the stream for other addresses only, or other
                pipelines bring to the source what is here.
        """
        named, flows = self._settings["destination"], ledger.flows()
        others = sorted(each for each in ledger.elsewhere(stream) if each.startswith(self._start))
        # A name that says nothing to the ledger may be a slip of the pen.
        is_known = ledger.is_known or any(self._place(each.source) == self._place(named or "") for each in flows)
        if others and not (named and (self._named(named) == self.at_address or is_known)):
            here, *there = (each.removeprefix(self._start) for each in (self.at_address, *others))
            raise ConfigError(
                f"The ledger knows records of the stream {stream} for {', '.join(others)}, and none for this CRM",
                hint='if it is the same CRM at another address, set `destination` to "{}"; if it is another one, set '
                '`destination` to "{}"'.format('" or "'.join(there), here),
            )
        if self._other():
            self._check_two_ways(flows, Flow(named, self._settings["source"], stream, entity))

    def _check_two_ways(self, flows: Sequence[Flow], new: Flow) -> None:
        """Stops before a pipeline between two named CRMs makes what its records have become already.

        Raises:
            ConfigError: they came before the source had a name, or they come round in a ring.
        """
        here = {self._place(self.at_address), self._place(new.destination)}
        sources = {each.source for each in flows if each.stream == new.stream and self._place(each.destination) in here}
        if DEFAULT_SOURCE in sources and new.source not in sources:
            raise ConfigError(
                f"The ledger knows records of the stream {new.stream} in this CRM from the `source` {DEFAULT_SOURCE}, "
                f"and none from {new.source}, so each would be made once more",
                hint=f"if they are the same, let their rows in its tables have the source {new.source} and the "
                f"destination {self._named(new.destination)}; else give this pipeline another ledger",
            )
        if by := way_round(flows, new, self._place):
            raise ConfigError(
                f"The records of {new.stream} go round in a ring, from {new.destination} by {' and '.join(by)} to "
                f"{new.source} and back, in which each would be made again and again",
                hint="join the CRMs by pairs of pipelines, one each way, so that one way only leads from each to each",
            )

    def _place(self, name: str) -> str:
        """The one spelling of a CRM's address, or of what the ledger calls it."""
        return self._system.place(name.rpartition(" at ")[2])
