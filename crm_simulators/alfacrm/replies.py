"""The shapes of answers: envelopes, and the framework's errors."""

from __future__ import annotations

import json
from typing import Any

from crm_simulators.base import Answer

_NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
}


class HttpError(Exception):
    """Ends a request with one of the framework's errors."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def missing_parameters(*names: str) -> HttpError:
    """A query parameter is missing: 400 with the framework's Russian text (seen in two clients)."""
    return HttpError(400, "Отсутствуют обязательные параметры: " + ", ".join(names))


def not_found() -> HttpError:
    """No such address or record; the text is the framework's."""
    return HttpError(404, "Страница не найдена.")


def reply(content: Any, status: int = 200) -> Answer:
    """Any JSON: UTF-8, nothing escaped that need not be, as the framework writes it."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(body, status, "application/json; charset=UTF-8")


def failure(error: HttpError, error_type: str | None) -> Answer:
    """``{"name","message","code","status"}`` (documented), with ``type`` if the switch says so."""
    content = {"name": _NAMES[error.status], "message": error.message, "code": 0, "status": error.status}
    if error_type is not None:
        content["type"] = error_type
    answer = reply(content, error.status)
    headers = {"Allow": "POST"} if error.status == 405 else {}
    return Answer(answer.body, answer.status, answer.content_type, headers)
