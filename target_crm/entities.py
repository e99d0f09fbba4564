"""What a stream may be written to: the CRM's entities, their files, and the relations between them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from crm_systems import discovery
from crm_systems.beside import CONTENT, FILES, RELATIONS, entity_of_files, entity_of_relations
from crm_systems.errors import ConfigError, ProtocolError
from target_crm.mapping import brings_files, with_file_fields

if TYPE_CHECKING:
    from crm_systems.beside import Relation
    from crm_systems.client import Client
    from crm_systems.model import Entity


class Entities:
    """Describes each entity once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Entity] = {}
        self._relations: dict[str, list[Relation]] = {}

    def __call__(self, name: str) -> Entity:
        """What the CRM says of an entity.

        Raises:
            ConfigError: there is none of this name.
            CrmError: nobody can tell.
        """
        if name not in self._known:
            there = self._client.system.entities(self._client.call)
            self._known[name] = self._described(name) if name in there else self._beside(name, there)
        return self._known[name]

    def owner(self, name: str) -> Entity:
        """The entity whose files an entity's records are."""
        return self(name.removesuffix(FILES))

    def relations(self, name: str) -> list[Relation]:
        """The relations that an entity's records are, one for each label.

        Raises:
            NotOffered: the CRM tells none.
        """
        if name not in self._relations:
            self._relations[name] = self._client.system.relations(self._client.call, [name])
        return self._relations[name]

    def _described(self, name: str) -> Entity:
        entity = discovery.describe(self._client, name)
        if entity.lacks_choices:
            # A name that is not among the values would be taken for a value.
            raise ProtocolError(f"{name}: the values of a pick list are not known", hint=entity.lacks_choices)
        return with_file_fields(entity, self._client.system)

    def _beside(self, name: str, there: list[str]) -> Entity:
        owner = name.removesuffix(FILES)
        if owner != name and owner in there:
            if brings_files(self(owner), [CONTENT]):
                return entity_of_files(self(owner))
            raise ConfigError(
                f"The CRM takes no files of {owner}", hint="null for their stream in `streams` leaves them out"
            )
        if name.endswith(RELATIONS) and (found := self.relations(name)):
            return entity_of_relations(name, self(found[0].source), found[0].related)
        near = get_close_matches(name, there, n=2)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        adding = self._client.system.adds_entities
        more = f", and `{adding}` names further ones" if adding else ""
        raise ConfigError(
            f"The CRM shows no entity {name} to this user",
            hint=f"{hint}`streams` says which entity a stream is written to{more}",
        )
