"""How an answer is written: the envelope, and JSON in the two dialects of PHP."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from crm_simulators.base import Answer

if TYPE_CHECKING:
    from crm_simulators.vtiger.failures import Refused
    from crm_simulators.vtiger.flavours import Flavour

HTML = "text/html; charset=UTF-8"
_ESCAPED = re.compile(r"\\(u00[01][0-9a-f]|.)")
_COOKIE = "cbb60dc42660c4cab770ef0f5c02351c8b=1s4tlvmk5ntnrka2k3ud2a04qc; path=/; HttpOnly; SameSite=Strict"


class Envelope:
    """Writes the answers of one flavour."""

    def __init__(self, flavour: Flavour, error_keys: tuple[str, str]) -> None:
        self._flavour = flavour
        self._code, self._message = error_keys

    def success(self, result: Any, more: dict[str, Any] | None = None) -> Answer:
        """``{"success":true,"result":…}``; ``more`` is what coreBOS puts into ``moreinfo``."""
        return self._answer({"success": True, "result": result}, more, cookie=True)

    def failure(self, refused: Refused, *, cookie: bool) -> Answer:
        """``{"success":false,"error":{"message":…,"code":…}}`` with status 200."""
        error = {self._message: refused.message, self._code: refused.code}
        return self._answer({"success": False, "error": error}, None, cookie=cookie)

    def _answer(self, body: dict[str, Any], more: dict[str, Any] | None, *, cookie: bool) -> Answer:
        headers = {}
        if self._flavour.is_corebos:
            body["moreinfo"] = more
            headers = {"Set-Cookie": _COOKIE} if cookie else {}
        return Answer(self._json(body), headers=headers)

    def _json(self, body: dict[str, Any]) -> bytes:
        if self._flavour.escapes:
            return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        if "\\u00" in text:
            text = _ESCAPED.sub(_raw, text)
        return text.encode()


def _raw(match: re.Match[str]) -> str:
    """A control character as it is, which makes the JSON invalid (measured on 8.4.0)."""
    return chr(int(match[1][1:], 16)) if len(match[1]) > 1 else match[0]


def crashed() -> Answer:
    """What PHP answers after an ``Error``."""
    return Answer(b"", 500, HTML)


def restricted() -> Answer:
    """What it answers when a record was given an owner that does not exist."""
    return Answer(b"Sorry! Attempt to access restricted file.", 200, HTML)
