"""The target in processes of its own, to be killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from crm_systems.client import shared
from tests.target_crm.writing import QuietTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from multiprocessing.process import BaseProcess

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def lines_of(messages: Iterable[Mapping[str, Any]]) -> str:
    """Messages as the target reads them."""
    return "".join(json.dumps(each) + "\n" for each in messages)


def start(config: Mapping[str, Any], messages: Iterable[Mapping[str, Any]], folder: Path) -> BaseProcess:
    """Starts the target in a process that has its modules loaded already; it reads ``input``, writes ``output``."""
    (folder / "input").write_text(lines_of(messages), "utf-8")
    process = _FORKS.Process(target=_work, args=(dict(config), str(folder)))
    process.start()
    return process


def _work(config: dict[str, Any], folder: str) -> None:
    shared.AT_ONCE = -1.0  # As in the tests' own process, so that there are threads.
    output = os.open(Path(folder) / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    with (Path(folder) / "input").open("rb") as source:
        QuietTarget.invoke(config=SimpleNamespace(config=config, parse_env=False), file_input=source)


def command(config: Mapping[str, Any], folder: Path) -> subprocess.Popen[str]:
    """Starts the installed ``target-crm``, which reads from a pipe."""
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return subprocess.Popen(
        [Path(sys.executable).with_name("target-crm"), "--config", folder / "config.json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
    )
