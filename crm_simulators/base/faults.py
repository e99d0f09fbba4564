"""What can go wrong with a request, on demand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from crm_simulators.base.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable


class Fault(Enum):
    """What can go wrong with one request."""

    REFUSED = auto()
    """The connection is reset before anything was done."""
    LOST_ANSWER = auto()
    """The request is carried out, then the connection is reset."""
    ERROR_BEFORE = auto()
    """HTTP 500 with an empty body, nothing was done."""
    ERROR_AFTER = auto()
    """The request is carried out, then HTTP 500 with an empty body."""
    THROTTLED_SECONDS = auto()
    """HTTP 429 with ``Retry-After: 1``, nothing was done."""
    THROTTLED_DATE = auto()
    """HTTP 429 with ``Retry-After`` as an HTTP date, nothing was done."""
    EXPIRED_SESSION = auto()
    """Every session ends just before the request is looked at."""
    HTML = auto()
    """A page of HTML with status 200 instead of an answer, nothing was done."""
    GATEWAY = auto()
    """HTTP 502 with a page of HTML, nothing was done."""
    GATEWAY_AFTER = auto()
    """The request is carried out, then HTTP 504 with a page of HTML."""
    TRUNCATED = auto()
    """The request is carried out, the answer breaks off in the middle."""
    SILENT = auto()
    """The request is carried out, and no answer comes until the client hangs up."""
    DRIP = auto()
    """The request is carried out, and the answer comes byte by byte until the client hangs up."""


SLOW = frozenset({Fault.SILENT, Fault.DRIP})
"""Faults that last as long as the client lets them."""


def _server_error() -> Answer:
    return Answer(b"", 500, "text/html; charset=UTF-8")


def _throttled_until() -> Answer:
    again = datetime.now(timezone.utc) + timedelta(seconds=1)
    return Answer(b"", 429, headers={"Retry-After": format_datetime(again, usegmt=True)})


INSTEAD: dict[Fault | None, Callable[[], Answer | None]] = {
    Fault.REFUSED: lambda: None,
    Fault.ERROR_BEFORE: _server_error,
    Fault.THROTTLED_SECONDS: lambda: Answer(b"", 429, headers={"Retry-After": "1"}),
    Fault.THROTTLED_DATE: _throttled_until,
    Fault.GATEWAY: lambda: Answer(b"<html>Bad Gateway</html>", 502, "text/html"),
    Fault.HTML: lambda: Answer(b"<html><body>Temporarily unavailable</body></html>", 200, "text/html; charset=UTF-8"),
}
"""What is answered where nothing was done; None: the connection is reset."""
AFTERWARDS: dict[Fault | None, Callable[[], Answer | None]] = {
    Fault.LOST_ANSWER: lambda: None,
    Fault.ERROR_AFTER: _server_error,
    Fault.GATEWAY_AFTER: lambda: Answer(b"<html>Gateway Time-out</html>", 504, "text/html"),
}
"""What is answered although the request was carried out."""
