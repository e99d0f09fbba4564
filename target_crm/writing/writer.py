"""What happens to one record: it is looked up, decided about, written and noted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from target_crm.ledger import TakenMeanwhile
from target_crm.outcome import AGAINST_ONE, AsksCrm, Outcome, Reject
from target_crm.writing.carrying_out import Carrier
from target_crm.writing.creation import ATTEMPTS
from target_crm.writing.deciding import Decider
from target_crm.writing.finding import Ahead
from target_crm.writing.means import Means
from target_crm.writing.planned import Planned, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crm_systems.client import Client
    from target_crm.ledger import Ledger, Link
    from target_crm.mapping import Identity, Mapper

T = TypeVar("T")


class Writer:
    """Writes the records of one stream; any number of threads may write records that are not the same one."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        mapper: Mapper,
        identity: Identity,
        maker: Callable[[str], Mapper],
        columns: Iterable[str],
    ) -> None:
        self._means = means = Means.of(client, ledger, mapper, identity, columns)
        self._options = mapper.options
        self._columns = columns = list(columns)
        self.entity = mapper.entity
        self._decide = Decider(means, maker)
        self._carrier = Carrier(means)
        self.can_set = means.links.can_set
        self.settle_open_intents = means.creator.settle_open_intents
        self.known_of = means.two_ways.written_of
        self.is_moved = means.three_ways.is_moved
        self.held_by_rejected = means.finder.held_by_rejected

    def looked_up(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> Ahead:
        """What the ledger, and when it is first asked the CRM, know of these records, each with its key."""
        records = list(records)
        self._means.mapper.look_ahead((record for _key, record in records), self._columns)
        known = self._means.two_ways.written_of(key for key, _record in records if key)
        older = [
            each
            for key, record in records
            if key not in known
            for each in self._means.identity.older_keys_of(record, key)
        ]
        if older:
            known.update(self._means.two_ways.written_of(older))
        by_ledger = self._options.identify_by == "ledger"
        unknown = (each for each in records if not (by_ledger and each[0] in known))
        sought = (self._means.finder.sought(record, key, self._means.mapper) for key, record in unknown)
        return Ahead(known, filter(None, sought), self._means.finder)

    def at_hand(self, key: str, record: Mapping[str, Any], ahead: Ahead) -> Outcome | Planned | None:
        """What is to be done with a record, if what was looked up tells; None if the CRM must be asked for it alone.

        Raises:
            CrmError: the connection is in trouble.
        """
        try:
            return self._told(key, lambda: self._at_hand(key, record, ahead))
        except AsksCrm:
            return None

    def _at_hand(self, key: str, record: Mapping[str, Any], ahead: Ahead) -> Outcome | Planned:
        found = self._decide(key, record, ahead, at_hand=True)
        # Of a record that is there, what is at hand never tells enough to change it: there is only something to note.
        return self._carrier.update(found) if isinstance(found, Update) else found

    def intend(self, plans: Sequence[Planned]) -> None:
        """Notes creates, all at once, so that they may be sent."""
        with suppress(TakenMeanwhile):
            self._carrier.intend(plans)

    def write(
        self,
        key: str,
        record: Mapping[str, Any],
        *,
        last_chance: bool = False,
        ahead: Ahead | None = None,
        plan: Planned | None = None,
    ) -> Outcome:
        """Does with a record what is to be done, or what was planned.

        Raises:
            CrmError: the connection is in trouble, so that no record could be written.
        """
        return self._told(
            key, lambda: self._in_turn(key, record, ahead, plan, last_chance=last_chance), last_chance=last_chance
        )

    def _told(self, key: str, what: Callable[[], T], *, last_chance: bool = False) -> T | Outcome:
        """What comes of a record, whatever is said against it."""
        try:
            return what()
        except AGAINST_ONE as error:
            return Outcome.of_error(error, key, last_chance=last_chance)

    def _in_turn(
        self, key: str, record: Mapping[str, Any], ahead: Ahead | None, plan: Planned | None, *, last_chance: bool
    ) -> Outcome:
        """Decides anew when another run was faster."""
        for _turn in range(ATTEMPTS):
            try:
                found = plan or self._decide(key, record, ahead, last_chance=last_chance)
                if isinstance(found, Outcome):
                    return found
                return self._carrier.create(found) if isinstance(found, Planned) else self._carrier.update(found)
            except TakenMeanwhile:
                ahead = plan = None
                self._means.creator.await_turn(key)
        raise Reject("other runs write it again and again; run again when they have ended")

    def set_link(self, link: Link) -> Outcome | None:
        """Sets a reference that was left open, if what it points to has been written; None where it is not."""
        child = self._means.two_ways.written_of([link.key]).get(link.key)
        points_to = self._means.links.points_to(link) if child else None
        existing = self._means.finder.get(child.crm_id) if child and points_to else None
        if child is None or points_to is None or existing is None:
            return None
        return self._carrier.link(link, child, existing, points_to)
