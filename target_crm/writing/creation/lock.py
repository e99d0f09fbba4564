"""Many may create at the same time, but nobody while one looks for what became of a create."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class CreateLock:
    """Keeps a look from taking another thread's record, which is in the CRM and not yet noted, for the lost one.

    It is itself a context: to create in, among others that do, which waits while one looks.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._creates = 0
        self._one_looks = False

    def __enter__(self) -> None:
        with self._changed:
            while self._one_looks:
                self._changed.wait()
            self._creates += 1

    def __exit__(self, *_exc: object) -> None:
        with self._changed:
            self._creates -= 1
            if self._one_looks:
                self._changed.notify_all()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Alone; waits until all creates are done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._one_looks)
            self._one_looks = True
            self._changed.wait_for(lambda: self._creates == 0)
        try:
            yield
        finally:
            with self._changed:
                self._one_looks = False
                self._changed.notify_all()
