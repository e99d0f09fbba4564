"""Who writes the records: several threads that take one after the other, with no pause between batches."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_crm.outcome import Outcome

AHEAD = 4
"""How many records each worker has in hand or waiting, so that a slow one does not stop the others."""


@dataclass(frozen=True)
class _Begun:
    """A record that is being written, or waits for a worker."""

    future: Future[Outcome]
    identifiers: tuple[str, ...]
    settle: Callable[[Outcome], None]


class Workers:
    """Writes records at the same time, but in turn those that may be the same one. Used by the main thread alone.

    What became of them is told in the order in which they came.
    """

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
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
        if self._parallel == 1:
            settle(write())
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="crm")
        # They were begun before it, so that none of them waits for the worker that waits for them.
        before = {self._last[each] for each in identifiers if each in self._last}
        future = self._pool.submit(_after, before, write)
        self._last.update(dict.fromkeys(identifiers, future))
        self._begun.append(_Begun(future, identifiers, settle))
        self._settle(at_most=AHEAD * self._parallel)

    def finish(self) -> None:
        """Returns when all that was begun is done and settled; raises as :meth:`begin`."""
        self._settle(at_most=0)

    def _settle(self, at_most: int) -> None:
        """Settles what is done, and waits for what is one too many."""
        with ExitStack() as failing:
            # Whatever ends this early, a signal as well, leaves no record half written.
            failing.callback(self.stop)
            while self._begun and (len(self._begun) > at_most or self._begun[0].future.done()):
                first = self._begun.popleft()
                outcome = first.future.result()
                for each in first.identifiers:
                    if self._last.get(each) is first.future:
                        del self._last[each]
                first.settle(outcome)
            failing.pop_all()

    def stop(self) -> None:
        """Begins nothing more, and returns when all that was begun is done."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._begun.clear()
        self._last.clear()


def _after(before: set[Future[Any]], write: Callable[[], Outcome]) -> Outcome:
    wait(before)
    return write()
