"""Calls on a simulated Egito, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from tests.crm_simulators.calling import Caller

if TYPE_CHECKING:
    from crm_simulators.egito import EgitoSimulator

Record = dict[str, Any]


class Http(Caller):
    """A session that is logged in."""

    def __init__(self, simulator: EgitoSimulator, login: str = "login@firma", **more: str) -> None:
        super().__init__(f"{simulator.url}/services/restapi/json/")
        self.simulator = simulator
        reply = ask_token(simulator, username=login, password=simulator.users[login].password, **more)
        self.session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def post(self, path: str, form: Record, status: int = 200) -> Any:
        return self.expect(status, "POST", path, data=form)


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
