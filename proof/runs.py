"""Runs of tap and target in this process, noted in a history."""

from __future__ import annotations

import io
import json
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.running import Run as ReadRun
from tests.running import run as read
from tests.target_crm.writing import record, schema, state
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from proof.history import History
    from tests.contract.subjects import Subject

SECONDS_TO_HANG = 90
"""After so long a run is said not to end; none takes a tenth of it."""


class Hang(BaseException):
    """A run has not ended; no code that catches errors may keep it."""


@dataclass(frozen=True)
class Given:
    """A record of the input: its key, all its values, the text by which its versions are told apart."""

    key: str
    values: Mapping[str, Any]
    text: str


def given(subject: Subject, number: int, text: str = "") -> Given:
    """The n-th new record of a system."""
    text = text or f"version 1 of {number}"
    return Given(f"k{number}", {"key": f"k{number}", **subject.values(number), subject.text: text}, text)


def keys_of(subject: Subject, records: Iterable[Given]) -> dict[str, str]:
    """The key of each match value."""
    return {str(each.values[subject.match]): each.key for each in records}


def messages(subject: Subject, records: Sequence[Given], every: int = 2) -> list[dict[str, Any]]:
    """What comes in: a state after every so many records and at the end says how many came before it."""
    told = [schema(subject.entity, dict.fromkeys(name for each in records for name in each.values), ["key"])]
    for number, each in enumerate(records, 1):
        told.append(record(subject.entity, **each.values))
        if number % every == 0 or number == len(records):
            told.append(state(number))
    return told


class Acknowledged(io.StringIO):
    """Standard output of a target: notes what each state covers at the moment at which it leaves."""

    def __init__(self, history: History, who: str, records: Sequence[Given]) -> None:
        super().__init__()
        self._history, self._who, self._records = history, who, records
        self._covered = 0

    def write(self, text: str) -> int:
        """Takes one line, or a part that is none."""
        for line in filter(str.strip, text.splitlines()):
            self.cover(int(json.loads(line)["at"]))
        return super().write(text)

    def cover(self, count: int) -> None:
        """Notes that the first ``count`` records are acknowledged."""
        for each in self._records[self._covered : count]:
            self._history.note(self._who, "ok", "write", each.key, each.text)
        self._covered = max(self._covered, count)


@contextmanager
def no_hang(history: History, who: str) -> Iterator[None]:
    """Ends what does not end; only in the main thread."""

    def stop(*_of_the_signal: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_HANG)
    try:
        yield
    except Hang:
        history.note(who, "failed", "run", value="hang")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def note_invoked(history: History, who: str, records: Iterable[Given]) -> None:
    """A run begins to write."""
    history.note(who, "invoke", "run")
    for each in records:
        history.note(who, "invoke", "write", each.key, each.text)


def note_end(history: History, who: str, end: str, log: str) -> None:
    """A run has ended by itself."""
    words = f"Traceback: {log[-2000:]}" if "Traceback" in log else end
    history.note(who, "failed" if end else "ok", "run", value=words)


def write_run(
    history: History, who: str, subject: Subject, config: Mapping[str, Any], records: Sequence[Given]
) -> None:
    """Writes the records."""
    note_invoked(history, who, records)
    with no_hang(history, who):
        result = write(config, messages(subject, records), output=Acknowledged(history, who, records))
        note_end(history, who, result.exit, result.log)


def read_run(
    history: History, who: str, subject: Subject, config: Mapping[str, Any], state: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Reads from a state on; gives the last state."""
    history.note(who, "invoke", "run", value="from a state" if state else "")
    told: dict[str, Any] = dict(state or {})
    with no_hang(history, who):
        result = read(config, state=state or None)
        told = note_read(history, who, subject, result) or told
        note_end(history, who, result.exit, result.log)
    return told


def note_read(history: History, who: str, subject: Subject, result: ReadRun) -> dict[str, Any]:
    """Notes the records that a run gave, in their order; gives its last state."""
    last: dict[str, Any] = {}
    for message in result.messages:
        if message["type"] == "STATE":
            last = message["value"]
            history.note(who, "ok", "state")
        elif message["type"] == "RECORD" and message["stream"] == subject.entity:
            row = message["record"]
            do = "delete" if row.get("_sdc_deleted_at") else "read"
            history.note(who, "ok", do, str(row["id"]), str(row.get(subject.text) or ""))
    return last
