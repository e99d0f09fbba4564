"""What a pipeline heeds where another one goes the other way on the same ledger; nothing where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import ConfigError
from target_crm.ledger import TakenMeanwhile
from target_crm.outcome import Reject
from target_crm.writing.creation import pauses_between_looks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_systems.client import Client
    from target_crm.ledger import Ledger, Written
    from target_crm.options import StreamOptions
    from target_crm.writing.finding import Existing


class TwoWays:
    """The twins of the records of one stream, which is written to the entity of this name."""

    def __init__(self, client: Client, ledger: Ledger, options: StreamOptions, entity: str) -> None:
        self._client = client
        self._ledger = ledger
        self._twins = ledger.twins if options.identify_by == "ledger" else None
        self._stream = options.stream
        self._entity = entity

    @property
    def is_paired(self) -> bool:
        """Whether another pipeline may go the other way."""
        return self._twins is not None

    def written_of(self, keys: Iterable[str]) -> dict[str, Written]:
        """What the ledger knows of incoming records, by key: also of those that the other pipeline made there."""
        keys = list(keys)
        known = self._ledger.written_of(self._stream, keys)
        return self._twins.known(self._stream, self._entity, keys, known) if self._twins else known

    def await_turn(self, key: str) -> None:
        """Before a record is created here: makes sure that the other pipeline did not make it there.

        Raises:
            TakenMeanwhile: it may have; decide anew.
            ConfigError: it was cut off in a create that may have made it.
        """
        for look, seconds in enumerate(pauses_between_looks(self._ledger.lease.seconds)):
            intents = self._twins.intents(self._stream, self._entity) if self._twins else []
            doubtful = [each for each in intents if each.before is None or each.before.tells_new(key) is not False]
            if any(each.is_free for each in doubtful):
                break
            if not doubtful:
                if look or key in self._made_there(key):
                    raise TakenMeanwhile
                return
            self._client.sleep(seconds)
        raise ConfigError(
            f"The pipeline that goes the other way is creating records of {self._stream}, or was cut off while it did, "
            "and whether it made those that come from there now is not known",
            hint="run that pipeline first, then this one again",
        )

    def _made_there(self, key: str) -> dict[str, Written]:
        return self._twins.known(self._stream, self._entity, [key], {}) if self._twins else {}

    def check(self, key: str, existing: Existing | None) -> None:
        """Makes sure of a record that was found by its match fields that it is nobody else's twin.

        Raises:
            Reject: it is.
        """
        made = self._twins.made(self._stream, self._entity, existing.crm_id) if self._twins and existing else None
        if existing and made not in (None, key):
            raise Reject(f"it matches {existing.crm_id}, which is the twin of {made}")

    def has_met(self, crm_ids: Iterable[str]) -> bool:
        """Whether one of these came from there or went there; true where no pipeline goes the other way."""
        if self._twins is None:
            return True
        crm_ids = list(crm_ids)
        went = any(self._twins.made(self._stream, self._entity, each) for each in crm_ids)
        return went or bool(self._ledger.keys_of(self._entity, crm_ids))

    def noted(self, known: Written | None, crm_id: str, base: bytes | None, *, is_written: bool) -> bytes | None:
        """Notes what both sides agree upon with the twin where it stands there; gives what is to stand here."""
        if self._twins is None:
            return base
        if is_written:
            self._twins.wrote(crm_id)
        if known is None or known.twin is None:
            return base
        kept, rest = (base, None) if known.is_mirrored else (None, base)
        if known.twin.base != kept:
            self._twins.agree(known.twin, kept)
        return rest
