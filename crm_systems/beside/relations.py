"""Relations between records that are no fields: how a CRM tells and sets them, and the records that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crm_systems.errors import NotOffered
from crm_systems.model import Entity, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from crm_systems.model import Call

RELATIONS = "_relations"
"""The relations of ``Campaigns`` with ``Contacts`` are the entity ``Campaigns_Contacts_relations``."""

RELATION_KEY = ("source_id", "related_id", "label")
"""The fields that identify a relation."""


@dataclass(frozen=True)
class Relation:
    """One way in which records of two entities may be related."""

    source: str
    related: str
    label: str
    """What the CRM calls it, seen from the source."""
    back: str = ""
    """What it is called seen from the other side; empty where that side does not tell, or tells several."""

    @property
    def name(self) -> str:
        """The name of the entity of these relations."""
        return f"{self.source}_{self.related}{RELATIONS}"


class HasRelations:
    """The part of a CRM that relates records without a field; what is not overridden is not offered."""

    title: ClassVar[str]
    offers_relations: ClassVar[bool] = False

    def relations(self, call: Call, names: Collection[str] = ()) -> list[Relation]:
        """The relations that no field expresses: all of them, or those with these names.

        Raises:
            NotOffered: this server tells none.
        """
        raise NotOffered(f"{self.title} tells no relations but those that are fields")

    def related(self, call: Call, relation: Relation, identifier: str) -> Iterator[str]:
        """The ids of the records that are related to a source.

        Raises:
            Rejected, Denied, ServerFault, ProtocolError: the CRM does not tell.
        """
        raise NotOffered(f"{self.title} tells no relations but those that are fields")

    def is_related(self, call: Call, relation: Relation, source: str, related: str) -> bool:
        """Whether two records are related; asked of the CRM."""
        raise NotOffered(f"{self.title} tells no relations but those that are fields")

    def relate(self, call: Call, relation: Relation, source: str, related: str) -> None:
        """Asks the CRM to relate two records, which it may not have done: see :meth:`is_related`."""
        raise NotOffered(f"{self.title} takes no relations but those that are fields")


def entity_of_relations(name: str, source: Entity, related: str) -> Entity:
    """The entity whose records are the relations of two entities' records."""
    stamp = source.field(source.replication_key or "")
    return Entity(
        name=name,
        label=f"{source.name} and {related}",
        key=RELATION_KEY,
        replication_key=source.replication_key,
        fields=(
            Field("source_id", Kind.REFERENCE, source.name, mandatory=True, refers_to=(source.name,)),
            Field("related_id", Kind.REFERENCE, related, mandatory=True, refers_to=(related,)),
            Field("label", Kind.STRING, "What the CRM calls the relation"),
            Field("source_entity", Kind.STRING, "Entity of source_id", writable=False),
            Field("related_entity", Kind.STRING, "Entity of related_id", writable=False),
            *([Field(stamp.name, stamp.kind, "Last change of the source", writable=False)] if stamp else []),
        ),
        updatable=True,
        deletable=False,
    )
