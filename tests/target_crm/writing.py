"""Runs the target: in this process without waiting; and what its tests say of what came out."""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from target_crm.target import CrmTarget
from tests.running import listening

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

OWNER = "19x1"
WRITES = frozenset({"create", "revise", "update", "delete"})


class QuietTarget(CrmTarget):
    """The target, but it never waits."""

    @staticmethod
    def sleep(seconds: float) -> None:
        """Does not."""


@dataclass
class Run:
    """What a run of the target gave."""

    output: str
    log: str
    exit: str = ""
    """The sentence at the end; empty after success."""
    states: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.states = [json.loads(line) for line in self.output.splitlines()]

    @property
    def everything(self) -> str:
        """All that people and programs can see."""
        return f"{self.output}\n{self.log}\n{self.exit}"

    def line(self, stream: str) -> str:
        """What the summary says of a stream."""
        return next(line for line in reversed(self.log.splitlines()) if line.startswith(f"{stream} → "))


def run(
    config: Mapping[str, Any],
    messages: Iterable[Mapping[str, Any] | str],
    *,
    target: type[CrmTarget] = QuietTarget,
    output: io.StringIO | None = None,
) -> Run:
    """Runs the target in this process, as its command does after reading the files; what leaves goes to ``output``."""
    lines = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in messages)
    output = output or io.StringIO()
    signals = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with listening() as heard, redirect_stdout(output):
            target.invoke(config=SimpleNamespace(config=dict(config), parse_env=False), file_input=io.StringIO(lines))
    finally:
        for number, before in signals.items():
            signal.signal(number, before)
    return Run(output.getvalue(), heard.log, heard.exit)


def settings(simulator: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    """Settings that write to a simulator, with a ledger in ``folder``."""
    return {**simulator.config(), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", **more}


def schema(stream: str, fields: Iterable[str], keys: Iterable[str] = ("id",)) -> dict[str, Any]:
    """A SCHEMA message that lets everything through."""
    properties: dict[str, Any] = {name: {} for name in fields}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": list(keys),
    }


def record(stream: str, **values: Any) -> dict[str, Any]:
    """A RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def state(value: Any) -> dict[str, Any]:
    """A STATE message."""
    return {"type": "STATE", "value": {"at": value}}


def pipe(
    stream: str, records: Iterable[Mapping[str, Any]], keys: Iterable[str] = ("id",), *, owner: str | None = OWNER
) -> list[dict[str, Any]]:
    """The messages of one stream; every record gets an owner unless it has one."""
    owned = [{**({"assigned_user_id": owner} if owner else {}), **each} for each in records]
    fields = dict.fromkeys([*keys, *(name for each in owned for name in each)])
    return [schema(stream, fields, keys), *(record(stream, **each) for each in owned)]


def writes(simulator: VtigerSimulator) -> list[tuple[str, dict[str, Any]]]:
    """The operations that change something, with their elements, in the order in which they came in."""
    return [
        (call.form["operation"], json.loads(call.form.get("element") or json.dumps({"id": call.form.get("id")})))
        for call in simulator.calls
        if is_write(call)
    ]


def is_write(call: Call) -> bool:
    """Whether a request changes something."""
    return call.form.get("operation") in WRITES and call.form.get("element") != '{"id": ""}'


def stored(simulator: VtigerSimulator, module: str, **values: Any) -> list[dict[str, Any]]:
    """The live records of a module that hold these values."""
    return [
        each
        for each in simulator.store.records(module)
        if all(each.get(name) == value for name, value in values.items())
    ]


def held(simulator: VtigerSimulator, crm_id: str) -> dict[str, Any]:
    """All that is stored under an id, deleted or not."""
    found = simulator.store.get(crm_id)
    assert found is not None, f"there never was {crm_id}"
    return found


def one(simulator: VtigerSimulator, module: str, **values: Any) -> dict[str, Any]:
    """The only live record of a module that holds these values."""
    found = stored(simulator, module, **values)
    assert len(found) == 1, f"{len(found)} records of {module} have {values}"
    return found[0]
