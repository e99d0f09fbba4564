"""What can be said of a stream before its first record: problems that stop it, and notes on what is left out."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from crm_systems.errors import ConfigError
from target_crm.mapping.deleted import is_singers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_crm.mapping.mapper import Mapper


class Check:
    """Compares the fields of a stream with those of its entity.

    ``columns`` are the incoming fields by name, ``keys`` the names of those that are the stream's key. ``knows_some``:
    earlier runs wrote records of the stream, so that all that come may be known.
    """

    def __init__(
        self, mapper: Mapper, columns: Mapping[str, Any], keys: tuple[str, ...], *, knows_some: bool = False
    ) -> None:
        self._mapper = mapper
        self._entity = mapper.entity
        self._options = mapper.options
        self._columns = columns
        self._keys = keys
        self._knows_some = knows_some
        self._targets = {name: mapper.target_of(name) for name in columns if not is_singers(name)}
        self._given = {target for target in self._targets.values() if target in mapper.fields}
        self._unknown = sorted(
            (name, target)
            for name, target in self._targets.items()
            if target and target not in mapper.fields and name not in keys
        )

    def stop_if_wrong(self) -> None:
        """Stops before the first write.

        Raises:
            ConfigError: there are problems; all are named.
        """
        found = [*self._forbidden(), *self._mapper.owners.check(), *self._problems_of_match(), *self._collisions()]
        found += [
            f"`conflicts` names {name}, which {self._entity.name} does not have"
            for name in self._options.conflicts_of
            if name not in self._mapper.fields
        ]
        if self._options.unknown_fields == "reject":
            found += [self._unknown_field(*each) for each in self._unknown]
        if not self._knows_some and (needed := self._needed()):
            found += [*needed, "where nothing shall be created, set `write_mode` to update_only"]
        if found:
            words = f"The stream {self._options.stream} cannot be written to {self._entity.name}"
            raise ConfigError(words, hint="; ".join(found))

    def notes(self) -> list[str]:
        """What is left out, and what else is worth knowing."""
        found = []
        missing = [name for name in self._options.fields if name not in self._columns]
        if missing:
            found.append(f"fields that `streams` names and the stream does not deliver: {', '.join(missing)}")
        if not self._keys and not self._options.match_fields:
            found.append("the stream has no key: a record that was changed is written as another one")
        if self._unknown and self._options.unknown_fields != "reject":
            names = ", ".join(name for name, _target in self._unknown)
            found.append(f"fields that {self._entity.name} does not have are left out: {names}")
        fields = self._mapper.fields
        left_out = sorted(name for name in self._given - {*self._entity.key} if not fields[name].writable)
        if left_out:
            found.append(f"fields that the CRM sets itself are left out: {', '.join(left_out)}")
        return [*found, *(f"new records are rejected: {each}" for each in self._needed() if self._knows_some)]

    def _forbidden(self) -> Iterator[str]:
        """What neither the source nor the CRM lets this stream do."""
        options, entity = self._options, self._entity
        if options.identify_by == "id" and len(entity.key) <= 1 and len(self._keys) != 1:
            yield f'`identify_by` "id" needs a stream with one key field, and {options.stream} has {len(self._keys)}'
        if not (entity.creatable or entity.updatable):
            why = entity.why_not_creatable or f"the CRM lets this user neither create nor change {entity.name}"
            yield f"{why}; null for {options.stream} in `streams` leaves it out"
        elif not entity.creatable and options.may_create and options.identify_by != "id":
            why = entity.why_not_creatable or f"the CRM does not let this user create {entity.name}"
            yield f"{why}; `write_mode` update_only may do"
        elif not entity.updatable and options.write_mode != "create_only":
            yield f"the CRM does not let this user change {entity.name}; `write_mode` create_only may do"

    def _problems_of_match(self) -> list[str]:
        found = []
        for name in self._options.match_fields:
            if name not in self._mapper.fields:
                found.append(f"`identify_by` names {name}, which {self._entity.name} does not have")
            elif name not in self._given:
                found.append(f"`identify_by` names {name}, which the stream does not deliver")
            elif not self._mapper.fields[name].writable:
                found.append(f"`identify_by` names {name}, which the CRM sets itself")
        return found

    def _collisions(self) -> list[str]:
        sources: dict[str | None, list[str]] = {}
        for name, target in self._targets.items():
            sources.setdefault(target, []).append(name)
        return [
            f"{' and '.join(names)} would all be written to {target}"
            for target, names in sources.items()
            if target in self._given and len(names) > 1
        ]

    def _needed(self) -> list[str]:
        """Fields without which nothing can be created."""
        if not self._options.may_create or self._options.identify_by == "id":
            return []
        missing = self._mapper.mandatory.missing(self._given)
        lists = [name for name in missing if self._mapper.fields[name].items]
        way_out = f": map them to it, or leave {self._options.stream} out by null in `streams`" if lists else ""
        return [
            f"{self._entity.name} needs {name}, which the stream does not deliver"
            f"{way_out if name in lists else self._mapper.mandatory.hint([name])}"
            for name in missing
        ]

    def _unknown_field(self, name: str, target: str) -> str:
        near = get_close_matches(target, list(self._mapper.fields), n=1)
        hint = f"did you mean {near[0]}? M" if near else "M"
        way_out = f"{hint}ap {name} with `streams`, or set `unknown_fields` to drop"
        return f"{self._entity.name} has no field {target}: {way_out}"
