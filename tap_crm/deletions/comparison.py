"""Finding deletions that a CRM does not tell: what was sent is compared with what the CRM still lists."""

from __future__ import annotations

import logging
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from crm_systems import discovery, kinds
from crm_systems.errors import CrmError
from crm_systems.rows import key_of
from tap_crm.state import OF_SDK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from crm_systems.client import Client
    from crm_systems.model import Entity, Row
    from tap_crm.sent_keys import SentKeys, Turned

TOLD = "deletions_told"
"""In the state of a stream: the name of the keys that are meant, and up to which change of them was told."""

logger = logging.getLogger("crm")


class Comparison:
    """The records of one stream that were sent, and what became of them.

    A key is noted before its record leaves: so a record that left and whose run was cut off is known. ``state`` is the
    stream's part of the state, ``most`` the share of the records, in percent, that may be gone at once. A run that
    ``reads_all`` records need not list them.
    """

    def __init__(
        self,
        client: Client,
        entity: Entity,
        sent: SentKeys,
        state: dict[str, Any],
        most: float,
        *,
        reads_all: bool = False,
    ) -> None:
        self._client = client
        self._entity = entity
        self._sent = sent
        self._state = state
        self._most = most
        keys = tuple(field for field in entity.fields if field.name in entity.key)
        self._reader = kinds.Reader(replace(entity, fields=keys), client.system.notation)
        self.came_back: set[str] = set()
        """The keys of the records that were gone and were sent again by this run."""
        known, _, number = str(state.get(TOLD, "")).partition(" ")
        self._is_known = known == sent.name
        # A database that was restored from a copy has not come so far.
        self._told = min(int(number), sent.number) if self._is_known else sent.number
        self._unmet = sent.present() if reads_all and self._is_known else None
        """The records known when all began to be read, but for those that were met since."""
        self._is_under_way = bool(state.keys() - OF_SDK)
        if known and not self._is_known:
            logger.warning(
                "%s: the state speaks of other keys than those in `keys_url` (another database, address or user), so "
                "what was deleted before this run cannot be told; what is deleted from now on can.",
                entity.name,
            )
        if not self._is_under_way:
            # All is read now: a run that goes on with it has to tell what was deleted since.
            self.note_told()

    def note_told(self) -> None:
        """Notes in the state that all of it has left."""
        self._state[TOLD] = f"{self._sent.name} {self._told}"

    def note(self, keys: Sequence[str]) -> None:
        """Notes records that are about to leave."""
        self.came_back.update(self._sent.note(keys))
        self.meet(keys)

    def meet(self, keys: Iterable[str]) -> None:
        """Notes records that are there, be it that the CRM cannot hand them out."""
        if self._unmet is not None:
            self._unmet.difference_update(keys)

    def settle(
        self, told: Iterable[str] | None, since: datetime | None, *, is_whole: bool = True, always: bool = False
    ) -> Turned:
        """What went away since the state, and what came back and was not sent; then it moves on.

        ``told``: those of which the CRM itself tells that they are gone; None where it does not tell. Before there is
        anything to compare with, what the CRM lists is noted, as far as it was changed ``since`` the beginning.
        ``is_whole``: nothing is known to be missing of what was read. ``always``: what the CRM tells may not be all,
        since it forgets what was purged.

        Raises:
            CrmError: the list could not be read, or too much is missing; nothing is noted then.
        """
        if told is not None:
            self._sent.note_gone(told)
        if self._is_known and (told is None or always):
            self._compare(self._unmet if is_whole else None)
        turned = self._sent.changed(self._told)
        if self._is_under_way and not self._is_known:
            self._sent.note(list(self._listed(since)))
            turned = turned._replace(number=self._sent.number)
        self._told = turned.number
        return turned._replace(back=[key for key in turned.back if key not in self.came_back])

    def _compare(self, unmet: set[str] | None) -> None:
        """Notes what was not met, or else what is missing in the CRM's list, and what is in it again."""
        present = self._sent.present()
        missing, back = self._unlisted() if unmet is None else (unmet & present, [])
        self.check(len(missing), len(present))
        if missing:
            missing -= self._shown_after_all(missing)
        self._sent.note(back)
        self._sent.note_gone(sorted(missing))

    def check(self, missing: int, known: int) -> None:
        """Makes sure that not more is missing than may be gone at once.

        Raises:
            CrmError: it is, so that something is wrong.
        """
        if missing > ceil(known * self._most / 100):
            raise CrmError(
                f"{self._entity.name}: {missing} of the {known} records that were sent are not listed any more, "
                f"more than `most_deletions` ({self._most:g} %) allows, so none is taken for deleted",
                hint="check the rights of the user; if they are gone, set `most_deletions` higher for one run",
            )

    def _unlisted(self) -> tuple[set[str], list[str]]:
        """The keys that are not listed, and those that were gone and are.

        What is known is read first: a record that another run sends meanwhile may not be listed yet.
        """
        missing, gone, back = self._sent.present(), self._sent.gone(), list[str]()
        for key in self._listed(None):
            missing.discard(key)
            if key in gone:
                back.append(key)
        return missing, back

    def _listed(self, since: datetime | None) -> Iterator[str]:
        """The keys of all records that the CRM lists, those that it cannot hand out included."""
        client = self._client
        entity = client.system.keys_alone(self._entity)
        for page in client.read(lambda: client.system.walks(client.call, entity, since)):
            yield from self._keys(page.rows)
            yield from page.unreadable

    def _keys(self, rows: Iterable[Row]) -> Iterator[str]:
        return (key_of(self._entity, self._reader(row)) for row in rows)

    def _shown_after_all(self, missing: set[str]) -> set[str]:
        """Those of the missing that a second look shows: by look-ups where these are cheap, else by another list."""
        system, key = self._client.system, self._entity.key
        if system.looks_up_many and len(key) == 1:
            # What a catalog tells of an entity is not enough to look records up.
            entity = discovery.describe(self._client, self._entity.name)
            return set(self._keys(system.find_many(self._client.call, entity, key[0], sorted(missing))))
        return missing.intersection(self._listed(None))
