"""Requests and signals, looked at between steps: the safe points of a run."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from srft.run_directory import RunDirectory
from srft.run_directory.control import PendingRequest
from srft.session import Session

_PAUSE_POLL_S = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run here."""

    checkpoint: bool
    message: str


class Controls:
    """Listens from construction to `close`.

    The first SIGINT or SIGTERM stops at the next safe point, with a checkpoint; a second one ends the process at once.
    """

    def __init__(self, run: RunDirectory, say: Callable[[str], None]) -> None:
        self._run, self._say = run, say
        self._signalled: str | None = None
        self._kept = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}

    def close(self) -> None:
        """Put the handlers back."""
        for number, handler in self._kept.items():
            signal.signal(number, handler)

    def obey(self, session: Session) -> Stop | None:
        """Do what was asked since the last safe point; a pause counts for no step."""
        paused = False
        while True:
            if self._signalled is not None:
                return Stop(checkpoint=True, message=f"stopped by {self._signalled}")
            for request in self._run.requests():
                match request.asked:
                    case "stop":
                        with_checkpoint = bool(request.request.arguments.get("checkpoint", False))
                        self._run.done(request, "done")
                        return Stop(checkpoint=with_checkpoint, message=f"stopped by {request.request.by}")
                    case "checkpoint":
                        session.checkpoint(session.step)
                        self._run.done(request, "done")
                    case "pause":
                        paused = self._pause(request, paused, session.step)
                    case _:
                        paused = self._continue(request, paused)
            if not paused:
                return None
            time.sleep(_PAUSE_POLL_S)
            session.ledger.leave_out(_PAUSE_POLL_S)

    def _pause(self, request: PendingRequest, paused: bool, step: int) -> bool:
        if paused:
            self._run.done(request, "refused", "the run is paused already")
        else:
            self._run.done(request, "done")
            self._run.state("paused")
            self._run.live(step=step, phase="paused", done=0, total=0)
            self._say(f"paused after step {step}; ask for `continue` to go on")
        return True

    def _continue(self, request: PendingRequest, paused: bool) -> bool:
        if paused:
            self._run.done(request, "done")
            self._run.state("running")
        else:
            self._run.done(request, "refused", "the run is not paused")
        return False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signalled is not None:
            # Nothing is written here: what is acknowledged is on the disk, and the run can be resumed.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._signalled = signal.Signals(number).name
        self._run.state("stopping")
        self._say("stopping at the end of this step, with a checkpoint; once more ends at once")
