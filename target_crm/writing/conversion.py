"""Turns records into others, as a lead into a contact, an account and a deal, once each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.errors import OF_ONE_RECORD, ConfigError, OutcomeUnknown
from crm_systems.kinds import TEXTS
from crm_systems.model import Field, Kind
from crm_systems.wire import is_empty
from target_crm.ledger import Written, digest
from target_crm.outcome import Action, Change, NotYet, Outcome, Reject
from target_crm.writing.altered import changes_by_the_crm
from target_crm.writing.creation import ATTEMPTS, without_answer
from target_crm.writing.finding import Finder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from crm_systems.model import Entity
    from crm_systems.system import System
    from target_crm.mapping import Mapped, Mapper
    from target_crm.writing.finding import Existing
    from target_crm.writing.means import Means

CONVERT = "convert"
"""The write mode."""
_SLOW = timedelta(minutes=1)
"""How much earlier than we think a record may be stamped that was made by our request."""


def convertible(system: System, entity: Entity) -> Entity:
    """The entity with a field for each that its records may become: an object of the values of that one.

    Raises:
        ConfigError: its records cannot be converted.
    """
    becomes = system.becomes(entity)
    if not becomes:
        raise ConfigError(
            f"{system.title} does not offer to convert {entity.name}",
            hint="set `write_mode` to something else, or leave the stream out with `streams`",
        )
    return replace(entity, fields=(*entity.fields, *(Field(name, Kind.OBJECT) for name in becomes)))


class Converter:
    """Converts the records of one stream; ``maker`` gives what maps values of an entity that they become."""

    def __init__(self, means: Means, maker: Callable[[str], Mapper]) -> None:
        self._client = means.client
        self._system = means.client.system
        self._ledger = means.ledger
        self._mapper = means.mapper
        self._finder = means.finder
        self._maker = maker
        self._becomes = self._system.becomes(means.mapper.entity)

    def convert(self, key: str, record: Mapping[str, Any], known: Written | None, *, last_chance: bool) -> Outcome:
        """Converts one record. One that was converted before stays as it is.

        Raises:
            Reject: it cannot be converted, or nobody knows whether it was.
        """
        mapped = self._mapper(record, last_chance=last_chance)
        fingerprint = digest([CONVERT, self._mapper.entity.name, mapped.as_given])
        if known and known.digest == fingerprint:
            return Outcome(Action.UNCHANGED, key, known.crm_id)
        crm_id, existing = self._meant(key, mapped, known)
        # An empty object counts as no value, but says that the record's own are enough.
        bare = {self._mapper.target_of(name) for name, value in record.items() if value == {}}
        makers = {name: self._maker(name) for name in self._becomes if mapped.values.get(name) or name in bare}
        if not makers:
            raise Reject(f"it does not say what it becomes: {', '.join(self._becomes)}")
        made = {
            name: self._values(name, mapper, mapped.values[name] or {}, existing, makers, last_chance=last_chance)
            for name, mapper in makers.items()
        }
        self._note_what_is_left_out(mapped)
        changes = tuple(Change(name, None, values) for name, values in made.items())
        if self._mapper.options.dry_run:
            action = Action.CONVERT if existing else Action.SKIP
            return Outcome(action, key, crm_id, changes if existing else ())
        entities = {name: (mapper.entity, made[name]) for name, mapper in makers.items()}
        became = self._convert(crm_id, existing, mapped.values, entities)
        self._ledger.note(self._mapper.options.stream, key, Written(self._mapper.entity.name, crm_id, fingerprint, {}))
        if became is None:
            return Outcome(Action.UNCHANGED, key, crm_id)
        altered = [each for name in became for each in self._altered(makers[name], became[name], made[name])]
        return Outcome(Action.CONVERT, key, crm_id, changes, tuple(altered))

    def _altered(self, mapper: Mapper, crm_id: str, sent: Mapping[str, Any]) -> list[Change]:
        """What of one that was made is stored otherwise than it was sent; nothing where the CRM does not show it."""
        with suppress(*OF_ONE_RECORD):
            if sent and (made := Finder(self._client, mapper.entity, mapper.options).get(crm_id)):
                found = changes_by_the_crm(mapper, sent, made.record)
                return [Change(f"{mapper.entity.name}.{each.field}", each.before, each.after) for each in found]
        return []

    def _meant(self, key: str, mapped: Mapped, known: Written | None) -> tuple[str, Existing | None]:
        """The id of the record that is meant, and the record, which is not shown if it was converted before."""
        options, entity = self._mapper.options, self._mapper.entity
        if options.match_fields:
            existing = self._finder.match({name: mapped.values.get(name) for name in options.match_fields})
            if existing:
                return existing.crm_id, existing
        ids = [key] if options.identify_by == "id" else [known.crm_id] if known else []
        if options.identify_by == "ledger":
            ids = ids or self._ledger.pointed_to.ids_of([entity.name], key)
        if len(ids) != 1:
            raise Reject("the CRM does not show the record that is to be converted; it may have been converted before")
        return ids[0], self._finder.get(ids[0])

    def _note_what_is_left_out(self, mapped: Mapped) -> None:
        fields, match = self._mapper.fields, self._mapper.options.match_fields
        used = {*self._becomes, *match, *(name for name in fields if fields[name].kind is Kind.OWNER)}
        left_out = sorted(mapped.values.keys() - used)
        if left_out:
            self._mapper.note(f"a conversion does not change the record, so these are left out: {', '.join(left_out)}")

    def _values(
        self,
        name: str,
        mapper: Mapper,
        given: Mapping[str, Any],
        existing: Existing | None,
        beside: Collection[str],
        *,
        last_chance: bool,
    ) -> dict[str, Any]:
        """The typed values of one that is to be made.

        What is mandatory must be given, be in the record, or be a reference to what is made ``beside``.
        """
        unknown = [each for each in given if mapper.fields.get(each) is None]
        if unknown:
            raise Reject(f"its {name} has {', '.join(unknown)}, which {name} does not have")
        mapped = mapper(given, last_chance=last_chance)
        if mapped.open_links:
            raise NotYet(f"its {name} points to a record that has not been written yet")
        values = {each: value for each, value in mapped.values.items() if not is_empty(value)}
        now = existing.record if existing else {}
        there = {each for each, value in now.items() if not is_empty(value)}
        there |= {each.name for each in mapper.entity.fields if each.kind is Kind.OWNER}
        there |= {each.name for each in mapper.entity.fields if set(beside).intersection(each.refers_to) - {name}}
        lacking = mapper.mandatory.missing({*values, *there}) if existing else []
        if lacking:
            raise Reject(f"its {name} has no {', '.join(lacking)}, which the CRM needs and would make up")
        return values

    def _convert(
        self,
        crm_id: str,
        existing: Existing | None,
        values: Mapping[str, Any],
        made: Mapping[str, tuple[Entity, Mapping[str, Any]]],
    ) -> dict[str, str] | None:
        """The ids of what it became, as far as the CRM told; None: it was converted before.

        A lost answer is settled by looking.
        """
        entity, current = self._mapper.entity, existing.row if existing else None
        for attempt in range(ATTEMPTS):
            began = self._client.server_time() - _SLOW
            try:
                became = self._system.convert(self._client.call, entity, crm_id, current, values, made)
            except OutcomeUnknown as error:
                lost = error
            else:
                return {} if became is None and attempt else became
            self._client.sleep(self._mapper.options.settle_seconds)
            if existing and self._finder.get(crm_id) is None:
                return {}
            if existing:
                self._stop_if_half_done(existing, made, began)
            if lost.refusal:
                raise lost.refusal
        raise without_answer(f"{entity.name}: convert", lost)

    def _stop_if_half_done(
        self, existing: Existing, made: Mapping[str, tuple[Entity, Mapping[str, Any]]], began: datetime
    ) -> None:
        """Makes sure that a conversion that was not finished has made nothing, since it would be made twice.

        Raises:
            Reject: it may have.
        """
        for name, (entity, values) in made.items():
            texts = {each.name for each in entity.fields if each.kind in TEXTS and each.mandatory}
            match = {each: values.get(each) or existing.record.get(each) for each in texts}
            match = {each: value for each, value in match.items() if not is_empty(value)}
            finder = Finder(self._client, entity, self._mapper.options)
            found = (
                [finder.existing(row) for row in self._system.find(self._client.call, entity, match)] if match else []
            )
            new = [each for each in found if _is_since(each.record.get(entity.creation_key or ""), began)]
            if new or not match:
                ids = ", ".join(each.crm_id for each in new) or f"something in {name}"
                raise Reject(
                    f"the answer to its conversion was lost, it is not converted, and whether that made {ids} cannot "
                    "be told; finish or undo it in the CRM, and run again"
                )


def _is_since(made: Any, began: datetime) -> bool:
    """Whether something was made since; what does not tell may have been."""
    return made is None or datetime.fromisoformat(str(made)) >= began
