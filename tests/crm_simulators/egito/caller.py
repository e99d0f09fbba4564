"""Calls on a simulated Egito, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from crm_simulators.egito import EgitoSimulator

Record = dict[str, Any]


class Http:
    """A session that is logged in."""

    def __init__(self, simulator: EgitoSimulator, login: str = "login@firma", **more: str) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        reply = ask_token(simulator, username=login, password=simulator.users[login].password, **more)
        self.session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.simulator.url}/services/restapi/json/{path}", timeout=10, **more)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        return self.expect(status, "GET", path, params=params)

    def post(self, path: str, form: Record, status: int = 200) -> Any:
        return self.expect(status, "POST", path, data=form)

    def expect(self, status: int, method: str, path: str, **more: Any) -> Any:
        reply = self(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json()


def ask_token(
    simulator: EgitoSimulator, *, place: str = "params", method: str = "POST", **more: Any
) -> requests.Response:
    given = {"grant_type": "password", **simulator.config(), **more}
    kwargs: Record = {place: {name: given[name] for name in given if name not in {"system", "url"}}}
    return requests.request(method, simulator.url + "/oauth/token", timeout=10, **kwargs)


def lead(simulator: EgitoSimulator, **more: Any) -> Record:
    return {"surname": "Żak", "sexId": entry(simulator, "sex", "Kobieta"), **more}


def entry(simulator: EgitoSimulator, kind: str, name: str) -> Any:
    return next(
        row["id"] for row in simulator.records("SelectDictionary") if (row["type"], row["name"]) == (kind, name)
    )


def fields(reply: Record) -> list[str]:
    return [error["field"] for error in reply["errors"]]
