"""A PostgreSQL server of the test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Postgres:
    """A running server with the user and the database of the recipe."""

    programs: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://crm:secret@localhost:{self.port}/warehouse"

    def ask(self, query: str, url: str = "") -> list[list[str]]:
        """The rows that a query gives."""
        command: list[str | Path] = [
            self.programs / "psql",
            url or self.url,
            "-v",
            "ON_ERROR_STOP=1",
            "-AtF",
            "\t",
            "-c",
            query,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.split("\n")[:-1]]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Starts a server on a free port, with nothing in it, and throws it away."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    folder = Path(tempfile.mkdtemp())
    # It does not run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    control: list[str | Path] = [*user, programs / "pg_ctl", "--silent", "-D", folder / "data"]
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=localhost"
    try:
        initialise: list[str | Path] = [*user, programs / "initdb", "-D", folder / "data", "-U", "postgres"]
        initialise += ["-A", "trust", "-E", "UTF8"]
        subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd="/")  # noqa: S603
        start = [*control, "-o", options, "-l", folder / "log", "-w", "start"]
        subprocess.run(start, check=True, cwd="/")  # noqa: S603
        try:
            server = Postgres(programs, port)
            administrator = f"postgresql://postgres@localhost:{port}/postgres"
            server.ask("create role crm login password 'secret'", administrator)
            server.ask("create database warehouse owner crm", administrator)
            yield server
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/")  # noqa: S603
    finally:
        shutil.rmtree(folder)
