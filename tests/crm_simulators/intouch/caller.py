"""Calls on a simulated InTouch, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from crm_simulators.intouch import InTouchSimulator

Record = dict[str, Any]


class Http:
    """A session that is logged in."""

    def __init__(self, simulator: InTouchSimulator, login: str = "gregor") -> None:
        self.simulator = simulator
        self.session = requests.Session()
        password = simulator.users[login].password
        self.session.auth = (login.encode(), password.encode())  # type: ignore[assignment]  # requests takes bytes as well

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        base = self.simulator.config()["url"] + "/api/"
        return self.session.request(method, base + path, timeout=10, **more)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self.expect(status, "GET", path, params=params)

    def expect(self, status: int, method: str, path: str, **more: Any) -> Any:
        reply = self(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None


def person(number: int = 1, **more: Any) -> Record:
    return {"type": "INDIVIDUAL", "surname": "Čapek", "firstname": "Karel", "comment": f"nr {number}", **more}


def fields(error: Record) -> list[str | None]:
    assert error["ok"] is False
    return [entry.get("field") for entry in error["problems"]]
