"""Does what a page of the documentation says, as a reader would: writes its files, types its commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMANDS = Path(sys.executable).parent
BLOCK = re.compile(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
SERVER = re.compile(r"> (\S+) &$")
"""A command in the background that writes into a file how it is reached."""
PRINTED = "postgresql://crm:secret@localhost:5432/warehouse"
"""The database as the pages print it."""


def follow(
    page: str,
    folder: Path,
    logins: Mapping[str, Mapping[str, Any]],
    *,
    texts: Mapping[str, str] | None = None,
    installing: bool = False,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Follows ``docs/<page>`` in ``folder``; every command has to succeed.

    Args:
        page: a file, from docs/.
        folder: where its files go.
        logins: by system, the settings that log in where the page says ``https://crm.example.com`` and the like.
        texts: what is printed, and what to write in its place.
        installing: whether what installs something (blocks of ``sh``) is done as well.
        environment: variables beside those that are there.
    """
    commands, printed = ["set -e"], (DOCS / page).read_text("utf-8")
    for instead in (texts or {}).items():
        printed = printed.replace(*instead)
    for kind, title, text in BLOCK.findall(printed):
        if title:
            (folder / title).write_text(_with_login(title, text, logins), "utf-8")
        elif kind == "console":
            for command in COMMAND.findall(text):
                commands += [command, *(f"until [ -s {name} ]; do sleep 0.1; done" for name in SERVER.findall(command))]
        elif kind == "sh" and installing:
            commands.append(text)
    # What goes on in the background ends with the page; with job control, since bash lets it ignore signals else.
    commands = ["set -m", "trap 'jobs -p | xargs --no-run-if-empty kill; wait' EXIT", *commands]
    done = subprocess.run(
        ["bash", "-xc", "\n".join(commands)],
        cwd=folder,
        env={**os.environ, "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout


def _with_login(title: str, text: str, logins: Mapping[str, Mapping[str, Any]]) -> str:
    """A file of the page, with the log-in of a CRM that is there."""
    if not title.endswith(".json"):
        return text
    settings = json.loads(text)
    return json.dumps({**settings, **logins.get(settings.get("system"), {})})
