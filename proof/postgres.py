"""A PostgreSQL of the proof's own, thrown away at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "PostgreSQL (not installed here)"


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a server with nothing in it; empty where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not found:
        yield ""
        return
    programs, folder = found[-1].parent, Path(tempfile.mkdtemp())
    # It does not run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    control: list[str | Path] = [*user, programs / "pg_ctl", "--silent", "-D", folder / "data"]
    port = _free_port()
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=localhost -c max_connections=200"
    initialise: list[str | Path] = [*user, programs / "initdb", "-D", folder / "data", "-U", "postgres"]
    try:
        subprocess.run([*initialise, "-A", "trust", "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        subprocess.run([*control, "-o", options, "-l", folder / "log", "-w", "start"], check=True, cwd="/")
        try:
            yield f"postgresql+psycopg://postgres@localhost:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/")
    finally:
        shutil.rmtree(folder)


def fresh_ledger(url: str, name: str) -> str:
    """The address of an empty schema of its own in the server."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'))
        connection.execute(sa.text(f'CREATE SCHEMA "{name}"'))
    engine.dispose()
    return f"{url}?options=-csearch_path%3D{name}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
