"""Reading walks side by side, a few pages ahead of whoever takes them."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from crm_systems.client.dividing import Begun, Divisions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_systems.model import Call, Page, Walk
    from crm_systems.paging import Divisible

    Step: TypeAlias = Callable[[], Callable[[], None]]
    """Asks the server, which takes time, and gives what then is to be done at once, under the lock."""

PAGES_A_READER = 2
"""How many pages a thread may be ahead of whoever takes them."""
LONGEST_GOODBYE = 1.0
"""Seconds that requests under way get to end when nobody wants them any more."""


class Reading:
    """The pages of some walks, taken by one thread; ``walks`` gives them when the reading begins.

    But for iterating and a :data:`Step`, all is done under the lock of the readers.
    """

    def __init__(self, readers: Readers, walks: Callable[[], Iterable[Walk]]) -> None:
        self._readers = readers
        self._walks = walks
        self._coming: Iterator[Walk] | None = None
        self.read_at = 0.0
        """When the page that was given last had come, in seconds of the client's clock."""
        self.waiting: deque[tuple[Page, float]] = deque()
        self.error: BaseException | None = None
        self._free: deque[Begun] = deque()
        self.running: list[Begun] = []
        self._is_asking, self._has_all = False, False
        """Whether a thread asks for the next walk, and whether there is none."""

    def begin(self) -> None:
        """Lets this reading come first; returns when ``walks`` has been called, and raises what it raised."""
        self._readers.wait_for(self, lambda: self._coming is not None)
        if self._coming is None and self.error:
            self.close()
            raise self.error

    @property
    def has_failed(self) -> bool:
        """Whether it has met an error already, be it that pages wait that came before."""
        return self.error is not None

    def close(self) -> None:
        """Gives up what was not taken."""
        self._readers.drop(self)

    def __iter__(self) -> Iterator[Page]:
        try:
            # Who passes a page on lets go of it: the next one then takes its place in the processor's cache.
            yield from iter(partial(self._readers.next_page, self), None)
            if self.error:
                raise self.error
        finally:
            self.close()

    @property
    def held(self) -> int:
        """How many pages wait or are being read."""
        return len(self.waiting) + len(self.running) + self._is_asking

    @property
    def is_over(self) -> bool:
        """Whether no page follows those that wait."""
        return self.error is not None or (self._has_all and not self._free and not self.running)

    @property
    def has_work(self) -> bool:
        """Whether one more thread could do something."""
        return not self.error and (bool(self._free) or self._may_ask or self._longest is not None)

    def take(self) -> Step | None:
        """What one more thread does; None where there is no work after all, since the others went on meanwhile."""
        if not self._free and self._may_ask:
            self._is_asking = True
            return self._ask
        longest = None if self._free else self._longest
        if longest:
            self._free.append(Begun(longest.divide(), self._readers.call))
        if not self._free:
            return None
        begun = self._free.popleft()
        self.running.append(begun)
        return partial(self._go_on, begun)

    def fail(self, error: BaseException) -> None:
        """Ends over an error; what was read before it is still given."""
        self.error = self.error or error
        self.running, self._is_asking = [], False

    @property
    def _may_ask(self) -> bool:
        return not (self._is_asking or self._has_all)

    @property
    def _longest(self) -> Divisible | None:
        """The walk under way that is worth dividing most."""
        longest = max(self.running, key=lambda each: each.pages_left, default=None)
        return longest.walk if longest and self._readers.may_divide(longest) else None

    def _ask(self) -> Callable[[], None]:
        """Begins, or asks for the next walk."""
        if self._coming is None:
            self._coming = iter(self._walks())
        return partial(self._note_walk, next(self._coming, None))

    def _note_walk(self, walk: Walk | None) -> None:
        self._is_asking, self._has_all = False, walk is None
        if walk is not None:
            self._free.append(Begun(walk, self._readers.call))

    def _go_on(self, begun: Begun) -> Callable[[], None]:
        return partial(self._note_page, begun, next(begun.pages, None))

    def _note_page(self, begun: Begun, page: Page | None) -> None:
        if begun not in self.running:
            return
        self._readers.note(begun, page)
        self.running.remove(begun)
        if page is not None:
            self.waiting.append((page, self._readers.clock()))
            self._free.append(begun)


