"""The answers of Egito: JSON, lists of errors, and the bodies of Spring Security OAuth2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulators import exact_json
from crm_simulators.base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.egito.switches import Switches

_HTML_404 = b"<!doctype html><html><head><title>404</title></head><body><h1>Nie znaleziono strony</h1></body></html>"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request."""

    field: str
    code: str
    message: str
    rejected: Any = None

    def shown(self, shape: str) -> str | dict[str, Any]:
        """The problem as an element of ``errors``, whose shape is not documented."""
        if shape == "strings":
            return f"{self.field}: {self.message}"
        if shape == "spring":
            spring = {"field": self.field, "defaultMessage": self.message, "code": self.code}
            return {**spring, "rejectedValue": self.rejected}
        return {"field": self.field, "message": self.message}


class RefusedError(Exception):
    """A request that ends early, with the answer that it gets."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    return Answer(exact_json.dumps(value), status, "application/json;charset=UTF-8", headers or {})


def errors(problems: list[Problem], switches: Switches, status: int | None = None, **more: Any) -> RefusedError:
    """The documented ``{"errors": […]}``, with the status that is not documented."""
    body = {**more, "errors": [problem.shown(switches.error_shape) for problem in problems]}
    return RefusedError(as_json(body, status or switches.error_status))


def oauth_error(status: int, error: str, description: str, **more: str) -> RefusedError:
    """An error as Spring Security OAuth2 writes it; 401 and 403 name the scheme in ``WWW-Authenticate``."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if status in {401, 403}:
        summary = "".join(f', {name}="{value}"' for name, value in more.items())
        headers["WWW-Authenticate"] = (
            f'Bearer realm="oauth2-resource", error="{error}", error_description="{description}"{summary}'
        )
    return RefusedError(as_json({"error": error, "error_description": description, **more}, status, headers))


def not_found(switches: Switches) -> RefusedError:
    """404 for an address that does not exist."""
    if switches.not_found == "json":
        return errors([Problem("", "notFound", "Nie znaleziono")], switches, 404)
    body = _HTML_404 if switches.not_found == "html" else b""
    return RefusedError(Answer(body, 404, "text/html; charset=UTF-8"))


def not_allowed(method: str, *allowed: str) -> RefusedError:
    """405 with the methods that there are."""
    body = {"error": "method_not_allowed", "error_description": f"Request method '{method}' not supported"}
    return RefusedError(as_json(body, 405, {"Allow": ", ".join(allowed)}))
