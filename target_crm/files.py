"""The files that a run leaves behind: they hold personal data, and none of them may take the place of another."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MARK = "target-crm report"
"""Stands in each report, so that a later run knows that it may replace it."""
_OLD_MARKS = ('"silent_changes"', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
"""What stands in the JSON and the page of reports from before there was a mark."""
_PRIVATE = 0o600


def written_files(settings: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each file that a run with these settings writes, and the words for it."""
    if settings["rejects_path"]:
        yield Path(settings["rejects_path"]), "the file of `rejects_path`"
    if settings["report_path"]:
        page = Path(settings["report_path"])
        yield page, "the page of `report_path`"
        yield page.with_suffix(".json"), "the JSON beside `report_path`"
    if ledger := ledger_file(settings["ledger_url"]):
        yield ledger, "the ledger of `ledger_url`"


def ledger_file(url: str | sa.URL) -> Path | None:
    """The file of a SQLite database; None for any other, and for what is no address."""
    try:
        known = sa.make_url(url)
    except sa.exc.ArgumentError:
        return None
    if known.get_backend_name() != "sqlite" or not known.database or known.database.startswith((":memory:", "file:")):
        return None
    return Path(known.database)


def problems(settings: Mapping[str, Any]) -> list[str]:
    """Why the run would spoil a file, or could not keep what it must keep: one sentence each."""
    pairs = [pair for pair in combinations(written_files(settings), 2) if _is_same(pair[0][0], pair[1][0])]
    found = [f"{one} and {other} are the same file; give each a name of its own." for (_, one), (_, other) in pairs]
    for path, words in dict(written_files(settings)).items():
        problem = _problem_of(path, devices="rejects" in words) or ("" if "ledger" in words else _not_ours(path, words))
        if problem:
            found.append(f"{words[0].upper()}{words[1:]} {problem}")
    return found


def _problem_of(path: Path, *, devices: bool) -> str:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        folder = path.absolute().parent
        return "" if folder.is_dir() else "cannot be written: its folder does not exist."
    except OSError as error:
        return f"cannot be written ({error.strerror})."
    if stat.S_ISLNK(mode):
        return "is a symbolic link, which is not followed; name the file itself."
    return "" if stat.S_ISREG(mode) or (devices and stat.S_ISCHR(mode)) else "is not a plain file."


def _not_ours(path: Path, words: str) -> str:
    """Why a file that is there already may not be written to: this program did not write it."""
    mine = is_rejects if "rejects" in words else is_report
    try:
        if not path.exists() or path.stat().st_size == 0 or mine(path):
            return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})."
    return "exists and was not written by this program; move it away, or name another file."


def is_report(path: Path) -> bool:
    """Whether a file is a report of ours."""
    text = path.read_text("utf-8", errors="replace")
    return any(mark in text for mark in (MARK, *_OLD_MARKS))


def is_rejects(path: Path) -> bool:
    """Whether a file holds rejected records: a Singer stream whose records have their reasons beside them."""
    with path.open("rb") as file:
        head = file.read(64).replace(b" ", b"")
        last = last_line(file)
    return head.startswith(b'{"type":"SCHEMA"') and (not last or _is_of_rejects(last))


def _is_of_rejects(line: bytes) -> bool:
    message = parsed(line)
    return isinstance(message, dict) and ("rejected" in message or message.get("type") == "SCHEMA")


def parsed(line: bytes) -> Any:
    """The JSON of a line; None where it is none."""
    with suppress(ValueError, RecursionError):
        return json.loads(line)
    return None


def last_line(file: IO[bytes]) -> bytes:
    """The last line that has an end; empty if none has. The file is left behind it: what follows is half a line."""
    end = place = file.seek(0, os.SEEK_END)
    tail = b""
    while place and b"\n" not in tail.rpartition(b"\n")[0]:
        step = min(place, 1 << 16)
        place = file.seek(place - step)
        tail = file.read(step) + tail
    whole, newline, half = tail.rpartition(b"\n")
    file.seek(end - len(half))
    return whole.rpartition(b"\n")[2] if newline else b""


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def is_open(path: Path, source: IO[Any]) -> bool:
    """Whether an open file is this one."""
    with suppress(OSError, ValueError):
        return os.path.samestat(os.fstat(source.fileno()), path.stat())
    return False


def open_private(path: Path, flags: int, warn: Callable[[str], None]) -> int:
    """Opens a file that only its owner may read, makes it where there is none, and follows no link.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    descriptor = os.open(path, flags | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _PRIVATE)
    mode = os.fstat(descriptor).st_mode
    if os.name == "posix" and stat.S_ISREG(mode) and stat.S_IMODE(mode) & ~_PRIVATE:
        warn(f"{path} was open to others (mode {stat.S_IMODE(mode):o}); it holds personal data, so it is now 600.")
        os.fchmod(descriptor, _PRIVATE)
    return descriptor


def replace_private(path: Path, texts: Iterable[str]) -> None:
    """Writes a file, piece by piece, that only its owner may read: whole or not at all.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(texts)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
