"""One reading of a stream's records: from when on, where it goes on, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crm_systems.compiled import Record, Rows, column
from crm_systems.errors import ConfigError
from crm_systems.kinds import TEXTS
from crm_systems.model import Kind
from crm_systems.rows import is_identifier, missing_key
from crm_systems.times import instant
from tap_crm.state import READING, ZONE, ForeignState, Incremental, Place, leave_out, zone_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from logging import Logger

    from crm_systems.client import Reading as Coming
    from crm_systems.compiled import Pages
    from crm_systems.kinds import Reader
    from crm_systems.model import Entity, Page, Walk
    from tap_crm.run import Run


@dataclass
class Reading:
    """A reading under way; the CRM is asked for nothing, and the clock not taken, before its first page is fetched."""

    run: Run
    name: str
    """That of the stream."""
    logger: Logger
    replication_key: str
    state: dict[str, Any] | None
    """The stream's part of the state; None where all is read."""
    shard: str | None
    """The part that is read, as the state tells it; None where the records are not divided."""
    may_go_on: bool
    """Whether a run may go on with a reading that was cut off."""
    describe: Callable[[], Entity]
    make_reader: Callable[[], Reader]

    at: float = 0.0
    """When it began, in seconds of the client's clock."""
    entity: Entity | None = None
    """As the system takes it to decode pages at once for the reader."""
    changes: Incremental | None = None
    place: Place | None = None
    """How far it has come; None where a run that is cut off has to begin again."""
    typing: Pages | None = None
    reader: Reader = field(init=False)
    rows: Rows = field(init=False)
    """What types rows for it that came as objects."""
    pages: Coming = field(init=False)

    def __post_init__(self) -> None:
        self.pages = self.run.client.read(self._walks)

    @property
    def goes_on(self) -> bool:
        """Whether it reads only what a run left that was cut off."""
        return bool(self.changes and self.changes.goes_on)

    def again(self) -> None:
        """Reads all from the beginning."""
        self.forget_place()
        self.entity = self.entity and replace(self.entity, left=None)
        self.pages = self.run.client.read(self._walks)
        self.pages.begin()

    def typed(self, records: list[Any], keys: Sequence[str]) -> list[Any]:
        """The records of a page that have these keys, their values as the schema has them."""
        if self.typing and records and isinstance(records[0], Record):
            records = self.typing.typed(records)
            # None of them lacks the CRM's own key; a catalog may choose another one, or a type that it does not fit.
            if tuple(keys) == self.reader.entity.key and self.reader.misfits.keys().isdisjoint(keys):
                return records
        else:
            records = self.rows.typed(records)
        if all(is_identifier(value) for name in keys for value in column(records, name)):
            return records
        return [record for record in records if not missing_key(keys, record)]

    def close(self) -> None:
        """Gives up what was not taken, which would take up room that the other streams need."""
        self.pages.close()

    def _walks(self) -> Iterable[Walk]:
        """What to read."""
        client, system = self.run.client, self.run.client.system
        if self.entity is None:
            self.at, started = client.clock(), client.server_time()
            self.reader = self.make_reader()
            self.rows = Rows(self.reader)
            self.entity, self.typing = system.compiled(self.describe(), self.reader)
            if self.state is not None:
                self._check_key(self.reader.entity)
                self.run.check_origin(self.state.get("crm"))
                self.changes = self._incremental(self.state, started)
                self._find_place(self.state, self.changes)
        return system.walks(client.call, self.entity, self.changes.since if self.changes else None)

    def _check_key(self, entity: Entity) -> None:
        """Makes sure that the field by which changes are told, which a catalog may name, is a time.

        Raises:
            ConfigError: it is none.
        """
        field = entity.field(self.replication_key)
        if field is None or field.kind not in (Kind.DATETIME, Kind.DATE):
            raise ConfigError(
                f"{self.name}: the replication key `{self.replication_key}` is no time",
                hint="let the catalog name the one that discovery did, or set the replication method to FULL_TABLE",
            )

    def _incremental(self, state: dict[str, Any], started: datetime) -> Incremental:
        """A reading of changes that begins when the server's clock is at ``started``.

        Raises:
            StateError: the state cannot be understood, or is that of another shard.
        """
        told = state.get("shard")
        if told not in (None, self.shard):
            raise ForeignState(
                f"The state is that of shard {told} and cannot be used for {self.shard or 'all'}",
                hint="give each shard its own state, and begin without one where the number of shards changes",
            )
        settings, zone = self.run.settings, self.run.client.system.notation.zone
        start = settings["start_date"]
        return Incremental(
            state,
            self.replication_key,
            started=started,
            zone=zone,
            lookback=timedelta(seconds=settings["lookback_seconds"]),
            start=instant(start, zone) if start else None,
        )

    def _find_place(self, state: dict[str, Any], changes: Incremental) -> None:
        """Goes on where a run was cut off that read the same, else begins."""
        if self.may_go_on and not changes.overlap.holds_many:
            self.place = Place(changes.started, changes.since)
        kept = Place.of(state) if self.place else None
        if not kept or kept.began > changes.started:
            return
        again = self._incremental(state, kept.began)
        is_of_another_clock = changes.clock_was_put_back or changes.is_of_another_clock
        if kept.left is None or is_of_another_clock or again.since != kept.since:
            self.logger.info("%s: a run was cut off, and this one cannot go on with it, so it begins anew.", self.name)
            return
        self.logger.info("%s: a run that began at %s was cut off; this one goes on with it.", self.name, kept.began)
        again.goes_on = True
        again.shown.reached, again.shown.newest = kept.reached, kept.newest
        self.at -= (changes.started - kept.began).total_seconds()
        self.place, self.changes = kept, again
        self.entity = self.entity and replace(self.entity, left=kept.left)

    def each_page(self) -> Iterator[Page]:
        """The pages; people on a terminal see how many records came."""
        is_part, read = bool(self.changes and self.changes.since), 0
        for page in self.pages:
            read += len(page.rows)
            announced = None if is_part else self.run.client.system.announced(self.describe())
            self.run.progress.show(self.name, read, announced)
            yield page
            del page

    def keep_place(self, page: Page) -> None:
        """Notes in the state that a page has left."""
        if self.place and self.changes and self.state is not None:
            self.place = self.place.after(page, self.changes.shown)
            self.place.write(self.state)
            if "replication_key_value" not in self.state:
                self.state[ZONE] = self.run.client.system.notation.zone.key
            self._note_origin(self.state)

    def forget_place(self) -> None:
        """Lets the state tell of no reading under way."""
        self.place = None
        if self.state is not None:
            self.state.pop(READING, None)

    def advance(self) -> None:
        """Moves the bookmark, when all has left."""
        if self.changes and self.state is not None:
            self.changes.advance()
            self._note_origin(self.state)

    def _note_origin(self, state: dict[str, Any]) -> None:
        leave_out(state, self._left_out)
        state["crm"] = self.run.place
        if self.shard:
            state["shard"] = self.shard

    @property
    def _left_out(self) -> list[str]:
        """The fields of its records that the catalog does not have."""
        return sorted(self.reader.unknown.keys() - self.run.client.system.withheld)

    def elapsed(self) -> timedelta:
        """How long it has lasted."""
        return timedelta(seconds=self.run.client.clock() - self.at)

    def elapsed_at_page(self) -> timedelta:
        """How long it had lasted when the latest page was fetched."""
        return timedelta(seconds=self.pages.read_at - self.at)

    def warn_of_beginning(self) -> None:
        """Says where it does not begin at the bookmark."""
        changes = self.changes
        if changes and changes.clock_was_put_back:
            self.logger.warning(
                "%s: the bookmark lies ahead of the server's clock (%s): the clock was put back, or the bookmark was "
                "set by hand. Lest anything be lost, all is read again, as far back as `start_date`.",
                self.name,
                changes.started.isoformat(),
            )
        if changes and changes.start_is_in_the_future:
            self.run.warn_once("`start_date` lies in the future: what is changed from now on is read.")

    def warn_of_zone(self) -> None:
        """One warning a run where the stamps of changes cannot be of the zone that is set."""
        lead = self.changes.evidence.lead() if self.changes else None
        if self.changes and lead and not self.run.doubts_zone:
            words = zone_warning(lead, self.run.client.system.notation.timezone, self.changes.started)
            self.run.doubts_zone = bool(words)
            if words:
                self.logger.warning("%s", words)

    def tell_misfits(self) -> bool:
        """One warning for values that did not fit their type and one for fields that the catalog does not have.

        Returns whether some did not because the CRM has another type for their field by now than the catalog. That
        fails the stream, since the next catalog may have room for them.
        """
        if misfits := self.reader.misfits:
            counts = ", ".join(f"{name} ({count})" for name, count in sorted(misfits.items()))
            self.logger.warning(
                "%s: values that do not fit their field's type, or hold half a character: %s", self.name, counts
            )
        if unknown := self._left_out:
            self.logger.warning(
                "%s: fields that discovery did not see are left out: %s. Discover again, without a cached catalog; "
                "all is read again once it has them.",
                self.name,
                ", ".join(unknown),
            )
        outgrown = ", ".join(filter(self._is_outgrown, misfits))
        if outgrown:
            words = "values do not fit the type that the catalog has, and the CRM has another by now"
            self.run.fail(self.name, f"{self.name}: {outgrown}: {words}: discover again, without a cached catalog.")
        return bool(outgrown)

    def _is_outgrown(self, name: str) -> bool:
        then = self.reader.entity.field(name)
        if then is None or then.kind in TEXTS:
            return False
        now = self.run.describe(self.name).field(name)
        return now is not None and now.kind is not then.kind
