"""Writes what records have beside their fields: their files, and their relations."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from target_crm.ledger import Written, digest
from target_crm.mapping import TO_BE_CREATED, is_gone
from target_crm.outcome import AGAINST_ONE, Action, Outcome, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from crm_systems.beside import Relation
    from crm_systems.client import Client
    from target_crm.ledger import Ledger, Link
    from target_crm.mapping import Mapper


OFTEN, MANY = 4, 1000
"""How often a source comes in a batch for which all that is related to it is asked for, if it is not more than many."""


class RelatedAhead:
    """What is related to the sources that come ``often`` in a batch: asked for once, good for one decision a pair."""

    def __init__(self, often: Collection[str], ask: Callable[[Relation, str], Iterable[str]]) -> None:
        self._often = often
        self._ask = ask
        self._lock = threading.Lock()
        self._there: dict[tuple[str, str], set[str] | None] = {}

    def has(self, relation: Relation, came: str, source: str, related: str) -> bool | None:
        """Whether a source, which ``came`` so, has a relation; None where nobody looked."""
        if came not in self._often:
            return None
        place = (relation.label, source)
        with self._lock:
            if place not in self._there:
                found = list(islice(self._ask(relation, source), MANY))
                self._there[place] = set(found) if len(found) < MANY else None
            there = self._there[place]
        return None if there is None else related in there


class BesideWriter(ABC):
    """Writes the records of one stream. What it sends may be sent again, so there are no intents to settle."""

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper) -> None:
        self._client = client
        self._system = client.system
        self._ledger = ledger
        self._mapper = mapper
        self._options = mapper.options

    def write(
        self,
        key: str,
        record: Mapping[str, Any],
        *,
        last_chance: bool = False,
        ahead: RelatedAhead | None = None,
    ) -> Outcome:
        """Does with a record what is to be done.

        Raises:
            CrmError: the connection is in trouble, so that no record could be written.
        """
        if not key:
            return Outcome(Action.REJECT, key, reason="its key is empty")
        try:
            return self._write(key, record, ahead, last_chance=last_chance)
        except AGAINST_ONE as error:
            return Outcome.of_error(error, key, last_chance=last_chance)

    @abstractmethod
    def _write(self, key: str, record: Mapping[str, Any], ahead: RelatedAhead | None, *, last_chance: bool) -> Outcome:
        """Writes a record that is whole."""

    def looked_up(self, _records: Iterable[Mapping[str, Any]]) -> RelatedAhead | None:
        """What is known ahead of these records."""
        return None

    def in_turn(self, _record: Mapping[str, Any]) -> tuple[str, ...]:
        """What records share that must not be written at the same time, beside their key."""
        return ()

    def set_link(self, _link: Link) -> Outcome | None:
        """None: no reference is left open."""
        return None

    def can_set(self, _link: Link) -> bool:
        """False: no reference is left open."""
        return False

    def _known(self, key: str) -> Written | None:
        return self._ledger.written(self._options.stream, key)

    def _is_done(self, known: Written | None, fingerprint: str) -> bool:
        """Whether the ledger says that this was written, and the ledger is to be believed."""
        return self._options.identify_by == "ledger" and known is not None and known.digest == fingerprint

    def _note(self, key: str, crm_id: str, fingerprint: str, altered: Mapping[str, tuple[str, str]]) -> None:
        written = Written(self._mapper.entity.name, crm_id, fingerprint, altered)
        self._ledger.note(self._options.stream, key, written)


class RelationWriter(BesideWriter):
    """Relates records, and looks whether the CRM did. ``relations``: one for each label."""

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper, relations: list[Relation]) -> None:
        super().__init__(client, ledger, mapper)
        self._relations = {each.label: each for each in relations}

    def looked_up(self, records: Iterable[Mapping[str, Any]]) -> RelatedAhead:
        """What is related to sources that come often."""
        counted = Counter(map(self._source_of, records))
        often = {source for source, count in counted.items() if count >= OFTEN}
        return RelatedAhead(often, partial(self._system.related, self._client.call))

    def _source_of(self, record: Mapping[str, Any]) -> str:
        """The source as it came."""
        return next((str(value) for name, value in record.items() if self._mapper.target_of(name) == "source_id"), "")

    def _write(self, key: str, record: Mapping[str, Any], ahead: RelatedAhead | None, *, last_chance: bool) -> Outcome:
        gone = is_gone(record)
        if gone and self._options.deletes == "ignore":
            return Outcome(Action.SKIP, key)
        values = self._mapper(record, last_chance=last_chance).values
        if empty := [each for each in ("source_id", "related_id") if not values.get(each)]:
            raise Reject(f"its {', '.join(empty)} is empty")
        relation = self._relation(values.get("label"))
        source, related = str(values["source_id"]), str(values["related_id"])
        pair, fingerprint = f"{source}|{related}", digest([relation.name, relation.label, source, related])
        is_planned = self._options.dry_run and TO_BE_CREATED in pair
        if gone:
            return self._take_away(key, relation, source, related)
        if self._is_done(self._known(key), fingerprint):
            return Outcome(Action.UNCHANGED, key, pair)
        told = ahead.has(relation, self._source_of(record), source, related) if ahead and not is_planned else None
        is_there = not is_planned and (self._is_related(relation, source, related) if told is None else told)
        if self._options.dry_run or (not is_there and self._options.write_mode == "update_only"):
            action = Action.CREATE if self._options.dry_run else Action.SKIP
            return Outcome(Action.UNCHANGED if is_there else action, key, pair)
        if not is_there:
            self._system.relate(self._client.call, relation, source, related)
            if not self._is_related(relation, source, related):
                raise Reject("the CRM says that it related the two records, and did not")
        self._note(key, pair, fingerprint, {})
        return Outcome(Action.UNCHANGED if is_there else Action.CREATE, key, pair)

    def _is_related(self, relation: Relation, source: str, related: str) -> bool:
        return self._system.is_related(self._client.call, relation, source, related)

    def _take_away(self, key: str, relation: Relation, source: str, related: str) -> Outcome:
        if self._is_related(relation, source, related):
            raise Reject("the CRM has no way to take a relation away; do it there by hand")
        if not self._options.dry_run:
            self._ledger.forget(self._options.stream, key)
        return Outcome(Action.SKIP, key)

    def _relation(self, label: Any) -> Relation:
        """The relation with a label, which may be left out where there is one only.

        Raises:
            Reject: there is none, or it is not known which one.
        """
        if label is None and len(self._relations) == 1:
            return next(iter(self._relations.values()))
        found = self._relations.get(str(label))
        if found is None:
            raise Reject(f"its label is none of {', '.join(self._relations)}")
        return found
