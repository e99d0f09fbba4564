"""A simulator: the HTTP server, a clock that can be moved, faults on demand, a log of what came in."""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self

from crm_simulators.base.exchange import Answer, Call
from crm_simulators.base.faults import AFTERWARDS, INSTEAD, SLOW, Fault
from crm_simulators.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

DRIP_SECONDS = 0.05


class Simulator(ABC):
    """A CRM on a local port; use as a context manager.

    A subclass keeps its records in memory and answers one request at a time (:meth:`answer` runs under ``lock``).
    """

    name: ClassVar[str]
    """The system's name, as in the setting ``system``."""
    flavours: ClassVar[tuple[str, ...]] = ("default",)
    """Variants of the server; the first is the default."""

    def __init__(self, *, rows: int = 100, flavour: str | None = None) -> None:
        self.rows = rows
        self.flavour = flavour or self.flavours[0]
        if self.flavour not in self.flavours:
            msg = f"{self.name} has the flavours {', '.join(self.flavours)}, not {self.flavour}"
            raise ValueError(msg)
        self.clock = Clock()
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.latency = 0.0
        """Seconds that each request takes, spent outside the lock."""
        self.fault: Callable[[Call], Fault | None] = lambda _call: None
        """Decides whether a request goes wrong."""
        self._server: _Server | None = None

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The settings of a tap or target that log in here."""

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Carries a request out."""

    @abstractmethod
    def expire_sessions(self) -> None:
        """Ends every session or token that is out."""

    def tell_deletions(self) -> None:
        """Lets the server tell deletions, where that is for an administrator to say.

        Raises:
            ValueError: it is not.
        """
        msg = f"{self.name} has no switch for deletions"
        raise ValueError(msg)

    @property
    def peak_requests_per_second(self) -> int:
        """The most requests of the call log that came in within any one second of real time."""
        with self.lock:
            times = sorted(call.at for call in self.calls)
        return max((bisect_left(times, at + 1) - first for first, at in enumerate(times)), default=0)

    def is_throttled(self, call: Call, limit: int | None) -> bool:
        """Whether more than ``limit`` requests came in within the second before this one, refused ones included."""
        return limit is not None and sum(call.at - earlier.at < 1 for earlier in self.calls[-limit - 1 :]) > limit

    @property
    def is_up(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def url(self) -> str:
        """The base address, without a path."""
        if self._server is None:
            msg = "the simulator is not started"
            raise RuntimeError(msg)
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self, port: int = 0) -> Self:
        """Listens on ``port`` of the loopback interface (0: any free one)."""
        self._server = _Server(("127.0.0.1", port), self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Closes the port; what is stored stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self if self._server else self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is a fault of the simulator and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._serve()

    def _serve(self) -> None:
        simulator = self.server.simulator
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if simulator.latency:
            time.sleep(simulator.latency)
        with simulator.lock:
            call = self._call(body, len(simulator.calls) + 1)
            simulator.calls.append(call)
            fault = simulator.fault(call)
            answer = self._carry_out(simulator, call, fault)
        if answer is None:
            self._reset()
        elif fault in SLOW:
            self._dawdle(answer, says_something=fault is Fault.DRIP)
        else:
            self._send(answer, truncated=fault is Fault.TRUNCATED)

    def _call(self, body: bytes, number: int) -> Call:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return Call(
            number=number,
            at=time.monotonic(),
            method=str(self.command),
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            form=dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_form else {},
            headers=headers,
            body=body,
        )

    @staticmethod
    def _carry_out(simulator: Simulator, call: Call, fault: Fault | None) -> Answer | None:
        if fault in INSTEAD:
            return INSTEAD[fault]()
        if fault is Fault.EXPIRED_SESSION:
            simulator.expire_sessions()
        answer = simulator.answer(call)
        return AFTERWARDS.get(fault, lambda: answer)()

    def _send(self, answer: Answer, *, truncated: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if truncated:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(answer.body)

    def _dawdle(self, answer: Answer, *, says_something: bool) -> None:
        """Keeps the client waiting until it hangs up; where it says something, that never ends."""
        self.close_connection = True
        if says_something:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body) + 1_000_000))
            self.end_headers()
            self.connection.settimeout(DRIP_SECONDS)
        while True:
            try:
                self.connection.recv(1)
            except TimeoutError:
                self.wfile.write(b" ")
            else:
                return

    def _reset(self) -> None:
        """Hangs up with a TCP reset, as a server that dies does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header Date, by the simulator's clock."""
        return format_datetime(self.server.simulator.clock.now(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library calls it
        """Stays quiet: tests read ``simulator.calls``."""
