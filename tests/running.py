"""Runs the tap: in this process without waiting, or as the real command."""

from __future__ import annotations

import io
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from crm_systems import SYSTEMS, open_client
from crm_systems.settings import load
from tap_crm.state import READING, ZONE
from tap_crm.tap import CrmTap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crm_simulators.base import Call
    from crm_systems.client import Client


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A database of SQLite, changed if all goes well, and closed, which Python does not do by itself."""
    with closing(sqlite3.connect(path)) as db, db:
        yield db


class QuietTap(CrmTap):
    """The tap, but it never waits."""

    @staticmethod
    def sleep(_seconds: float) -> None:
        """Returns at once."""


@dataclass
class Run:
    """What a run of the tap gave."""

    output: str
    log: str
    exit: str = ""
    """The sentence at the end; empty after success."""

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """What came out, with exact numbers."""
        return [json.loads(line, parse_float=Decimal) for line in self.output.split("\n") if line]

    @property
    def everything(self) -> str:
        """All that people and programs can see."""
        return f"{self.output}\n{self.log}\n{self.exit}"

    @property
    def words(self) -> str:
        """All that people read: the log and the last sentence."""
        return f"{self.log}\n{self.exit}"

    @property
    def records(self) -> dict[str, list[dict[str, Any]]]:
        """The records by stream, in their order."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                found[message["stream"]].append(message["record"])
        return found

    @property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """The SCHEMA messages by stream."""
        return {message["stream"]: message for message in self.messages if message["type"] == "SCHEMA"}

    @property
    def state(self) -> dict[str, Any]:
        """The last state; empty if there was none."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    def bookmark(self, stream: str) -> dict[str, Any]:
        """What the last state says of a stream, but for how far, and where, a reading has come that is not complete."""
        found: dict[str, Any] = self.state.get("bookmarks", {}).get(stream, {})
        return {name: value for name, value in found.items() if name not in {READING, ZONE, "crm"}}


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


def client_for(config: Mapping[str, Any], **injected: Any) -> Client:
    """A client without a connector, which never waits unless ``sleep`` says how; what is not set has its default."""
    usual, _problems = load(config, (), SYSTEMS)
    return open_client({**usual, **config}, **{"sleep": lambda _seconds: None, **injected})


def operation(call: Call) -> str:
    """What a request asked for."""
    return call.query.get("operation") or call.form["operation"]


@dataclass
class Heard:
    """What a connector said: its log, and the sentence at the end, which is empty after success."""

    log: str = ""
    exit: str = ""


@contextmanager
def listening() -> Iterator[Heard]:
    """A context for a connector that runs in this process; what it said is there after it."""
    heard, log = Heard(), io.StringIO()
    handler, root = logging.StreamHandler(log), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield heard
    except SystemExit as exited:
        heard.exit = str(exited.code)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        heard.log = log.getvalue()


def run(
    config: Mapping[str, Any],
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    tap: type[CrmTap] = QuietTap,
) -> Run:
    """Runs the tap in this process, as its command does after reading the files."""
    opened: list[CrmTap] = []

    class Opened(tap):  # type: ignore[misc, valid-type]  # a class of a variable
        def __init__(self, **arguments: Any) -> None:
            opened.append(self)
            super().__init__(**arguments)

    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with listening() as heard, redirect_stdout(output):
            Opened.invoke(
                config=SimpleNamespace(config=dict(config), parse_env=False),
                catalog=None if catalog is None else io.BytesIO(json.dumps(catalog).encode()),
                state=None if state is None else io.BytesIO(json.dumps(state).encode()),
            )
    finally:
        for each in opened:
            if "run" in vars(each):
                each.run.close()
    output.seek(0)
    return Run(output.read(), heard.log, heard.exit)


def discover(config: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog."""
    tap = QuietTap(config=dict(config), parse_env_config=False)
    try:
        found: dict[str, Any] = json.loads(tap.catalog_json_text)
    finally:
        tap.run.close()
    return found


def only(catalog: Mapping[str, Any], *streams: str, **more: Any) -> dict[str, Any]:
    """The catalog with only these streams selected; ``more`` is added to each of them."""
    chosen: dict[str, Any] = json.loads(json.dumps(catalog))
    for stream in chosen["streams"]:
        selected = stream["tap_stream_id"] in streams
        stream |= {"selected": selected, **more}
        for part in stream["metadata"]:
            if not part["breadcrumb"]:
                part["metadata"]["selected"] = selected
    return chosen


SLOW = 0.01
"""Seconds for an answer, so that a started command reads by several readers: what answers at once is read by one."""


def command(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Starts the installed ``tap-crm``."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("tap-crm"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


def finished(process: subprocess.Popen[str]) -> tuple[Run, int]:
    """What a started command gave, and its exit code."""
    with process:
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return Run(output, errors), process.returncode
