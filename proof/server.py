"""The server's own log: what it made and changed, taken from its tables after each request, whatever it answered."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from crm_simulators.egito import EgitoSimulator
from crm_simulators.intouch import InTouchSimulator
from crm_simulators.vtiger import VtigerSimulator
from tests.contract.subjects import change
from tests.contract.test_lost_answers import creates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.base import Answer, Call, Simulator
    from proof.history import History
    from tests.contract.subjects import Subject

CHANGES = frozenset({"revise", "update", "delete"})
NUMBER = re.compile(r"[0-9]+")
LATE = 0.01
"""Seconds that a server takes for an answer where several workers are to be killed: what answers at once has one."""


def writes(call: Call) -> bool:
    """Whether a request makes, changes or deletes a record, in any of the systems."""
    last = call.path.rpartition("/")[2]
    is_change = call.method in {"PUT", "PATCH", "DELETE"} or last in CHANGES or call.form.get("operation") in CHANGES
    return creates(call) or is_change


def table(crm: Any, entity: str) -> dict[Any, Any]:
    """The rows as the server keeps them, oldest first."""
    name = (
        "_database" if isinstance(crm, InTouchSimulator) else "_store" if isinstance(crm, EgitoSimulator) else "store"
    )
    found: Any = getattr(crm, name).tables[entity]
    rows: dict[Any, Any] = found if isinstance(found, dict) else found.rows
    return rows


def field(row: Any, name: str) -> str:
    """A field of such a row; nothing is an empty text."""
    values = row if isinstance(row, dict) else row.values
    return str(values.get(name) or "")


class Watched:
    """A simulator whose deeds are noted in a history; ours are the records whose match field was in the input.

    ``keys`` gives the key of each match value in the input.
    """

    def __init__(self, crm: Simulator, subject: Subject, history: History, keys: Mapping[str, str]) -> None:
        self.crm = crm
        self.subject = subject
        self.history = history
        self.keys = keys
        self.resent = 0
        """Requests that wrote, and changed nothing that we look at."""
        self._ours: dict[str, str] = {}
        """Keys by the number of their row."""
        self._texts: dict[str, str] = {}
        self._proper = crm.answer
        self._seen = len(self.rows)
        crm.answer = self._answer

    @property
    def rows(self) -> dict[Any, Any]:
        """All rows of the entity."""
        return table(self.crm, self.subject.entity)

    def _answer(self, call: Call) -> Answer:
        answer = self._proper(call)
        if writes(call):
            self.resent += not (self._note_new() + self._note_changed(call))
        return answer

    def _note_new(self) -> int:
        rows = self.rows
        new = [(number, rows[number]) for number in islice(reversed(rows), max(len(rows) - self._seen, 0))]
        self._seen = len(rows)
        for number, row in new:
            key = self.keys.get(field(row, self.subject.match))
            if key is not None:
                self._ours[str(number)] = key
                self._texts[key] = field(row, self.subject.text)
                self.history.note("server", "did", "create", key, self._texts[key], id=str(number))
        return len(new)

    def _note_changed(self, call: Call) -> int:
        """Looks at the rows whose numbers stand in the request."""
        said = f"{call.path} {call.query} {unquote_plus(call.body.decode(errors='replace'))}"
        changed = 0
        for number in {*NUMBER.findall(said)} & self._ours.keys():
            key = self._ours[number]
            row = self.rows.get(number) or self.rows.get(int(number))
            if row is not None and field(row, self.subject.text) != self._texts[key]:
                self._texts[key] = field(row, self.subject.text)
                self.history.note("server", "did", "change", key, self._texts[key], id=number)
                changed += 1
        return changed

    def holds_what_was_written(self) -> None:
        """Notes what the server holds of our records."""
        for number, row in self.rows.items():
            key = self.keys.get(field(row, self.subject.match))
            if key is not None and not getattr(row, "deleted", False):
                self.history.note("server", "holds", "write", key, field(row, self.subject.text), id=str(number))

    def holds_what_is_read(self) -> None:
        """Notes all that the server would show."""
        for number, row in self.rows.items():
            if not getattr(row, "deleted", False):
                self.history.note("server", "holds", "read", self.id_of(number), field(row, self.subject.text))

    def id_of(self, number: Any) -> str:
        """The id that the interface gives a row."""
        crm = self.crm
        return crm.store.id_of(self.subject.entity, number) if isinstance(crm, VtigerSimulator) else str(number)

    def edit(self, number: Any, text: str) -> None:
        """Changes a record as another user would."""
        change(self.crm, self.subject.entity, self.id_of(number), {self.subject.text: text})
        self.history.note("user", "did", "change", self.id_of(number), text)

    def delete(self, number: Any) -> None:
        """Deletes a record as another user would."""
        store: Any = self.crm.store if isinstance(self.crm, VtigerSimulator) else self.crm
        arguments = (self.id_of(number),) if isinstance(self.crm, VtigerSimulator) else (self.subject.entity, number)
        store.delete(*arguments)
        self._seen = len(self.rows)
        self.history.note("user", "did", "delete", self.id_of(number))
