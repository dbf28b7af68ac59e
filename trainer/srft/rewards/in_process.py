"""A user's function in this process and without a time limit: for a debugger, which would not reach into a worker."""

from __future__ import annotations

import inspect
import json
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import IO, Any

from srft.data.places import shown_path
from srft.errors import InputError
from srft.rewards.worker import WorkerError, WorkerStartError
from srft.rewards.workers.channel import describe
from srft.rewards.workers.python_worker import called, load


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function's first statement stands."""

    file: str
    line: int


class InProcess:
    """Takes a `Worker`'s place. What the function prints goes to stderr, and so does the traceback of a fault."""

    def __init__(self, path: Path, function: str, _stderr: IO[Any] | int) -> None:
        self._path, self._name = path, function
        self._function: Any = None

    def wait_ready(self) -> None:
        """Load the file; raises `WorkerStartError`."""
        try:
            with redirect_stdout(sys.stderr):
                self._function = load(self._path, self._name)
        except (Exception, SystemExit) as error:
            raise WorkerStartError(describe(error)) from error

    def call(self, request: Mapping[str, Any], _limit_seconds: float) -> dict[str, Any]:
        """Call the function with what a worker would get; raises `WorkerError`."""
        travelled = json.loads(json.dumps(request, default=str))
        try:
            with redirect_stdout(sys.stderr):
                return called(self._function, travelled)
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            raise WorkerError(f"error: {describe(error)}") from error

    def close(self) -> None:
        """Nothing to end."""

    def place(self) -> Place:
        """Where a breakpoint stops in the function; raises `InputError` for one that is not written in Python."""
        function = inspect.unwrap(self._function)
        code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
        if not isinstance(code, CodeType):
            raise InputError(
                f"the reward's function `{self._name}` is not written in Python, so a debugger cannot stop in it",
                where=shown_path(self._path),
                remedy=f"let the file define `def {self._name}(prompt, response, answer, row)`",
            )
        return Place(code.co_filename, _first_line(code))


def _first_line(code: CodeType) -> int:
    """Not the `def` itself, nor a decorator: those run when the file is loaded."""
    lines = (line for _, _, line in code.co_lines() if line is not None)
    return next((line for line in lines if line > code.co_firstlineno), code.co_firstlineno)
