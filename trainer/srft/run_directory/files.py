"""Every change the writer makes to the disk, as one small object, so that tests can record and break each of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from srft.run_directory.errors import cannot_write

_REPLACE_PATIENCE_S = 2.0
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Files:
    """The operating system's calls; each raises `OSError` as they do."""

    def make_folder(self, path: Path) -> None:
        """Make the folder and its parents; one that is there is fine."""
        path.mkdir(parents=True, exist_ok=True)

    def open_append(self, path: Path) -> int:
        """Open for appending, made when missing; a descriptor."""
        return os.open(path, _APPEND, 0o666)

    def open_anew(self, path: Path) -> int:
        """Open for writing, emptied when there; a descriptor."""
        return os.open(path, _ANEW, 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some or all of `data`; how many bytes."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return once the file's bytes and its length are on the disk."""
        if sys.platform == "linux":
            os.fdatasync(descriptor)
        else:
            os.fsync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Return once the names in the folder are on the disk (Windows has no such call and needs none)."""
        if sys.platform == "win32":
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, length_bytes: int) -> None:
        """Cut the file."""
        os.ftruncate(descriptor, length_bytes)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename over `target`, in one step."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()


class AppendFile:
    """A file that grows. After a failed write it ends where it ended before, if the disk lets us; then it stays closed.

    Errors are `RunDirectoryError`.
    """

    def __init__(self, files: Files, path: Path, run: Path) -> None:
        self.path = path
        self._files, self._run = files, run
        try:
            existed = path.exists()
            self._descriptor = files.open_append(path)
            if not existed:
                files.sync_folder(path.parent)
            self.length_bytes = path.stat().st_size
        except OSError as error:
            raise cannot_write(error, path, run) from error

    def append(self, data: bytes) -> None:
        """Write all of `data`; a short write is continued."""
        rest = memoryview(data)
        try:
            while rest:
                written = self._files.write(self._descriptor, rest)
                rest = rest[written:]
        except OSError as error:
            self._cut_back()
            raise cannot_write(error, self.path, self._run) from error
        self.length_bytes += len(data)

    def sync(self) -> None:
        """Return once everything appended is on the disk."""
        try:
            self._files.sync(self._descriptor)
        except OSError as error:
            raise cannot_write(error, self.path, self._run) from error

    def close(self) -> None:
        """Close the file; nothing is synced."""
        self._files.close(self._descriptor)

    def _cut_back(self) -> None:
        try:
            self._files.truncate(self._descriptor, self.length_bytes)
        except OSError:
            return  # Readers ignore a torn end, and resuming cuts it: the first error is the one to tell.


def replace_file(files: Files, path: Path, data: bytes, *, sync: bool) -> None:
    """Put `data` at `path` in one step: written aside, renamed. Raises `OSError`.

    On Windows a reader that has the file open blocks the rename, so it is tried for 2 s.
    """
    aside = path.with_name(f"{path.name}.new")
    descriptor = files.open_anew(aside)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[files.write(descriptor, rest) :]
        if sync:
            files.sync(descriptor)
    finally:
        files.close(descriptor)
    patiently(lambda: files.replace(aside, path))
    if sync:
        files.sync_folder(path.parent)


def patiently(action: Callable[[], None], patience_s: float = _REPLACE_PATIENCE_S) -> None:
    """Repeat `action` while Windows says that somebody has the file open; elsewhere a refusal is final."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return action()
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
