"""What every CRM must tell: the one base class of all systems."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.beside import HasFiles, HasRelations
from crm_systems.errors import NotOffered
from crm_systems.kinds import FREE_TEXTS, Notation
from crm_systems.model import Session, joined
from crm_systems.wire import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from crm_systems.compiled import Pages
    from crm_systems.kinds import Reader
    from crm_systems.model import Abilities, Call, Deletion, Entity, Field, Limits, Reply, Request, Row, Setting, Walk

VERSION = "version"
"""Under this name a session holds the version of the CRM, where it is told."""


class System(HasFiles, HasRelations, ABC):
    """One CRM behind one base address, for one user.

    It turns intentions into requests and answers into meaning and does no input or output of its own: what needs
    several requests gets a ``call``.
    """

    name: ClassVar[str]
    """The value of the setting ``system``."""
    title: ClassVar[str]
    """The product's name, for people."""
    settings: ClassVar[tuple[Setting, ...]]
    """The settings that only this system has."""
    limits: ClassVar[Limits]
    abilities: ClassVar[Abilities]
    interface: ClassVar[str] = ""
    """The path below the CRM's address at which its interface is; a `url` may end with it."""
    adds_entities: ClassVar[str] = ""
    """The setting that names entities which are not offered else."""
    has_picklists: ClassVar[bool] = False
    """Whether its entities describe their pick lists, so that a stream of them is worth while."""
    logs_in_side_by_side: ClassVar[bool] = False
    """Whether :meth:`log_in` may be called by several threads at once."""
    own_notation: ClassVar[Notation] = Notation()
    """How it writes values down; the setting `timezone` may name another zone."""
    withheld: ClassVar[frozenset[str]] = frozenset()
    """Names of fields that are never read nor written, as passwords; answers may hold them all the same."""
    internal_errors: ClassVar[frozenset[str]] = frozenset({"HTTP 500"})
    """Codes of failures that one record may be the reason of, or a database that is away: :attr:`heartbeat` tells."""
    denies_when_away: ClassVar[bool] = False
    """Whether it also denies things while its database goes away: :attr:`heartbeat` tells."""

    deletions_by_stamps: ClassVar[bool] = False
    """Whether deletions are found by stamps of the CRM's wall clock, and not by the server's true clock."""

    reads_by_id: ClassVar[bool] = False
    """Whether :meth:`walks` reads entities whose key is ``id`` by ranges of ids: a shard, or what is left of them."""
    looks_up_many: ClassVar[bool] = False
    """Whether :meth:`find_many` costs less than one look-up after the other."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.options = settings

    @property
    def base_address(self) -> str:
        """The address to which a request's path is appended."""
        address = str(self.options["url"]).rstrip("/")
        return address if address.endswith(self.interface) else address + self.interface

    def place(self, address: str) -> str:
        """The one spelling of a CRM's address, by which the ledger knows it, such as ``crm.example.com/sales``.

        Whether it is asked by http or https, the port that this implies, letter case and a dot at the end of the host,
        slashes at the end and the path of the :attr:`interface` below the CRM's own make no difference.
        """
        host, _, path = re.sub(r"^https?://", "", address.strip(), flags=re.IGNORECASE).partition("/")
        host = re.sub(r"\.?(:80|:443)?$", "", host.lower())
        with suppress(UnicodeError):
            host = host.encode("idna").decode("ascii")
        path = re.sub(r"/+", "/", f"/{path}").rstrip("/")
        return host + path.removesuffix(self.interface).rstrip("/")

    @cached_property
    def notation(self) -> Notation:
        """How this very CRM writes values down."""
        return replace(self.own_notation, timezone=self.options.get("timezone") or self.own_notation.timezone)

    @property
    def page_size(self) -> int:
        """How many rows to ask for at a time."""
        return int(self.options.get("page_size") or self.limits.page_size)

    @property
    @abstractmethod
    def heartbeat(self) -> Request:
        """A cheap read that needs the CRM's database and no record in particular; unsigned.

        It is asked when another request fails: if it fails as well, the server is away and not the request at fault.
        """

    def log_in(self, call: Call) -> Session:
        """Opens a session; where there is none, the heartbeat shows whether the settings are right, and tells the time.

        Raises:
            LogInRefused: the credentials are wrong.
        """
        call(self.sign(self.heartbeat.replace(about="Log-in"), Session()))
        return Session()

    def log_out(self, session: Session) -> Request | None:
        """The request that ends a session, where there is one."""
        return None

    @abstractmethod
    def sign(self, request: Request, session: Session) -> Request:
        """The request with what the session adds."""

    @abstractmethod
    def read(self, request: Request, reply: Reply) -> Any:
        """The meaning of an answer.

        Raises:
            SessionExpired, Denied, Rejected, Unavailable, ProtocolError: as the answer says.
        """

    @abstractmethod
    def entities(self, call: Call) -> list[str]:
        """The names of the entities that this user may see."""

    @abstractmethod
    def describe(self, call: Call, name: str) -> Entity:
        """One entity with its fields.

        Raises:
            Denied: there is no such entity for this user.
        """

    def compiled(self, entity: Entity, reader: Reader) -> tuple[Entity, Pages | None]:
        """The entity as :meth:`walks` takes it to decode pages at once for a reader, and what types their rows.

        A system that cannot gives the entity as it is, and nothing.
        """
        return entity, None

    def recalled(self, entity: Entity) -> Entity | None:
        """What reads an entity of which name, key and kinds of fields are remembered; None: describe it again."""
        return None

    @abstractmethod
    def walks(self, call: Call, entity: Entity, since: datetime | None) -> Iterable[Walk]:
        """How to read every record, or every record changed at or after ``since``."""

    def keys_alone(self, entity: Entity) -> Entity:
        """The entity as :meth:`walks` takes it to give the keys of records, and as little else as it can."""
        return entity

    def ids(self, call: Call, entity: Entity, since: datetime | None) -> Iterator[str]:
        """The ids of the records that :meth:`walks` would give, each as one text."""
        for walk in self.walks(call, self.keys_alone(entity), since):
            for page in walk(call):
                yield from (joined(entity.key, row) for row in page.rows)
                yield from page.unreadable

    def announced(self, entity: Entity) -> int | None:
        """How many records the server said that there are, for people; None where it did not."""
        return None

    def highest(self, call: Call, entity: Entity) -> int | None:
        """The number of the highest id that was given to a record, 0 where there is none.

        None where ids do not grow, or asking would cost as much as reading them all.
        """
        return None

    def deletions(self, call: Call, entity: Entity, since: datetime) -> Iterator[Deletion]:
        """The records deleted at or after ``since``.

        Raises:
            NotOffered: the server cannot tell.
        """
        raise NotOffered(f"{self.title} does not tell which records were deleted")

    def tells_deletions(self, entity: Entity) -> bool:
        """Whether :meth:`deletions` may know something about this entity."""
        return False

    def page_of(self, entity: Entity, identifier: str) -> str:
        """The address of the page on which people see a record; empty where nobody knows it."""
        return ""

    def product(self, session: Session) -> str:
        """The product and, where the login tells it, its version."""
        return f"{self.title} {session.values.get(VERSION, '')}".strip()

    def describe_login(self, session: Session) -> str:
        """Who is logged in, for people."""
        return str(self.options.get("username") or "")

    def owners(self, call: Call) -> dict[str, str]:
        """Every id and name by which a record's owner may be called, with the id; empty where nobody can be listed."""
        return {}

    @abstractmethod
    def get(self, call: Call, entity: Entity, identifier: str) -> Row | None:
        """One record as :meth:`walks` would give it; None where it does not exist, which is certain then."""

    @abstractmethod
    def find(self, call: Call, entity: Entity, match: Mapping[str, Any]) -> list[Row]:
        """The records that may have these typed values; the caller compares them again.

        An empty list is certain: what could not be looked up raises.
        """

    def find_many(self, call: Call, entity: Entity, name: str, values: Sequence[str]) -> list[Row]:
        """The records whose field, or key, ``name`` may have one of these texts; the caller compares them again.

        What is not in the list is certainly not there: what could not be looked up raises.
        """
        raise NotImplementedError

    def remember(self, entity: Entity, row: Row) -> None:
        """Takes note of a record that is there, so that :meth:`find` finds it where it asks what was read once."""

    @abstractmethod
    def create(self, call: Call, entity: Entity, values: Mapping[str, Any]) -> Row:
        """Creates a record from typed values and gives it as the server stored it.

        Raises:
            OutcomeUnknown: nobody knows whether it was created.
        """

    @abstractmethod
    def update(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """Changes only these fields of a record that was just read, and gives it as the server stored it."""

    def delete(self, call: Call, entity: Entity, identifier: str) -> None:
        """Deletes a record.

        Raises:
            NotOffered: the CRM's documents tell of no way to.
            OutcomeUnknown: nobody knows whether it was deleted.
        """
        raise NotOffered(f"{entity.name}: {self.title} documents no deletion")

    def becomes(self, entity: Entity) -> tuple[str, ...]:
        """The names of the entities that :meth:`convert` turns records of this one into; empty: that is not offered."""
        return ()

    def convert(
        self,
        call: Call,
        entity: Entity,
        identifier: str,
        current: Row | None,
        values: Mapping[str, Any],
        made: Mapping[str, tuple[Entity, Mapping[str, Any]]],
    ) -> dict[str, str] | None:
        """Turns a record into others, each of an entity and typed values; it is not shown any more then.

        ``current`` is the record where it is shown, ``values`` are typed ones of its own.
        The ids of what it became, by entity; None: it was converted before.

        Raises:
            NotOffered: there is no such thing.
            OutcomeUnknown: nobody knows whether it was converted.
        """
        raise NotOffered(f"{self.title} does not offer to convert {entity.name}")

    def remarks(self, entity: Entity, values: Mapping[str, Any]) -> Iterable[str]:
        """What a create of these typed values will leave out, in words that hold none of them.

        Raises:
            Rejected: the CRM would make something else of them, or fail.
        """
        return ()

    def encode(self, field: Field, value: Any) -> Any:
        """A typed value as the server takes it."""
        return encode(field.kind, value, self.notation)

    def encoded(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Typed values of an entity's fields as the server takes them, by the names that a write has for them."""
        by_name = entity.by_name
        return {
            (field := by_name[name]).written_as or name: value
            if value.__class__ is str and field.kind in FREE_TEXTS
            else self.encode(field, value)
            for name, value in values.items()
        }
