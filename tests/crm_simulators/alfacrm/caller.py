"""Calls on a simulated alfaCRM tenant, for its tests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import requests

from crm_simulators.alfacrm import AlfaCrmSimulator, Switches

if TYPE_CHECKING:
    from collections.abc import Iterator

CALM = Switches(requests_per_second=None)
CUSTOMER = {"name": "Тест", "legal_type": 1, "is_study": 1, "branch_ids": [1]}
LESSON = {"lesson_date": "05.07.2027", "time_from": "11:00", "duration": 45, "lesson_type_id": 1, "subject_id": 1}


class Api:
    """Calls with a token."""

    def __init__(self, simulator: AlfaCrmSimulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        config = simulator.config()
        if "app_key" in config:
            self.session.headers["X-APP-KEY"] = config["app_key"]
        self.access = {"email": config["email"], "api_key": config["api_key"]}

    def log_in(self) -> None:
        self.session.headers["X-ALFACRM-TOKEN"] = self.raw("auth/login", self.access).json()["token"]

    def raw(self, path: str, body: Any = None, method: str = "POST", **query: Any) -> requests.Response:
        url = f"{self.simulator.url}/v2api/{path}"
        return self.session.request(method, url, json=body, params=query, timeout=10)

    def call(self, path: str, body: Any = None, **query: Any) -> Any:
        response = self.raw(path, body, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, path: str, body: Any = None, **query: Any) -> list[int]:
        return [item["id"] for item in self.call(path, {"pageSize": 200, **(body or {})}, **query)["items"]]


@contextmanager
def tenant(rows: int = 100, **switches: Any) -> Iterator[Api]:
    with AlfaCrmSimulator(rows=rows, switches=replace(CALM, **switches)) as simulator:
        api = Api(simulator)
        api.log_in()
        yield api
        api.session.close()
