"""What calls on simulated servers share, whatever the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_simulators.base import Simulator

Server = TypeVar("Server", bound="Simulator")
Logged = TypeVar("Logged", bound="Caller")


class Caller:
    """A session that is logged in; ``base`` is what each address begins with."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.session = requests.Session()

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self._base + path, timeout=10, **more)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self.expect(status, "GET", path, params=params)

    def expect(self, status: int, method: str, path: str, **more: Any) -> Any:
        reply = self(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None


def fixtures(start: Callable[..., Server], log_in: Callable[[Server], Logged]) -> tuple[Any, Any]:
    """The fixtures ``simulator``, a server with 60 records, and ``http``, a caller that is logged in there."""

    @pytest.fixture
    def simulator() -> Iterator[Server]:
        with start(rows=60) as started:
            yield started

    @pytest.fixture
    def http(simulator: Server) -> Logged:
        return log_in(simulator)

    return simulator, http
