"""The error of a run directory that cannot be written or is damaged."""

from __future__ import annotations

import errno
from pathlib import Path

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)


class RunDirectoryError(Exception):
    """A file of the run could not be written or does not hold what was acknowledged.

    What was acknowledged before stays readable. `what` names the fault, `where` the file, `remedy` what to do.
    """

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(f"{where}: {what}; {remedy}.")


def cannot_write(error: OSError, path: Path, run: Path) -> RunDirectoryError:
    """The sentence for a failed write below the folder `run`."""
    reason = error.strerror or str(error)
    if error.errno in _NO_SPACE:
        remedy = (
            f"free space on the disk of {run} (mostly it is checkpoints/ and rollouts/ of runs you no longer need), "
            "then go on with --resume"
        )
    elif error.errno in _NOT_ALLOWED:
        remedy = f"make {run} writable for this user, then go on with --resume"
    else:
        remedy = "check that disk, then go on with --resume"
    return RunDirectoryError(f"cannot be written ({reason})", where=str(path), remedy=remedy)
