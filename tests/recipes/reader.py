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


def follow(
    page: str,
    folder: Path,
    logins: Mapping[str, Mapping[str, Any]],
    *,
    texts: Mapping[str, str] | None = None,
    installing: bool = False,
    **environment: str,
) -> None:
    """Follows ``docs/<page>`` in ``folder``; every command has to succeed.

    Args:
        page: a file in docs/.
        folder: where its files go.
        logins: by system, the settings that log in where the page says ``https://crm.example.com`` and the like.
        texts: what stands in the page's files, and what to write in its place.
        installing: whether what installs something (blocks of ``sh``) is done as well.
        environment: variables beside those that are there.
    """
    commands = ["set -e"]
    for kind, title, text in BLOCK.findall((DOCS / page).read_text("utf-8")):
        if title:
            for printed, real in (texts or {}).items():
                text = text.replace(printed, real)  # noqa: PLW2901
            (folder / title).write_text(_with_login(title, text, logins), "utf-8")
        elif kind == "console":
            commands += re.findall(r"^\$ (.*)$", text, re.MULTILINE)
        elif kind == "sh" and installing:
            commands.append(text)
    done = subprocess.run(  # noqa: S603 - our own documentation
        ["bash", "-xc", "\n".join(commands)],  # noqa: S607
        cwd=folder,
        env={**os.environ, "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _with_login(title: str, text: str, logins: Mapping[str, Mapping[str, Any]]) -> str:
    """A file of the page, with the log-in of a CRM that is there."""
    if not title.endswith(".json"):
        return text
    settings = json.loads(text)
    return json.dumps({**settings, **logins.get(settings.get("system"), {})})
