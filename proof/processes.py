"""Tap and target in processes of their own, to be killed: forked with their modules loaded, or as installed."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tap_crm.tap import CrmTap
from target_crm.target import CrmTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
LONGEST_SLEEP = 0.005


def hurry(seconds: float) -> None:
    """Sleeps less than it is asked to, so that a case is short; but lets others work."""
    time.sleep(min(seconds, LONGEST_SLEEP))


class HastyTap(CrmTap):
    """The tap in a hurry."""

    sleep = staticmethod(hurry)


class HastyTarget(CrmTarget):
    """The target in a hurry."""

    sleep = staticmethod(hurry)


class Command:
    """A run of ``tap`` or ``target`` in a folder of its own, with files ``input``, ``output`` and ``log``."""

    def __init__(
        self, what: str, config: Mapping[str, Any], folder: Path, told: str = "", *, installed: bool = False
    ) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(dict(config)), "utf-8")
        (folder / "input").write_text(told, "utf-8")
        (folder / "output").touch()
        self.began = time.monotonic()
        self.seconds = 0.0
        """How long it ran."""
        if installed:
            self._process: Any = _started(what, folder, has_state=bool(told))
        else:
            self._process = _FORKS.Process(target=_work, args=(what, str(folder)))
            self._process.start()
        self.pid = self._process.pid

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None where it does not end in time."""
        if isinstance(self._process, subprocess.Popen):
            try:
                code: int | None = self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
            self.seconds = time.monotonic() - self.began
            return code
        self._process.join(seconds)
        self.seconds = time.monotonic() - self.began
        ended: int | None = self._process.exitcode
        return ended

    @property
    def output(self) -> str:
        """What has left."""
        return (self.folder / "output").read_text("utf-8")

    @property
    def log(self) -> str:
        """What was said to people, the last sentence included."""
        return (self.folder / "log").read_text("utf-8")


def _started(what: str, folder: Path, *, has_state: bool) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [Path(sys.executable).with_name(f"{what}-crm"), "--config", folder / "config.json"]
    if what == "tap" and has_state:
        command += ["--state", folder / "input"]
    with (
        (folder / "input").open() as source,
        (folder / "output").open("w") as output,
        (folder / "log").open("w") as log,
    ):
        return subprocess.Popen(command, stdin=source, stdout=output, stderr=log)


def _work(what: str, folder: str) -> None:
    here = Path(folder)
    os.dup2(os.open(here / "output", os.O_WRONLY | os.O_TRUNC), sys.stdout.fileno())
    os.dup2(os.open(here / "log", os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    config = SimpleNamespace(config=json.loads((here / "config.json").read_text("utf-8")), parse_env=False)
    with (here / "input").open("rb") as source:
        if what == "target":
            HastyTarget.invoke(config=config, file_input=source)
        else:
            HastyTap.invoke(config=config, state=source if (here / "input").stat().st_size else None)
