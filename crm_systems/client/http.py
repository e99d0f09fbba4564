"""One exchange over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from crm_systems.client.limits import Limited, whole
from crm_systems.model import Reply

if TYPE_CHECKING:
    from crm_systems.model import Request


class Http:
    """Sends as requests does, with its headers, proxies and certificates, but without its session.

    So nothing is kept of cookies, which would tie the logins of several workers together, no login is taken from an
    address or a netrc file, and no redirect is followed or even looked into, since its address may be broken. It also
    costs half as much. Used by one thread at a time.
    """

    def __init__(self, user_agent: str, timeout: float) -> None:
        self.headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        self.timeout = timeout
        self._adapter = Limited()
        self._surroundings: dict[str, Any] = {}

    def exchange(self, request: Request, address: str) -> Reply:
        """Sends a request to an address and reads all of the answer.

        Raises:
            OSError, HTTPError, UnicodeError: as requests and urllib3 do.
            ProtocolError: the answer is larger than any may be.
        """
        prepared = requests.Request(
            request.method,
            address,
            params=dict(request.query),
            data=None if request.form is None else dict(request.form),
            files={part: (each.name, each.content, each.media_type) for part, each in request.files.items()},
            json=request.json,
            headers={**self.headers, **request.headers},
            auth=_as_it_is,
        ).prepare()
        self._surroundings = self._surroundings or _surroundings(address)
        response = self._adapter.send(prepared, timeout=self.timeout, **self._surroundings)
        headers = {name.lower(): text for name, text in response.headers.items()}
        return Reply(response.status_code, headers, whole(request.about, response))

    def close(self) -> None:
        """Closes what is open."""
        self._adapter.close()


def _surroundings(address: str) -> dict[str, Any]:
    """Proxies and certificates as the environment has them; it does not change, nor does the server."""
    with requests.Session() as session:
        return dict(session.merge_environment_settings(address, {}, stream=True, verify=None, cert=None))


def _as_it_is(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Where a login is said, none is looked for in the address."""
    return prepared