class Readers:
    """At most ``most`` threads that carry readings on, each begun when there is work for it.

    Where only one may read, or the server answers at once, whoever takes the pages reads them as well: threads
    that wait for each other there cost more CPU than the pages do.

    The reading whose pages are being taken comes first, the others in their order. Not more than ``PAGES_A_READER``
    pages a thread wait or are being read, half of them of readings that are not wanted yet. The threads are daemons:
    one that hangs in a request does not keep the program from ending.
    """

    def __init__(
        self, most: int, call: Call, clock: Callable[[], float], answers_come_at_once: Callable[[], bool]
    ) -> None:
        self.call = call
        self.clock = clock
        self._most = most
        self._answers_come_at_once = answers_come_at_once
        self._lock = threading.Lock()
        # Not a condition: a signal that ends the program while one is waited for would leave its lock in disorder.
        self._has_come: SimpleQueue[None] = SimpleQueue()
        self._has_work = threading.Condition(self._lock)
        self._readings: list[Reading] = []
        self._wanted: Reading | None = None
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_alone = True
        """Whether whoever takes the pages reads them. Only he changes it, so he never waits for threads that do not."""
        self._is_closed = False
        self._divisions = Divisions()

    def read(self, walks: Callable[[], Iterable[Walk]]) -> Reading:
        """A reading, begun by a thread as soon as one is free, or by whoever takes its pages."""
        reading = Reading(self, walks)
        with self._lock:
            self._readings.append(reading)
            self._rouse()
        return reading

    def wait_for(self, reading: Reading, is_there: Callable[[], bool]) -> None:
        """Returns when something is there, or nothing follows; from now on the reading comes first."""
        while True:
            with self._lock:
                self._wanted = reading
                self._is_alone = self._most == 1 or self._answers_come_at_once()
                self._rouse()
                if is_there() or reading.is_over:
                    return
                step = reading.take() if self._is_alone else None
            if step:
                self._do(reading, step)
            else:
                self._has_come.get()

    def next_page(self, reading: Reading) -> Page | None:
        """The next page; None after the last."""
        self.wait_for(reading, lambda: bool(reading.waiting))
        with self._lock:
            page, reading.read_at = reading.waiting.popleft() if reading.waiting else (None, reading.read_at)
            self._rouse()
            return page

    def drop(self, reading: Reading) -> None:
        """Gives a reading up."""
        with self._lock:
            if reading in self._readings:
                self._readings.remove(reading)
            self._rouse()

    def close(self) -> None:
        """Ends all threads: one in the middle of a request soon after, or with the program."""
        with self._lock:
            self._is_closed = True
            self._has_work.notify_all()
        for thread in self._threads:
            thread.join(LONGEST_GOODBYE / len(self._threads))

    def may_divide(self, begun: Begun) -> bool:
        """Whether a walk may be divided for one more thread."""
        return self._divisions.may_divide(begun, self._running)

    def note(self, begun: Begun, page: Page | None) -> None:
        """Takes a page of a walk under way, or its end, into account."""
        self._divisions.note(begun, page, len(self._running))

    @property
    def _running(self) -> list[Begun]:
        return [each for reading in self._readings for each in reading.running]

    def _rouse(self) -> None:
        """Lets one more thread work where there is something to do; it rouses the next."""
        is_full = not self._idle and len(self._threads) == self._most
        if self._is_closed or is_full or self._next() is None:
            return
        if self._idle:
            self._has_work.notify()
        else:
            thread = threading.Thread(target=self._work, name="crm-reader", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _next(self) -> Reading | None:
        """The reading in which a thread may do something now."""
        if self._is_alone:
            return None
        later = sum(each.held for each in self._readings if each is not self._wanted)
        for reading in sorted(self._readings, key=lambda each: each is not self._wanted):
            if reading is self._wanted:
                has_room = reading.held + later < self._most * PAGES_A_READER
            else:
                has_room = later < self._most
            if has_room and reading.has_work:
                return reading
        return None

    def _work(self) -> None:
        while (job := self._job()) is not None:
            self._do(*job)
            self._has_come.put(None)

    def _do(self, reading: Reading, step: Step) -> None:
        try:
            note = step()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the pages are wanted
            note = partial(reading.fail, error)
        with self._lock:
            note()

    def _job(self) -> tuple[Reading, Step] | None:
        """What a thread does next; None where it ends."""
        with self._lock:
            while not self._is_closed:
                reading = self._next()
                step = reading.take() if reading else None
                if reading and step:
                    self._rouse()
                    return reading, step
                self._idle += 1
                self._has_work.wait()
                self._idle -= 1
        return None
