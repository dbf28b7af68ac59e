"""The parent's end of a worker process: one request, one reply, one time limit; a dead or hanging one is replaced."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_SCRIPTS = Path(__file__).parent / "workers"
_STARTUP_SECONDS = 120.0
_CLOSE_SECONDS = 2.0


class WorkerError(Exception):
    """A check did not end well; the text is `timeout` or `error: …`."""


class WorkerStartError(Exception):
    """The worker could not prepare itself; the text says why."""


class Worker:
    """A worker script in a process of its own, over two pipes with JSON lines; started on the line that makes it.

    The process ends when the pipe closes, also when this process is killed.
    """

    def __init__(self, script: str, arguments: Sequence[str], stderr: IO[Any] | int = subprocess.DEVNULL) -> None:
        self._command = [sys.executable, str(_SCRIPTS / script), *arguments]
        self._stderr = stderr
        self._ready = False
        self._start()

    def wait_ready(self) -> None:
        """Wait until it has loaded what it needs; raises `WorkerStartError`."""
        if self._ready:
            return
        reply = self._receive(_STARTUP_SECONDS)
        if isinstance(reply, str):
            raise WorkerStartError(reply)
        if not reply["ready"]:
            raise WorkerStartError(str(reply["error"]))
        self._ready = True

    def call(self, request: Mapping[str, Any], limit_seconds: float) -> dict[str, Any]:
        """Send a request and wait for its reply; raises `WorkerError` after which the worker is a fresh one."""
        try:
            self.wait_ready()
            self._requests.write(json.dumps({**request, "limit_seconds": limit_seconds}, default=str).encode() + b"\n")
            self._requests.flush()
        except (WorkerStartError, OSError) as error:
            self._restart()
            raise WorkerError(f"error: the reward's process could not start ({error})") from None
        try:
            reply = self._receive(limit_seconds)
        except BaseException:  # interrupted while waiting: the late reply must not answer the next request
            self._restart()
            raise
        if isinstance(reply, str):
            self._restart()
            raise WorkerError("timeout" if reply == "timeout" else f"error: {reply}")
        if "error" in reply:
            raise WorkerError(f"error: {reply['error']}")
        return reply

    def close(self) -> None:
        """Close the pipe; kill what does not end by itself."""
        try:
            self._requests.close()
            self._process.wait(_CLOSE_SECONDS if self._ready else 0)
        except (OSError, subprocess.TimeoutExpired):
            self._kill()
        self._reader.join(_CLOSE_SECONDS)

    def _start(self) -> None:
        # A session of its own: Ctrl-C is for the trainer, which ends its workers itself.
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # both are pipes
        self._requests = self._process.stdin
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=_read_lines, args=(self._process.stdout, self._replies), daemon=True)
        self._reader.start()
        self._ready = False

    def _restart(self) -> None:
        self._kill()
        self._reader.join(_CLOSE_SECONDS)
        self._start()

    def _kill(self) -> None:
        try:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)  # with what a user's function may have started
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()

    def _receive(self, limit_seconds: float) -> dict[str, Any] | str:
        """A reply, or what went wrong: `timeout`, or that the process ended."""
        try:
            line = self._replies.get(timeout=limit_seconds)
        except queue.Empty:
            return "timeout"
        if line is None:
            return f"the process ended with code {self._process.wait()}"
        return json.loads(line)


def in_own_process(path: Path, function: str, stderr: IO[Any] | int) -> Worker:
    """A user's function, with a process and a time limit of its own."""
    return Worker("python_worker.py", [str(path), function], stderr)


def _read_lines(stream: IO[bytes], replies: queue.SimpleQueue[bytes | None]) -> None:
    with stream:
        for line in stream:
            replies.put(line)
    replies.put(None)
