"""A PostgreSQL server of the tests' own."""

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

from tests.recipes.reader import COMMANDS, DOCS, PRINTED

if TYPE_CHECKING:
    from collections.abc import Iterator

# What `make dist` built stands for the package index.
BUILT = {"PIP_FIND_LINKS": f"{DOCS.parent / 'dist'} {os.environ.get('PIP_FIND_LINKS', '')}".strip()}
BUILT["UV_FIND_LINKS"] = str(DOCS.parent / "dist")
QUICKLY = {"PATH": os.pathsep.join([str(Path(__file__).parent / "quickly"), str(COMMANDS), os.environ["PATH"]])}
"""Lets uv stand for pip; the first page is followed with pip itself."""


@dataclass
class Postgres:
    """A running server, with the user and the database that the recipes print."""

    programs: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://crm:secret@localhost:{self.port}/warehouse"

    @property
    def texts(self) -> dict[str, str]:
        """What pages print, and what to write in its place."""
        return {PRINTED.partition(":")[2]: self.url.partition(":")[2]}

    @property
    def environment(self) -> dict[str, str]:
        """Lets PostgreSQL's own commands find the server, as its administrator."""
        return {"PGHOST": "localhost", "PGPORT": str(self.port), "PGUSER": "postgres"}

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
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.split("\n")[:-1]]

    def administer(self, *queries: str) -> None:
        """Does what takes an administrator."""
        for query in queries:
            self.ask(query, f"postgresql://postgres@localhost:{self.port}/postgres")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """Starts a server on a free port, and throws it away."""
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
        subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd="/")
        start = [*control, "-o", options, "-l", folder / "log", "-w", "start"]
        subprocess.run(start, check=True, cwd="/")
        try:
            yield Postgres(programs, port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def server(cluster: Postgres) -> Postgres:
    """A server with nothing in it."""
    cluster.administer("drop database if exists warehouse with (force)", "drop role if exists crm")
    return cluster


@pytest.fixture
def postgres(server: Postgres) -> Postgres:
    """A server with the user and the empty database of the recipes."""
    server.administer("create role crm login password 'secret'", "create database warehouse owner crm")
    return server
