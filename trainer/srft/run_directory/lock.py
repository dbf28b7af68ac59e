"""One writer a run: a lock of the operating system, which ends with the process that holds it, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from srft.errors import InputError
from srft.run_directory.errors import cannot_write

# A POSIX record lock does not exclude its own process, and closing any descriptor of the file would drop it.
_held_here: set[Path] = set()


class WriterLock:
    """Held from construction to `release`. Raises `InputError` when another trainer writes this run.

    POSIX record locks are taken, not `flock`: a worker forked by the trainer must not keep a dead trainer's run locked.
    """

    def __init__(self, path: Path, run: Path) -> None:
        self._path = path.resolve()
        if self._path in _held_here:
            raise _taken(run)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise cannot_write(error, path, run) from error
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise _taken(run) from error
        _held_here.add(self._path)

    def release(self) -> None:
        """Let another trainer write."""
        _held_here.discard(self._path)
        os.close(self._descriptor)


def _taken(run: Path) -> InputError:
    return InputError(
        "another trainer is writing this run",
        where=str(run),
        remedy="wait for it to end or stop it first, or name another folder",
    )


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
