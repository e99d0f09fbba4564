"""Gives records that are there their files."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT
from crm_systems.errors import Denied, Rejected
from target_crm.ledger import digest
from target_crm.mapping import TO_BE_CREATED, is_gone
from target_crm.outcome import OVERWRITTEN, Action, Change, Conflict, Conflicted, Outcome, Reject
from target_crm.writing.beside import BesideWriter
from target_crm.writing.conflicts import DONE
from target_crm.writing.finding import Finder
from target_crm.writing.two_ways import TwoWays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.client import Client
    from crm_systems.model import Entity, File
    from target_crm.ledger import Ledger, Written
    from target_crm.mapping import Mapper, Uploads
    from target_crm.writing.beside import RelatedAhead
    from target_crm.writing.finding import Existing


class FileWriter(BesideWriter):
    """Gives records that are there their files. ``owner``: the entity of these records.

    The ledger knows a file by its record and itself, on either side, so that the pipeline that goes the other way knows
    what it made.
    """

    def __init__(self, client: Client, ledger: Ledger, mapper: Mapper, uploads: Uploads, owner: Entity) -> None:
        super().__init__(client, ledger, mapper)
        self._uploads = uploads
        self._owner = owner
        self._finder = Finder(client, owner, mapper.options)
        self._two_ways = TwoWays(client, ledger, mapper.options, mapper.entity.name)

    def in_turn(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """The record whose files they are."""
        return tuple(f"of {value}" for name, value in record.items() if self._mapper.target_of(name) == "id")

    def _known(self, key: str) -> Written | None:
        return self._two_ways.written_of([key]).get(key)

    def _write(self, key: str, record: Mapping[str, Any], ahead: RelatedAhead | None, *, last_chance: bool) -> Outcome:
        if is_gone(record):
            return Outcome(Action.SKIP, key)
        mapped = self._mapper(record, last_chance=last_chance)
        values, crm_id = mapped.values, str(mapped.values.get("id") or "")
        if not crm_id:
            raise Reject("its id is empty")
        file = self._uploads.file(self._owner, mapped.brought, values.get("name"), values.get("media_type"))
        if file is None:
            raise Reject("it brings no file, neither as `content` nor by `path`")
        known, fingerprint = self._known(key), digest([self._mapper.entity.name, crm_id, file.sha256])
        is_echo = known is not None and known.twin is not None and not known.digest
        if is_echo or self._is_done(known, fingerprint):
            return Outcome(Action.UNCHANGED, key, crm_id)
        if self._options.dry_run and crm_id.startswith(TO_BE_CREATED):
            return Outcome(Action.UPDATE, key, crm_id, (Change(CONTENT, None, str(file)),))
        existing = self._finder.get(crm_id)
        if existing is None:
            raise Reject("the CRM shows this user no record with this id")
        return self._give(key, existing, file, known, fingerprint)

    def _give(self, key: str, existing: Existing, file: File, known: Written | None, fingerprint: str) -> Outcome:
        """Gives a record a file, unless it has it.

        Raises:
            Reject: it has another one that must not be lost.
        """
        crm_id, held = existing.crm_id, existing.record[CONTENT]
        if self._is_there(known, existing, file):
            return Outcome(Action.UNCHANGED, key, crm_id)
        if held and self._options.write_mode == "create_only":
            return Outcome(Action.SKIP, key, crm_id)
        holds_one = self._system.holds_one_file(self._owner)
        if held and (known is None or not holds_one) and (same := self._same_file(existing, file)):
            if not self._options.dry_run:
                self._note(key, _known_as(crm_id, same), fingerprint, {CONTENT: (digest(file), digest(held))})
            return Outcome(Action.UNCHANGED, key, crm_id)
        if held and known is None and not holds_one:
            raise Reject("the record has another file, which the CRM might drop for it")
        conflicts = self._conflicts(crm_id, held, file)
        if any(each.done not in OVERWRITTEN for each in conflicts):
            return Outcome(Action.UNCHANGED, key, crm_id, conflicts=conflicts)
        renamed: tuple[Change, ...] = ()
        if not self._options.dry_run:
            if conflicts:
                self._ledger.unreported.add(self._options.stream, key, crm_id, [vars(each) for each in conflicts])
            renamed = self._send(key, existing, file, fingerprint)
        return Outcome(Action.UPDATE, key, crm_id, (Change(CONTENT, None, str(file)),), renamed, conflicts=conflicts)

    def _is_there(self, known: Written | None, existing: Existing, file: File) -> bool:
        """Whether a record has what the ledger says that this file became there."""
        held = existing.record[CONTENT]
        # Ledgers of earlier versions name the record only.
        names = (existing.crm_id, _known_as(existing.crm_id, held))
        return (
            known is not None and known.crm_id in names and known.altered.get(CONTENT) == (digest(file), digest(held))
        )

    def _same_file(self, existing: Existing, file: File) -> str:
        """The id of the file that a record has and that is the same as one that came; empty where none is."""
        for each in self._system.attachments(self._owner, existing.row):
            # One that cannot be read is not known to be the same, so it counts as another.
            with suppress(Rejected, Denied):
                if self._system.read_file(self._client.call, self._owner, each.identifier).sha256 == file.sha256:
                    return each.identifier
        return ""

    def _conflicts(self, crm_id: str, held: str, file: File) -> tuple[Conflict, ...]:
        """That a record has a file which somebody gave it here; none where there is no pipeline the other way.

        Raises:
            Conflicted: the settings say that such a one is rejected.
        """
        if not held or self._two_ways.has_met(_known_as(crm_id, each) for each in held.split()):
            return ()
        conflict = Conflict(CONTENT, "unknown", held, str(file), DONE[self._options.policy_of(CONTENT)])
        if conflict.done == DONE["reject"]:
            raise Conflicted("its file was changed on both sides", crm_id, [conflict])
        return (conflict,)

    def _send(self, key: str, existing: Existing, file: File, fingerprint: str) -> tuple[Change, ...]:
        """Gives a record its file; gives the file's name, sent and stored, where the CRM changed it."""
        row = self._system.update(self._client.call, self._owner, existing.row, {CONTENT: file})
        stored = self._finder.existing(row).record
        held = stored[CONTENT]
        self._note(key, _known_as(existing.crm_id, held), fingerprint, {CONTENT: (digest(file), digest(held))})
        name = self._system.file_fields(self._owner).name
        return () if stored.get(name) in (None, file.name) else (Change(name, file.name, stored[name]),)


def _known_as(record: str, attachment: str) -> str:
    """What the ledger calls the file of a record here, as it calls one that comes from here; of several, the record."""
    return record if " " in attachment else json.dumps([record, attachment])
