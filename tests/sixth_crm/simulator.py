"""The Sixth CRM's server, as strict as its makers say it is."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from crm_simulators import exact_json
from crm_simulators.base import Answer, Call, Simulator
from crm_simulators.odd_values import SURNAMES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG_AGO = datetime(2025, 1, 1, tzinfo=timezone.utc)
KEY = "sixth-key-5f2c"
WRITABLE = frozenset({"name", "email", "note"})

Row = dict[str, Any]


def _folded(value: Any) -> str:
    """What its database compares: neither case nor the way a letter is composed."""
    return unicodedata.normalize("NFC", str(value)).casefold()


class SixthSimulator(Simulator):
    """People by their number; times are those of the wall, without an offset."""

    name: ClassVar[str] = "sixth"

    def __init__(self, *, rows: int = 100, flavour: str | None = None) -> None:
        super().__init__(rows=rows, flavour=flavour)
        self._people: dict[int, Row] = {}
        self._last = 0
        for number in range(rows):
            name, note = SURNAMES[number % len(SURNAMES)], TEXTS[number % len(TEXTS)]
            stamp = f"{LONG_AGO + timedelta(hours=number):%Y-%m-%d %H:%M:%S}"
            row = self.insert("people", {"name": name, "email": f"p{number}@example.com", "note": note})
            row |= {"created": stamp, "changed": stamp}

    def config(self) -> dict[str, Any]:
        return {"system": self.name, "url": self.url, "api_key": KEY}

    def expire_sessions(self) -> None:
        """There are none."""

    def records(self, _entity: str) -> list[Row]:
        with self.lock:
            return [dict(row) for row in self._people.values()]

    def insert(self, _entity: str, values: Mapping[str, Any]) -> Row:
        with self.lock:
            self._last += 1
            stamps = {"created": self._now(), "changed": self._now()}
            empty = dict.fromkeys(WRITABLE)
            self._people[self._last] = {"id": self._last, **empty, **values, **stamps}
            return self._people[self._last]

    def change(self, _entity: str, number: int, values: Mapping[str, Any]) -> Row:
        with self.lock:
            self._people[number] |= {**values, "changed": self._now()}
            return self._people[number]

    def answer(self, call: Call) -> Answer:
        if call.headers.get("x-key") != KEY:
            return _told({"error": "who are you?"}, 401)
        place = call.path.removeprefix("/api/people").removeprefix("/")
        if (call.method, place) == ("GET", ""):
            return self._list(dict(call.query))
        if (call.method, place) == ("POST", "create"):
            return self._write(0, json.loads(call.body))
        if not place.isdecimal() or int(place) not in self._people:
            return _told({"error": "not found"}, 404)
        if call.method == "PATCH":
            return self._write(int(place), json.loads(call.body))
        return _told((self._people.pop if call.method == "DELETE" else self._people.get)(int(place)))

    def _list(self, query: Row) -> Answer:
        offset, limit, since = int(query.pop("offset", 0)), int(query.pop("limit", 50)), query.pop("since", "")
        wanted = {name: _folded(value) for name, value in query.items()}
        if limit > 50 or not wanted.keys() <= WRITABLE | {"id"}:
            return _told({"error": "not in this API"}, 400)
        rows = [
            row
            for row in self._people.values()
            if row["changed"] >= since and all(_folded(row[name]) == wanted[name] for name in wanted)
        ]
        return _told({"items": rows[offset : offset + limit], "total": len(rows)})

    def _write(self, number: int, values: Any) -> Answer:
        if not isinstance(values, dict) or not values.keys() <= WRITABLE or not (number or values.get("name")):
            return _told({"error": "not a person"}, 400)
        return _told(self.change("people", number, values) if number else self.insert("people", values))

    def _now(self) -> str:
        return f"{self.clock.on_the_wall(timezone.utc):%Y-%m-%d %H:%M:%S}"


def _told(value: Any, status: int = 200) -> Answer:
    return Answer(exact_json.dumps(value), status)
