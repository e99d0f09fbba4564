"""The files that a run leaves behind: they hold personal data, and none of them may take the place of another."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from crm_singer.databases import file_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MARK = "target-crm report"
"""Stands in each report, so that a later run knows that it may replace it."""
_OLD_MARKS = ('"silent_changes"', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
"""What stands in the JSON and the page of reports from before there was a mark."""
_PRIVATE = 0o600


class WrittenFile(NamedTuple):
    """A file that a run writes."""

    path: Path
    words: str
    """What it is, for people."""
    is_ours: Callable[[Path], bool] | None = None
    """Whether a file that is there already may be written to; None: any may, as far as is looked at here."""
    may_be_device: bool = False


def written_files(settings: Mapping[str, Any]) -> Iterator[WrittenFile]:
    """Each file that a run with these settings writes."""
    if settings["rejects_path"]:
        path = Path(settings["rejects_path"])
        yield WrittenFile(path, "the file of `rejects_path`", is_rejects, may_be_device=True)
    if settings["report_path"]:
        page = Path(settings["report_path"])
        yield WrittenFile(page, "the page of `report_path`", is_report)
        yield WrittenFile(page.with_suffix(".json"), "the JSON beside `report_path`", is_report)
    if ledger := file_of(settings["ledger_url"]):
        yield WrittenFile(ledger, "the ledger of `ledger_url`", is_database)


def problems(settings: Mapping[str, Any]) -> list[str]:
    """Why the run would spoil a file, or could not keep what it must keep: one sentence each."""
    files = list(written_files(settings))
    found = [
        f"{one.words} and {other.words} are the same file; give each a name of its own."
        for one, other in combinations(files, 2)
        if _is_same(one.path, other.path)
    ]
    told = [(file.words, _problem_of(file) or _not_ours(file)) for file in {each.path: each for each in files}.values()]
    return found + [f"{words[0].upper()}{words[1:]} {problem}" for words, problem in told if problem]


def _problem_of(file: WrittenFile) -> str:
    try:
        mode = file.path.lstat().st_mode
    except FileNotFoundError:
        return _problem_of_folder(file.path.parent)
    except OSError as error:
        return f"cannot be written ({error.strerror})."
    if stat.S_ISLNK(mode):
        return "is a symbolic link, which is not followed; name the file itself."
    return "" if stat.S_ISREG(mode) or (file.may_be_device and stat.S_ISCHR(mode)) else "is not a plain file."


def _problem_of_folder(folder: Path) -> str:
    """Why no file can be made there; one that is not said now would be found out when the CRM has been written to."""
    if not folder.is_dir():
        return "cannot be written: its folder does not exist."
    return "" if os.access(folder, os.W_OK) else "cannot be written: its folder takes no new file from this user."


def _not_ours(file: WrittenFile) -> str:
    """Why a file that is there already may not be written to: this program did not write it."""
    try:
        if not (file.is_ours and file.path.exists()) or file.path.stat().st_size == 0 or file.is_ours(file.path):
            return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})."
    return "exists and was not written by this program; move it away, or name another file."


def is_database(path: Path) -> bool:
    """Whether a file is a database of SQLite."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


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
    with suppress(OSError):  # as where the working directory is gone
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
    return False


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


def let_others_wait(file: IO[bytes]) -> None:
    """Waits until no other run has a file to itself, and has it so until it is closed, where the system can do that."""
    with suppress(ImportError, OSError):
        from fcntl import LOCK_EX, flock  # noqa: PLC0415 - Windows has none

        flock(file, LOCK_EX)


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
