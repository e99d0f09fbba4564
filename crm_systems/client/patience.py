"""How long a server that is away is waited for."""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING

import backoff

from crm_systems.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_PAUSE = 30
"""Seconds between two tries at the most, unless the server asks for more."""
FIRST_CONTACT = 30
"""Seconds at the most for an address at which nobody has answered yet: it may well be a wrong one."""
NOTABLE = 3.0
"""Seconds of waiting from which on people are told."""

logger = logging.getLogger("crm")


class Patience:
    """What all requests of a client share while they wait for the same server."""

    def __init__(self, seconds: float, place: str, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.place = place
        self.clock = clock
        self.sleep = sleep
        self.was_up = False
        """The server has given data before."""
        self.is_lost = False
        """One request has waited in vain, so that no other one waits as long again."""
        self.waited = 0.0
        """How many seconds that one waited."""
        self._seconds = seconds
        self._is_told = False
        self._lock = threading.Lock()

    def seconds_for(self, error: Unavailable) -> float:
        """How long such a fault is waited out."""
        return min(self._seconds, FIRST_CONTACT) if error.nothing_done and not self.was_up else self._seconds

    def tell(self, error: Unavailable) -> None:
        """Says that it is waited, once an outage."""
        with self._lock:
            is_told, self._is_told = self._is_told, True
        if not is_told:
            most = self.seconds_for(error)
            logger.warning("%s: %s Waiting for it, %.0f s at the most (`patience_seconds`).", self.place, error, most)

    def note_answer(self) -> None:
        """The server has answered; says so if it was said that it does not."""
        with self._lock:
            is_told, self._is_told, self.was_up = self._is_told, False, True
            self.is_lost, self.waited = False, 0.0
        if is_told:
            logger.warning("%s answers again; going on.", self.place)


class Wait:
    """The pauses of one request, which grow until the patience is over."""

    def __init__(self, patience: Patience) -> None:
        self.tries_alone = 0
        """How often the request failed while the server answered another one."""
        self._patience = patience
        self._pauses = pauses()
        self._spent = 0.0
        self._since = patience.clock()

    def pause(self, error: Unavailable, *, is_outage: bool) -> None:
        """Returns when the request may be sent again.

        Raises:
            Unavailable: that would take more patience than there is.
        """
        patience = self._patience
        self._spent += patience.clock() - self._since
        left = patience.seconds_for(error) - self._spent
        if left <= 0 or patience.is_lost or (error.retry_after or 0) > left:
            patience.is_lost, patience.waited = True, max(self._spent, patience.waited)
            raise _given_up(error, patience.waited, left)
        # The server's wish counts; but one that says the same again and again is asked less often.
        own = min(next(self._pauses), left) if self._spent or error.retry_after is None else 0.0
        seconds = max(error.retry_after or 0.0, own)
        if is_outage and self._spent + seconds > NOTABLE:
            patience.tell(error)
        logger.info("%s Trying again in %.1f s.", error, seconds)
        patience.sleep(seconds)
        # Counted, not measured, so that the machine's sleep does not use patience up.
        self._spent += seconds
        self._since = patience.clock()


def _given_up(error: Unavailable, spent: float, left: float) -> Unavailable:
    reason = f"Waited {spent:.0f} s for it (`patience_seconds`)"
    if error.retry_after and error.retry_after > left:
        reason = f"It asks to wait {error.retry_after:.0f} s, more than `patience_seconds` allows"
    return Unavailable(error.what, code=error.code, hint=". ".join(filter(None, (error.hint, reason))))


def pauses() -> Iterator[float]:
    """Seconds to wait before each repeat: growing, with jitter so that several processes part."""
    growing = backoff.expo(factor=0.5, max_value=LONGEST_PAUSE)
    next(growing)
    for seconds in growing:
        yield seconds / 2 + random.uniform(0, seconds / 2)
