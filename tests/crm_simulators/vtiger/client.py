"""A minimal client of the web service, for tests of the simulator."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from crm_simulators.vtiger import Switches, VtigerSimulator

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client:
    """Talks to a running simulator; one session at a time."""

    def __init__(self, simulator: VtigerSimulator) -> None:
        self.simulator = simulator
        self.store = simulator.store
        self.url = f"{simulator.url}/webservice.php"
        self.http = requests.Session()
        self.session = ""

    def challenge(self, user: str) -> str:
        """A new token."""
        return str(self.get("getchallenge", username=user)["token"])

    def key(self, user: str, token: str) -> str:
        """The answer to a challenge."""
        secret = str(self.simulator.config_for(user)["access_key"])
        return hashlib.md5((token + secret).encode()).hexdigest()  # noqa: S324 - the protocol says md5

    def log_in(self, user: str) -> str:
        """A new session's name, kept for the calls that follow."""
        answer = self.post("login", username=user, accessKey=self.key(user, self.challenge(user)))
        self.session = str(answer["sessionName"])
        return self.session

    def raw(self, method: str, operation: str, parameters: dict[str, Any]) -> requests.Response:
        """The whole answer to a call."""
        sent = {"operation": operation, "sessionName": self.session}
        sent.update({name: json.dumps(v) if isinstance(v, dict) else str(v) for name, v in parameters.items()})
        if method == "GET":
            return self.http.get(self.url, params=sent, timeout=10)
        return self.http.post(self.url, data=sent, timeout=10)

    def get(self, operation: str, **parameters: Any) -> Any:
        """The result of a GET operation that must succeed."""
        return _result(self.raw("GET", operation, parameters))

    def post(self, operation: str, **parameters: Any) -> Any:
        """The result of a POST operation that must succeed."""
        return _result(self.raw("POST", operation, parameters))

    def error(self, method: str, operation: str, **parameters: Any) -> Any:
        """The code of an operation that must be refused."""
        answer = self.raw(method, operation, parameters)
        body = json.loads(answer.text, strict=False)
        assert answer.status_code == 200
        assert body["success"] is False
        return body["error"]["code"]

    def query(self, text: str) -> Any:
        """The rows of a query that must succeed."""
        return self.get("query", query=text)

    def create(self, module: str, **element: Any) -> Any:
        """The answer to a create that must succeed; the administrator becomes the owner."""
        return self.post("create", elementType=module, element={"assigned_user_id": "19x1", **element})


@contextmanager
def logged_in(flavour: str = "vtiger-8.4", user: str = "admin", rows: int = 300, **switches: Any) -> Iterator[Client]:
    """A simulator that runs, and a client that is logged in there."""
    with VtigerSimulator(rows=rows, flavour=flavour, switches=Switches(**switches)) as simulator:
        client = Client(simulator)
        client.log_in(user)
        yield client


def _result(answer: requests.Response) -> Any:
    assert answer.status_code == 200, answer.text
    body = json.loads(answer.text, strict=False)
    assert body["success"] is True, body
    return body["result"]
