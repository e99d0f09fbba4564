"""What the streams of one run share: the connection, what failed, what was said already."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm_singer.terminal import Progress
from crm_systems import discovery, open_client
from crm_systems.errors import ConfigError, CrmError, Denied, Unavailable
from crm_systems.model import Shard
from tap_crm.options import DEFAULT_KEYS
from tap_crm.state import ForeignState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from logging import Logger

    from sqlalchemy import Engine

    from crm_systems.client import Client
    from crm_systems.model import Entity
    from tap_crm.deleted import DeletedStream
    from tap_crm.sent_keys import SentKeys

MOST_IN_A_ROW = 5
"""So many failing streams one after the other are not to blame themselves; each costs all the patience."""


class Run:
    """One run of the tap; ``sleep`` is how it waits."""

    def __init__(self, name: str, settings: Mapping[str, Any], logger: Logger, sleep: Callable[[float], None]) -> None:
        self.name = name
        self.settings = settings
        self.failures: list[str] = []
        """Why the run is not complete: one sentence each."""
        self.doubts_zone = False
        """Whether it was said that the time zone cannot be right."""
        self.progress = Progress()
        self.coming: dict[str, Callable[[], object]] = {}
        """By the names of the streams that will be read, in their order, what begins to read them."""
        self.deleted: DeletedStream | None = None
        """Where deletions are told; None: in the streams of the records."""
        self._logger = logger
        self._sleep = sleep
        self._entities: dict[str, Entity] = {}
        self._keys: Engine | None = None
        self._in_a_row = 0
        """How many streams failed one after the other because the server did."""
        self._warned: set[str] = set()

    @property
    def tells_deletions_apart(self) -> bool:
        """Whether deletions leave in a stream of their own."""
        return bool(self.settings["deletion_records"] == "stream" and self.settings["deletions"] != "off")

    @cached_property
    def shard(self) -> Shard | None:
        """The part of the CRM that is read; None: all of it."""
        told = self.settings["shard"]
        return Shard.parse(told) if told else None

    @cached_property
    def client(self) -> Client:
        """The connection to the CRM; whoever carries the run out closes it."""
        return open_client(self.settings, sleep=self._sleep)

    @cached_property
    def place(self) -> str:
        """The CRM, by its system and its address, however that is spelled."""
        return f"{self.client.system.name} {self.client.system.place(self.settings['url'])}"

    def check_origin(self, *places: str | None) -> None:
        """Says where a state of these places is of another address, which may be another CRM; a CRM may move as well.

        Raises:
            ForeignState: it is of another system, whose changes tell nothing of this one's.
        """
        told = {str(each) for each in places if each}
        here = self.client.system.name
        if told and here not in {each.partition(" ")[0] for each in told}:
            raise ForeignState(f"The state was left by a run on {min(told)}", hint="begin without it")
        if told and self.place not in told:
            self.warn_once(
                f"The state was left by a run on {min(told)}, and this is {self.place}. If that is another CRM, begin "
                "without this state: what was changed there before is not read."
            )

    @property
    def compares(self) -> bool:
        """Whether deletions that the CRM does not tell are found by comparison."""
        wanted = self.settings["deletions"]
        return wanted == "compare" or (wanted == "auto" and bool(self.settings["keys_url"]))

    def open_keys(self) -> Engine:
        """The database of the keys that were sent.

        Raises:
            ConfigError: it cannot be opened.
        """
        # It takes a third of a start to load, and most runs have none.
        from tap_crm.sent_keys import open_keys  # noqa: PLC0415

        if self._keys is None:
            self._keys = open_keys(self.settings["keys_url"] or DEFAULT_KEYS)
        return self._keys

    def sent_keys(self, stream: str) -> SentKeys:
        """The keys of a stream's records that were sent.

        Raises:
            ConfigError: their database does not do what it is asked.
        """
        from tap_crm.sent_keys import SentKeys  # noqa: PLC0415 - as above

        keys = self.open_keys()
        system = self.client.system
        account = system.describe_login(self.client.log_in()).lower()
        # Each shard knows, and lists, its own part.
        shard = self.settings["shard"]
        return SentKeys(keys, crm=self.place, account=account, stream=f"{stream} {shard}" if shard else stream)

    def close(self) -> None:
        """Lets go of the CRM and of the database."""
        self.client.close()
        if self._keys is not None:
            self._keys.dispose()

    def stopped_by(self, error: CrmError) -> SystemExit:
        """What ends the program with exit code 1 and one sentence."""
        return SystemExit(f"{self.name}: {self.client.system.title}: {error}")

    def fail(self, stream: str, sentence: str) -> None:
        """Notes that a stream is not complete; the others go on, and the run ends with exit code 1."""
        told = sentence if sentence.startswith(stream) else f"{stream}: {sentence}"
        self.failures.append(told)
        self._logger.error("%s", told)

    def fail_over(self, error: CrmError, stream: str, sentence: str) -> None:
        """Fails a stream over an error.

        Raises:
            SystemExit: the server as a whole is away, the state is that of something else, or the keys that were sent
                cannot be kept, so that no stream could go on.
        """
        if isinstance(error, ForeignState):
            raise self.stopped_by(error) from error
        try:
            discovery.blame(self.client, error)
        except CrmError as wider:
            raise self.stopped_by(error) from wider
        self._in_a_row += isinstance(error, Unavailable)
        if self._in_a_row == MOST_IN_A_ROW:
            raise self.stopped_by(error) from error
        self.fail(stream, sentence)

    def begin_after(self, name: str) -> None:
        """Lets some of the streams that come after one be read along where several requests may run at a time."""
        names = list(self.coming)
        if name in self.coming and self.client.parallel > 1:
            for begin in [self.coming[each] for each in names[names.index(name) + 1 :][: self.client.parallel]]:
                begin()

    def succeed(self) -> None:
        """Notes that the server does hand out what it is asked for."""
        self._in_a_row = 0

    def warn_once(self, sentence: str) -> None:
        """A warning that would be the same for many streams."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._logger.warning("%s", sentence)

    def describe(self, name: str) -> Entity:
        """What the CRM says of an entity; asked for once.

        Raises:
            CrmError: see :func:`~crm_systems.discovery.describe`.
        """
        if name not in self._entities:
            self._entities[name] = discovery.describe(self.client, name)
        return self._entities[name]

    @cached_property
    def _visible(self) -> list[str]:
        """The names of the entities that the user may see; asked for once."""
        return self.client.system.entities(self.client.call)

    def wanted(self) -> list[str]:
        """The names of the entities to discover.

        Raises:
            ConfigError: the setting `entities` names some that the user cannot see.
        """
        there = self._visible
        asked = list(dict.fromkeys(map(str, self.settings["entities"] or there)))
        unknown = [name for name in asked if name not in there]
        if unknown:
            near = [near for name in unknown for near in get_close_matches(name, there, n=2)]
            adding = self.client.system.adds_entities
            raise ConfigError(
                f"`entities` names {', '.join(unknown)}, which the CRM does not show to this user"
                + (f", or only if `{adding}` names it as well" if adding else ""),
                hint=f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(there)}",
            )
        return asked

    def described(self, stream: str = "", *, with_choices: bool = False) -> Iterator[Entity]:
        """The wanted entities, as far as the CRM lets this user see them; the others are named in a warning.

        One that cannot be described, or that `entities` names and the user may not see, fails the stream of its name,
        or ``stream``; so does one whose pick lists cannot be read, where they are what is wanted. The others go on.
        """
        names = self.wanted()
        for name, found in zip(names, self.client.map(self._described_or_why_not, names), strict=True):
            if isinstance(found, CrmError) and not isinstance(found, Denied):
                self.fail_over(found, stream or name, f"{found} So {name} could not be discovered.")
            elif (isinstance(found, CrmError) or not found.readable) and self.settings["entities"]:
                self.fail(stream or name, f"`entities` names {name}, which the CRM does not offer to this user.")
            elif isinstance(found, CrmError) or not found.readable:
                self.warn_once(f"{name} is left out: the CRM does not offer it to this user.")
            else:
                self.succeed()
                self._check_choices(found, stream if with_choices else "")
                yield found

    def _check_choices(self, entity: Entity, stream: str) -> None:
        """Values of pick lists that could not be read are missing in the stream of pick lists; records lack nothing."""
        sentence = f"{entity.lacks_choices} So {entity.name} is described without these values."
        if entity.lacks_choices and stream:
            self.fail(stream, sentence)
        elif entity.lacks_choices:
            self.warn_once(sentence)

    def _described_or_why_not(self, name: str) -> Entity | CrmError:
        try:
            return self.describe(name)
        except CrmError as error:
            return error
