"""Many may create at the same time, but nobody while one looks for what became of a create."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gate:
    """Keeps a look from taking another thread's record, which is in the CRM and not yet noted, for the lost one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._one_is_alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Among others; waits while one is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._one_is_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Alone; waits until the others have left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._one_is_alone)
            self._one_is_alone = True
            self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._changed:
                self._one_is_alone = False
                self._changed.notify_all()
