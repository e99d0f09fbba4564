"""A folder of files that are known by their content; nothing is read or written outside it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


class FolderError(Exception):
    """A file that cannot be had or kept; the text says why, and names no path."""


class Folder:
    """The folder ``root``; paths are relative to it, with slashes."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def place(self, sha256: str) -> str:
        """Where a file with this content lies."""
        return f"{sha256[:2]}/{sha256}"

    def size(self, path: str) -> int | None:
        """Bytes of a file; None where there is none.

        Raises:
            FolderError: the path leads out of the folder.
        """
        try:
            inside = self._inside(path)
            return inside.stat().st_size if inside.is_file() else None
        except OSError:
            return None

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            FolderError: there is none, it cannot be read, or the path leads out of the folder.
        """
        try:
            inside = self._inside(path)
            if not inside.is_file():
                raise FolderError("is no file below `files_path`")
            return inside.read_bytes()
        except OSError as error:
            raise FolderError(f"cannot be read ({error.strerror})") from None

    def write(self, path: str, content: bytes) -> None:
        """Writes a file that only its owner may read: whole or not at all.

        Raises:
            FolderError: it cannot be written, or the path leads out of the folder.
        """
        try:
            target = self._inside(path)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(target)
            finally:
                with suppress(FileNotFoundError):
                    Path(name).unlink()
        except OSError as error:
            raise FolderError(f"cannot be written ({error.strerror})") from None

    def _inside(self, path: str) -> Path:
        """A path with all links followed.

        Raises:
            FolderError: it leads out of the folder.
        """
        root = self._root.resolve()
        try:
            found = (root / path).resolve()
        except (ValueError, RuntimeError):
            # A NUL, or links that go round.
            raise FolderError("is no path") from None
        if not found.is_relative_to(root):
            raise FolderError("leads out of `files_path`")
        return found
