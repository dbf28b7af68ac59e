"""`status.json` and `live.json`: a thread writes them, so that training never waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from srft.run_directory.files import Files, replace_file
from srft.run_directory.layout import Layout
from srft.run_directory.opening import Opened
from srft.run_directory.options import WriterOptions
from srft.run_directory.process import ProcessIdentity
from srft.wire import Live, Status

LivePhase: TypeAlias = Literal[
    "starting", "generate", "logprob", "reward", "train", "record", "evaluate", "checkpoint", "paused"
]

HEARTBEAT_S = 2.0
"""The format promises one at least every 5 s."""
SHORTEST_INTERVAL_S = 0.25
"""Neither file is replaced more than 4 times a second."""


class Publisher:
    """Owns both files from construction to `close`. The newest value wins; older, unwritten ones are dropped.

    A failed write harms nothing but the picture: `trouble` keeps the newest error, and the next write tries again.
    """

    def __init__(self, files: Files, layout: Layout, status: Status, clock: Callable[[], float]) -> None:
        self.trouble: OSError | None = None
        self._files, self._layout, self._clock = files, layout, clock
        self._status = status
        self._live: Live | None = None
        self._status_changed = False
        self._closing = False
        self._changed = threading.Condition()
        self._write_status(status, sync=False)
        self._thread = threading.Thread(target=self._work, name="srft status", daemon=True)
        self._thread.start()

    @property
    def status(self) -> Status:
        """The newest status."""
        return self._status

    def update(self, **changes: Any) -> None:
        """Change fields of the status and write it soon; heartbeat and time are filled in then."""
        with self._changed:
            self._status = self._status.model_copy(update=changes)
            self._status_changed = True
            self._changed.notify()

    def set_live(self, live: Live) -> None:
        """Write `live` soon."""
        with self._changed:
            wake = self._live is None
            self._live = live
            if wake:
                self._changed.notify()

    def close(self) -> None:
        """Write what is newest, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._write_live()
        self._write_status(self._status, sync=True)

    def _work(self) -> None:
        next_write = time.monotonic() + SHORTEST_INTERVAL_S
        next_beat = time.monotonic() + HEARTBEAT_S
        while True:
            with self._changed:
                while not self._closing:
                    now = time.monotonic()
                    due = next_write if self._status_changed or self._live is not None else next_beat
                    if now >= due:
                        break
                    self._changed.wait(due - now)
                if self._closing:
                    return
                beat = self._status_changed or time.monotonic() >= next_beat
                status = self._status
            self._write_live()
            if beat:
                self._write_status(status, sync=False)
                next_beat = time.monotonic() + HEARTBEAT_S
            next_write = time.monotonic() + SHORTEST_INTERVAL_S

    def _write_live(self) -> None:
        with self._changed:
            live, self._live = self._live, None
        if live is not None:
            self._replace(self._layout.live, live.model_dump_json(), sync=False)

    def _write_status(self, status: Status, *, sync: bool) -> None:
        with self._changed:
            beaten = status.model_copy(update={"heartbeat": self._status.heartbeat + 1, "updated": self._clock()})
            if self._status is status:
                self._status = beaten
                self._status_changed = False
            else:  # A newer one came meanwhile: it is written next, and must beat on from here.
                self._status = self._status.model_copy(update={"heartbeat": beaten.heartbeat})
        self._replace(self._layout.status, beaten.model_dump_json(), sync=sync)

    def _replace(self, path: Path, text: str, *, sync: bool) -> None:
        try:
            replace_file(self._files, path, text.encode(), sync=sync)
        except OSError as error:
            self.trouble = error


def first_status(opened: Opened, options: WriterOptions) -> Status:
    """The status of an attempt that has just begun."""
    here = options.identity or ProcessIdentity.here()
    return Status(
        run_id=opened.run_id,
        host=here.host,
        boot_id=here.boot_id,
        pid_namespace=here.pid_namespace,
        pid=here.pid,
        pid_started=here.pid_started,
        attempt=opened.attempt,
        state="starting",
        stage="starting",
        step=opened.from_step,
        steps=options.steps,
        heartbeat=0,
        updated=options.clock(),
        metrics={},
    )
