"""The answers of InTouch CRM: JSON, and the standard error body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators import exact_json
from crm_simulators.base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

Problem = dict[str, str]


class RefusedError(Exception):
    """A request that ends with an error status and problems ``[{"level", "message"[, "field"]}]``."""

    def __init__(
        self, status: int, problems: list[Problem] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, problems)
        self.status = status
        self.problems = problems or []
        self.headers = headers or {}

    def answer(self, *, with_body: bool) -> Answer:
        """The error as it goes out; the standard body is documented as usual, not as certain."""
        if not with_body:
            return Answer(b"", self.status, headers=self.headers)
        return as_json({"ok": False, "status": self.status, "problems": self.problems}, self.status, self.headers)


def problem(message: str, field: str = "") -> Problem:
    """One entry of ``problems``; ``field`` is optional there."""
    return {"level": "SEVERE", **({"field": field} if field else {}), "message": message}


def bad_request(message: str, field: str = "") -> RefusedError:
    """A 400 with one problem."""
    return RefusedError(400, [problem(message, field)])


def not_found() -> RefusedError:
    """The 404 for an unknown record."""
    return RefusedError(404, [problem("Záznam nebyl nalezen")])


def not_allowed(*methods: str) -> RefusedError:
    """The 405 for a method that an address does not have."""
    return RefusedError(405, [problem("Method not allowed")], {"Allow": ", ".join(methods)})


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    return Answer(exact_json.dumps(value), status, headers=headers or {})
