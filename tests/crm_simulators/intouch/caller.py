"""Calls on a simulated InTouch, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.crm_simulators.calling import Caller

if TYPE_CHECKING:
    from crm_simulators.intouch import InTouchSimulator

Record = dict[str, Any]


class Http(Caller):
    """A session that is logged in."""

    def __init__(self, simulator: InTouchSimulator, login: str = "gregor") -> None:
        super().__init__(f"{simulator.config()['url']}/api/")
        self.simulator = simulator
        password = simulator.users[login].password
        self.session.auth = (login.encode(), password.encode())  # type: ignore[assignment]  # requests takes bytes as well


def person(number: int = 1, **more: Any) -> Record:
    return {"type": "INDIVIDUAL", "surname": "Čapek", "firstname": "Karel", "comment": f"nr {number}", **more}


def fields(error: Record) -> list[str | None]:
    assert error["ok"] is False
    return [entry.get("field") for entry in error["problems"]]
