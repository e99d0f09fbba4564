"""From an incoming record to the values of a CRM's entity: names, types, owners and references."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT
from crm_systems.model import Kind
from crm_systems.wire import is_empty, is_listed, meant, spelled, typed
from target_crm.mapping.deleted import is_singers
from target_crm.mapping.keys import fitting
from target_crm.mapping.mandatory import Mandatory
from target_crm.mapping.mapped import NOTHING, Mapped
from target_crm.mapping.plain import AsTheyCome, Place, as_it_comes, is_plain_text
from target_crm.outcome import NotYet, Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crm_systems.kinds import Notation
    from crm_systems.model import Entity, Field
    from target_crm.mapping.owners import Owners
    from target_crm.mapping.references import References
    from target_crm.mapping.uploads import Uploads
    from target_crm.options import StreamOptions

_NOT_SIMPLE = frozenset({Kind.OWNER, Kind.CONTENT})
"""Kinds of fields whose values are never typed as they come, not even null."""


def _is_simple(reference: Any) -> bool:
    """Whether a reference names one record in a way that any database can be asked for."""
    is_text = reference.__class__ is str and reference.isascii() and reference.isprintable()
    return bool(reference) and (is_text or reference.__class__ is int)


class Mapper:
    """Maps the records of one stream to one entity."""

    uploads: Uploads | None = None
    """Makes files of what the records bring; None where that is not for this mapper to do."""

    def __init__(
        self, entity: Entity, options: StreamOptions, notation: Notation, owners: Owners, references: References
    ) -> None:
        self.entity = entity
        self.options = options
        self._notation = notation
        self.owners = owners
        self.references = references
        self.fields = {each.name: each for each in entity.fields}
        self.mandatory = Mandatory(entity, owners)
        self._quick = cache(lambda name: as_it_comes(self.fields[name]))
        self._places: dict[str, Place] = {}
        """By incoming field."""
        self._at_once = AsTheyCome({})
        self._inner = cache(self._mapper_of_items)
        self.notes: list[str] = []
        """What to tell of the records mapped so far; whoever tells it takes it out."""
        self._noted: set[str] = set()

    def kind_of(self, name: str) -> Kind:
        """The kind of a field of the CRM; any where it is none."""
        return self.fields[name].kind if name in self.fields else Kind.ANY

    def note(self, sentence: str) -> None:
        """Says something, once a stream."""
        if sentence not in self._noted:
            self._noted.add(sentence)
            self.notes.append(sentence)

    def __call__(
        self,
        record: Mapping[str, Any],
        *,
        last_chance: bool,
        now: Mapping[str, Any] = NOTHING,
        is_new: bool = False,
        at_hand: bool = False,
    ) -> Mapped:
        """The record in the CRM's terms. ``last_chance``: no more records will come; ``is_new``: it is to be created.

        What stays as it is in the record ``now`` is not looked up: it may be hidden from this user, or gone.

        Raises:
            Reject: values do not fit, or point to nothing; all of them are named.
            NotYet: it points to a record that may still come.
            AsksCrm: the CRM would have to tell what it points to, and nothing but what is ``at_hand`` may.
        """
        quick = self._at_once if self._at_once.met.issuperset(record) else self._learn(record)
        at_once = quick.of(record)
        coming = record if at_once is None else [each for each in quick.others if each in record]
        mapped, faults = Mapped(at_once or {}), list[Reject]()
        values, places = mapped.values, self._places
        for incoming in coming:
            value = record[incoming]
            name, known, is_typed, is_text = places[incoming]
            if known is None:
                continue
            is_usual = is_text and value.__class__ is str and value and value.isascii()
            if is_usual or (is_typed is not None and (value is None or is_typed(value))):
                values[name] = value
            else:
                try:
                    told = self._told_apart(known, record, now) if known.refers_by else known
                    self._map(mapped, told, value, now, last_chance=last_chance, at_hand=at_hand)
                except Reject as error:
                    faults.append(error)
        for name in self.options.match_fields:
            if name in values:
                values[name] = self.trimmed(name, values[name])
        if mapped.brought and self.uploads and not faults:
            self._add_file(self.uploads, mapped, record)
        if faults:
            raise self._fault(faults, record, is_new=is_new)
        return mapped

    def look_ahead(self, records: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
        """Asks the ledger at once for what the references in these ``columns`` of some records point to."""
        places = ((incoming, self._place(incoming).field) for incoming in columns)
        names = [incoming for incoming, known in places if known and self.is_reference(known.name)]
        values = (record.get(name) for record in records for name in names) if names else ()
        self.references.look_ahead(filter(_is_simple, values))

    def _fault(self, faults: list[Reject], record: Mapping[str, Any], *, is_new: bool) -> Reject:
        """All that is wrong with a record, as one."""
        lasting = [str(each) for each in faults if not isinstance(each, NotYet)]
        if not lasting:
            return NotYet("; ".join(map(str, faults)))
        given = {self._places[name].name for name, value in record.items() if not is_empty(value)}
        return Reject("; ".join([*lasting, *(self.mandatory.lacking(given) if is_new else ())]))

    def _learn(self, record: Iterable[str]) -> AsTheyCome:
        """The quick way for the fields of a record, of which some did not come before."""
        self._at_once = quick = AsTheyCome({each: self._place(each) for each in (*self._places, *record)})
        return quick

    def _place(self, incoming: str) -> Place:
        known = self.fields.get(self.target_of(incoming) or "")
        if known is None or not known.writable or is_singers(incoming):
            found = Place()
        else:
            is_simple = not (known.items or known.kind in _NOT_SIMPLE or self.is_reference(known.name))
            is_typed = as_it_comes(known) if is_simple else None
            found = Place(known.name, known, is_typed, is_typed is is_plain_text)
        self._places[incoming] = found
        return found

    def _map(
        self, mapped: Mapped, known: Field, value: Any, now: Mapping[str, Any], *, last_chance: bool, at_hand: bool
    ) -> None:
        """Adds one field.

        Raises:
            Reject, NotYet: its value does not fit, or points to nothing.
        """
        name = known.name
        if known.kind is Kind.OWNER and value.__class__ is str and value in self.owners.met and name not in now:
            mapped.values[name] = self.owners.met[value]
            return
        if known.kind is Kind.CONTENT:
            mapped.brought[name] = value
            return
        if self.is_reference(name) or known.kind is Kind.OWNER:
            value = self._typed(known, value) if known.kind is Kind.LIST else self._meant(known, value)
        if self._stays(known, value, now):
            mapped.values[name] = now[name]
        elif known.kind is Kind.OWNER:
            mapped.values[name] = self.owners.id_of(value)
            if not is_empty(value) and not self.owners.is_known(value):
                self.note(f"{name} names people whom this CRM does not know; `default_owner` takes their place")
        elif self.is_reference(name):
            mapped.otherwise[name] = value
            self._refer(mapped, known, value, last_chance=last_chance, at_hand=at_hand)
        else:
            mapped.values[name] = given = self._typed(known, value)
            if known.choices and not is_listed(known, given):
                self.note(f"{name} comes with values that its list in the CRM does not have; they are sent as they are")
            if known.items and given:
                mapped.otherwise[name] = given
                mapped.values[name] = self._items(known, given, last_chance=last_chance, at_hand=at_hand)

    def _add_file(self, uploads: Uploads, mapped: Mapped, record: Mapping[str, Any]) -> None:
        """Adds the file that a record brings.

        Raises:
            Reject: it cannot be had, or is larger than the CRM takes.
        """
        fields = uploads.fields_of(self.entity)
        incoming = next((each for each in record if self.target_of(each) == fields.media_type), "")
        file = uploads.file(self.entity, mapped.brought, mapped.values.get(fields.name), record.get(incoming))
        if file is None:
            self.note("records that come without a file keep the one that they have")
        else:
            mapped.values[CONTENT] = file
            mapped.otherwise[CONTENT] = file.sha256

    def is_reference(self, name: str) -> bool:
        """Whether a field of the entity points to other records."""
        known = self.fields[name]
        return known.kind is Kind.REFERENCE or bool(known.refers_to)

    def target_of(self, name: str) -> str | None:
        """The field of the entity that an incoming one is written to; None where it is left out."""
        return self.options.fields.get(name, name)

    def incoming(self, record: Mapping[str, Any], name: str) -> Any:
        """The value of a record that is written to a field of the entity; None where it has none."""
        fields = self.options.fields
        if name in record and fields.get(name, name) == name:
            return record[name]
        return next((record[each] for each, target in fields.items() if target == name and each in record), None)

    def trimmed(self, name: str, value: Any) -> Any:
        """A value that identifies a record: blanks around an e-mail are not part of it."""
        is_email = isinstance(value, str) and self.fields[name].kind is Kind.EMAIL
        return value.strip() or None if is_email else value

    def typed(self, name: str, value: Any) -> Any:
        """A value as a typed one; one that does not fit, such as earlier versions may have sent, as it is."""
        if self._quick(name)(value):
            return value
        try:
            return typed(self.fields[name], value, self._notation)
        except ValueError:
            return value

    def _typed(self, known: Field, value: Any) -> Any:
        try:
            return typed(known, value, self._notation)
        except ValueError as error:
            raise Reject(f"its {known.name} {error}") from None

    def _meant(self, known: Field, value: Any) -> Any:
        if value.__class__ is str:
            return value
        with suppress(ValueError):
            meaning = meant(value)
            if is_empty(meaning) or not isinstance(meaning, (list, dict)):
                return meaning
        raise Reject(f"its {known.name} is no {known.kind.value}")

    def _stays(self, known: Field, value: Any, now: Mapping[str, Any]) -> bool:
        """Whether a record has this very value already."""
        if known.name not in now or value != now[known.name]:
            return False
        return known.kind is not Kind.OWNER or not self.owners.replaces(value)

    def _refer(self, mapped: Mapped, known: Field, value: Any, *, last_chance: bool, at_hand: bool) -> None:
        if is_empty(value):
            mapped.values[known.name] = None
        elif isinstance(value, list):
            several = [self._points_to(known, each, last_chance=last_chance, at_hand=at_hand) for each in value]
            mapped.values[known.name] = self._typed(known, several)
        elif any(spelled(value) in (choice.value, choice.label) for choice in known.choices):
            mapped.values[known.name] = self._typed(known, value)
        elif not known.mandatory and self.references.may_come_later:
            found = self.references.id_of(known, value, at_hand=at_hand)
            if found is None:
                mapped.open_links[known.name] = known.refers_to, fitting(spelled(value))
            else:
                mapped.values[known.name] = self._typed(known, found)
        else:
            points_to = self._points_to(known, value, last_chance=last_chance, at_hand=at_hand)
            mapped.values[known.name] = self._typed(known, points_to)

    def _told_apart(self, known: Field, record: Mapping[str, Any], now: Mapping[str, Any]) -> Field:
        """A reference that points only to what another field of the record, or else of the one in the CRM, says."""
        for other, entities in known.refers_by.items():
            given = self.incoming(record, other)
            if found := entities.get(str(now.get(other) if is_empty(given) else given)):
                return replace(known, refers_to=(found,))
        return known

    def _points_to(self, known: Field, value: Any, *, last_chance: bool, at_hand: bool) -> str:
        found = self.references.id_of(known, value, at_hand=at_hand)
        if found is not None:
            return found
        if last_chance:
            raise Reject(
                f"its {known.name} points to a record that the CRM does not show this user, and that no run has written"
            )
        raise NotYet(f"its {known.name} points to a record that has not been written yet")

    def _items(self, known: Field, items: list[Any], *, last_chance: bool, at_hand: bool) -> list[Any]:
        """The objects of a list with their own references resolved."""
        needed = [each.name for each in known.items if each.mandatory]
        if not all(isinstance(item, dict) and all(item.get(name) for name in needed) for item in items):
            raise Reject(f"its {known.name} has an entry without {', '.join(needed)}")
        mapper = self._inner(known.name)
        return [{**item, **mapper(item, last_chance=last_chance, at_hand=at_hand).values} for item in items]

    def _mapper_of_items(self, name: str) -> Mapper:
        """What maps the objects of a list; what is said of the record's own columns is not said of theirs."""
        inner, options = replace(self.entity, fields=self.fields[name].items), replace(self.options, fields={})
        return Mapper(inner, options, self._notation, self.owners, self.references)
