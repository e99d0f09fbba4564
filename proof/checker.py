"""The judge: reads a history and says what was lost, doubled, or acknowledged before it was done."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proof.history import Event


@dataclass
class Findings:
    """What is wrong with one history: a sentence each."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """Everything."""
        return [f"{each.name}: {sentence}" for each in fields(self) for sentence in getattr(self, each.name)]


def judge(history: Sequence[Event]) -> Findings:
    """All that is wrong with a history."""
    ends = [event for event in history if event.do == "run" and event.type != "invoke"]
    return Findings(
        lost=[*lost_writes(history), *lost_reads(history), *unrecovered(history)],
        doubled=[*doubled_writes(history), *doubled_reads(history)],
        ahead=[*ahead_writes(history), *ahead_reads(history)],
        tracebacks=[f"{each.who} ended in a traceback" for each in ends if "Traceback" in str(each.value)],
        hangs=[f"{each.who} did not end" for each in ends if each.value == "hang"],
    )


def held(history: Iterable[Event], do: str) -> dict[str, list[Any]]:
    """What the server holds at the end, by key."""
    found: dict[str, list[Any]] = defaultdict(list)
    for event in history:
        if event.type == "holds" and event.do == do:
            found[event.key].append(event.value)
    return found


def promised(history: Iterable[Event]) -> dict[str, Any]:
    """The last value of each key that a state covered, or a run that ended well had been given."""
    given: dict[str, dict[str, Any]] = defaultdict(dict)
    found: dict[str, Any] = {}
    for event in history:
        if event.do == "write" and event.type == "invoke":
            given[event.who][event.key] = event.value
        elif event.do == "write" and event.type == "ok":
            found[event.key] = event.value
        elif event.do == "write" and event.type == "failed":
            # Rejected in words and kept, which is not lost.
            given[event.who].pop(event.key, None)
        elif event.do == "run" and event.type == "ok":
            found.update(given[event.who])
    return found


def lost_writes(history: Sequence[Event]) -> list[str]:
    """Records that were said to be written, and are not there as they were written."""
    there = held(history, "write")
    return [
        f"{key} is to hold {value!r} and holds {there.get(key)}"
        for key, value in promised(history).items()
        if value not in there.get(key, [])
    ]


def doubled_writes(history: Sequence[Event]) -> list[str]:
    """Records that were made twice, or are there twice."""
    made = Counter(event.key for event in history if event.type == "did" and event.do == "create")
    twice = {key: len(values) for key, values in held(history, "write").items() if len(values) > 1}
    return [f"{key} is there {times} times" for key, times in {**_above_one(made), **twice}.items()]


def _above_one(counted: Counter[str]) -> dict[str, int]:
    return {key: times for key, times in counted.items() if times > 1}


def ahead_writes(history: Iterable[Event]) -> list[str]:
    """Records that a state covered before the server held them."""
    once: set[tuple[str, Any]] = set()
    found = []
    for event in history:
        if event.type == "did" and event.do in {"create", "change"}:
            once.add((event.key, event.value))
        elif event.type == "ok" and event.do == "write" and (event.key, event.value) not in once:
            found.append(f"{event.who} said that {event.key} is written before it was")
    return found


def last_read(history: Iterable[Event]) -> dict[str, Any]:
    """What the reader knows in the end, by key; what was told as deleted is not in it."""
    found: dict[str, Any] = {}
    for event in history:
        if event.type == "ok" and event.do == "read":
            found[event.key] = event.value
        elif event.type == "ok" and event.do == "delete":
            found.pop(event.key, None)
    return found


def unread(history: Sequence[Event]) -> list[str]:
    """Records of which the reader does not know what the server holds; empty where no run ended well."""
    runs = [event for event in history if event.do == "run" and event.type == "ok"]
    known = last_read(history)
    return [
        f"{key} holds {values[0]!r} and was read as {known.get(key)!r}"
        for key, values in (held(history, "read").items() if runs else ())
        if key not in known or known[key] != values[0]
    ]


def started_from_state(history: Iterable[Event]) -> bool:
    """Whether the last run went on where a state said."""
    starts = [event.value for event in history if event.do == "run" and event.type == "invoke"]
    return bool(starts) and starts[-1] == "from a state"


def lost_reads(history: Sequence[Event]) -> list[str]:
    """Records that a run which read everything left out."""
    return [] if started_from_state(history) else unread(history)


def ahead_reads(history: Sequence[Event]) -> list[str]:
    """Records that a state covered before they had left, so that the run that went on from it did not bring them."""
    return unread(history) if started_from_state(history) else []


def doubled_reads(history: Iterable[Event]) -> list[str]:
    """Records that one run gave twice though they had not changed."""
    given = Counter((each.who, each.key, str(each.value)) for each in history if (each.type, each.do) == ("ok", "read"))
    return [f"{who} gave {key} {times} times" for (who, key, _value), times in given.items() if times > 1]


def unrecovered(history: Sequence[Event]) -> list[str]:
    """The last run before it is looked what the server holds, which nothing disturbs, has to end well."""
    ends = [event for event in history if event.do == "run" and event.type != "invoke"]
    is_at_peace = any(event.type == "holds" for event in history)
    return [f"{ends[-1].who} still fails: {ends[-1].value}"] if is_at_peace and ends[-1].type != "ok" else []
