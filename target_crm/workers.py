"""Who writes the records: several threads that take one after the other, with no pause between batches."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from target_crm.outcome import Outcome


AHEAD = 4
"""How many records each worker has in hand or waiting, so that a slow one does not stop the others."""

UNTOLD = 25
"""How many times as many may be done and not yet told, because one that came before them is slow."""


@dataclass(frozen=True)
class _Begun:
    """A record that is being written or waits for a worker; without a ``future``, something else that has its turn."""

    settle: Callable[[], None]
    future: Future[Outcome] | None = None
    identifiers: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.future is None or self.future.done()


class Workers:
    """Writes records at the same time, but in turn those that may be the same one. Used by the main thread alone.

    What became of them is told in the order in which they came. ``when_idle`` is called whenever nothing is left to do.
    While the CRM ``answers_at_once``, threads would cost more than they bring, and there are none.
    """

    def __init__(
        self,
        parallel: int,
        when_idle: Callable[[], None] = lambda: None,
        answers_at_once: Callable[[], bool] = lambda: False,
    ) -> None:
        self.in_hand = AHEAD * parallel
        """How many records they have in hand or waiting at the most."""
        self._parallel = parallel
        self._when_idle = when_idle
        self._answers_at_once = answers_at_once
        self._counting = threading.Lock()
        self._open = 0
        self._more_comes = False
        self._pool: ThreadPoolExecutor | None = None
        self._begun: deque[_Begun] = deque()
        self._last: dict[str, Future[Outcome]] = {}
        """By identifier, the last of the records that were begun."""

    def is_busy_with(self, identifiers: Iterable[str]) -> bool:
        """Whether a record that may be the same one is being written."""
        return any(each in self._last for each in identifiers)

    def begin(
        self, identifiers: tuple[str, ...], write: Callable[[], Outcome], settle: Callable[[Outcome], None]
    ) -> None:
        """Lets a record be written, and ``settle`` take what became of it, at the latest in :meth:`finish`.

        Raises:
            CrmError, SystemExit: whatever ``write`` or ``settle`` raises for this record or an earlier one.
        """
        if self._parallel == 1 or self._answers_at_once():
            self.finish()
            settle(write())
            return
        with self._counting:
            self._open += 1
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="crm")
        # They were begun before it, so that none of them waits for the worker that waits for them.
        before = {self._last[each] for each in identifiers if each in self._last}
        future = self._pool.submit(self._after, before, write)
        self._last.update(dict.fromkeys(identifiers, future))
        self._begun.append(_Begun(lambda: settle(future.result()), future, identifiers))
        self._settle(at_most=self.in_hand)

    def in_turn(self, settle: Callable[[], None]) -> None:
        """Does what needs no worker when all that was begun before is settled; raises as :meth:`begin`."""
        if self._begun:
            self._begun.append(_Begun(settle))
            self._settle(at_most=self.in_hand)
        else:
            settle()

    @contextmanager
    def more_comes(self) -> Iterator[None]:
        """A context in which more is to be begun soon, so that nobody is idle."""
        self._more_comes = True
        try:
            yield
        finally:
            with self._counting:
                self._more_comes = False
                is_idle = not self._open
        if is_idle:
            self._when_idle()

    def finish(self) -> None:
        """Returns when all that was begun is done and settled; raises as :meth:`begin`."""
        self._settle(at_most=0)

    def _settle(self, at_most: int) -> None:
        """Settles what is done, and waits for what is one too many."""
        if not self._begun:
            return
        with ExitStack() as failing:
            # Whatever ends this early, a signal as well, leaves no record half written.
            failing.callback(self.stop)
            while self._begun and (self._is_much(at_most) or self._begun[0].is_done):
                first = self._begun.popleft()
                first.settle()
                for each in first.identifiers:
                    if self._last.get(each) is first.future:
                        del self._last[each]
            failing.pop_all()

    def _is_much(self, at_most: int) -> bool:
        return self._open > at_most or len(self._begun) > at_most * UNTOLD

    def stop(self) -> None:
        """Begins nothing more, and returns when all that was begun is done."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._begun.clear()
        self._last.clear()
        self._open = 0

    def _after(self, before: set[Future[Any]], write: Callable[[], Outcome]) -> Outcome:
        if before:
            wait(before)
        outcome = write()
        with self._counting:
            self._open -= 1
            is_idle = not (self._open or self._more_comes)
        if is_idle:
            self._when_idle()
        return outcome
