"""The one writer of a run directory. docs/run-directory.md describes every file; this file holds the order of writes.

*Acknowledged* means that the newline of an event was synced to the disk. Within a step: segments, then index lines,
then the `step` event, which says how far the index reaches; each is synced before the next is begun.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from srft import wire
from srft.run_directory.control import Inbox, Outcome, PendingRequest
from srft.run_directory.errors import RunDirectoryError
from srft.run_directory.event_log import EventLog, UnsentEvent
from srft.run_directory.layout import Layout, Pass
from srft.run_directory.opening import Opened, claim_existing, claim_new
from srft.run_directory.options import WriterOptions
from srft.run_directory.records import PromptRecord, RowRecord, finite_metrics
from srft.run_directory.rollout_store import RolloutStore
from srft.run_directory.status import LivePhase, Publisher, first_status


class RunDirectory:
    """A run that is being written; a context manager that ends with the writer's lock released.

    Every method raises `RunDirectoryError` when the disk refuses; from then on each raises the same error, and what was
    acknowledged stays readable. Only one thread may call it.
    """

    @classmethod
    def create(cls, path: Path, manifest: wire.RunManifest, options: WriterOptions) -> RunDirectory:
        """Begin a run in `path`, which is made with its parents; emits `started`.

        Raises `InputError` when the folder holds a run or anything else, or another trainer is at it.
        """
        return cls(claim_new(options.files, Layout(path), manifest), options)

    @classmethod
    def resume(
        cls, path: Path, options: WriterOptions, *, from_step: int, device: wire.Device, versions: Mapping[str, str]
    ) -> RunDirectory:
        """Go on with a run after `from_step` (0: from the start); emits `resumed`. Torn ends are cut.

        Raises `InputError` when there is no run or another trainer is at it, `RunDirectoryError` on damage.
        """
        return cls(claim_existing(options.files, Layout(path), from_step, device, dict(versions)), options)

    def __init__(self, opened: Opened, options: WriterOptions) -> None:
        """Use `create` or `resume`."""
        self.layout = opened.layout
        self.run_id = opened.run_id
        self.attempt = opened.attempt
        self.last_step = opened.from_step
        """The last acknowledged step."""
        self._clock = options.clock
        self._notices_given = set(opened.notices)
        self._pending_notices: list[tuple[str, str]] = []
        self._broken: RunDirectoryError | None = None
        self._ended = False
        with ExitStack() as owned:
            owned.callback(opened.lock.release)
            self._events = EventLog(options.files, self.layout, next_seq=opened.next_seq, clock=options.clock)
            owned.callback(self._events.close)
            self._rollouts = RolloutStore(
                options.files,
                self.layout,
                attempt=opened.attempt,
                next_segment=opened.next_segment,
                segment_bytes=options.segment_bytes,
                record_bytes=opened.record_bytes,
                seed=options.seed,
                recording=options.recording,
            )
            owned.callback(self._rollouts.close)
            if opened.resumed is None:
                self.emit(wire.StartedEvent, attempt=self.attempt, steps=options.steps)
            else:
                self.emit(wire.ResumedEvent, attempt=self.attempt, from_step=opened.from_step, **opened.resumed)
            self._inbox = Inbox(options.files, self.layout, self.emit)
            self._inbox.discard_leftovers(self.last_step)
            status = first_status(opened, options)
            self._publisher = Publisher(options.files, self.layout, status, options.clock)
            owned.callback(self._publisher.close)
            self._owned = owned.pop_all()

    # ---------------------------------------------------------------- rows

    def append_group(
        self, step: int, group: int, prompt: PromptRecord, rows: Sequence[RowRecord], place: Pass = Pass.STEP
    ) -> None:
        """Record a group; acknowledged with the next `step` or `evaluation`."""
        with self._whole():
            self._rollouts.append_group(step, group, prompt, rows, place)

    def flush(self) -> None:
        """Bring all groups to the disk. `step` and `evaluation` do it too; before them, it can be timed."""
        with self._whole():
            self._rollouts.flush()

    # ---------------------------------------------------------------- events

    def step(self, step: int, *, phase: str, metrics: Mapping[str, float | None], tokens: int) -> None:
        """Acknowledge a step and its groups. `tokens`: response tokens generated since the run began."""
        self.flush()
        sound, lost = finite_metrics(metrics)
        event = {
            "step": step,
            "phase": phase,
            "metrics": sound,
            "index_bytes": self._rollouts.index_bytes,
            "tokens": tokens,
        }
        self._emit_with_findings(step, lost, (wire.StepEvent, event))
        self.last_step = step
        self._publisher.update(step=step, metrics=sound)

    def evaluation(
        self,
        step: int,
        *,
        name: Literal["evaluation", "final_evaluation"] = "evaluation",
        checkpoint: Literal["current", "last", "best"] = "current",
        greedy: Mapping[str, wire.Interval],
        sampled: Mapping[str, wire.Interval] | None = None,
        metrics: Mapping[str, float | None],
    ) -> None:
        """Acknowledge a pass over a held-out set and its groups."""
        self.flush()
        sound, lost = finite_metrics(metrics)
        event = {
            "step": step,
            "name": name,
            "checkpoint": checkpoint,
            "greedy": dict(greedy),
            "sampled": None if sampled is None else dict(sampled),
            "metrics": sound,
            "index_bytes": self._rollouts.index_bytes,
        }
        self._emit_with_findings(step, lost, (wire.EvaluationEvent, event))

    def phase(self, step: int, phase: str) -> None:
        """From `step` on another method is at work."""
        self.emit(wire.PhaseEvent, step=step, phase=phase)

    def checkpoint(
        self,
        step: int,
        *,
        path: Path,
        bytes: int,
        accuracy: float | None,
        best: bool,
        chosen_on: str | None,
        removed: Sequence[int] = (),
    ) -> None:
        """A checkpoint is complete on disk; `path` lies below `layout.root`."""
        self.emit(
            wire.CheckpointEvent,
            step=step,
            path=path.relative_to(self.layout.root).as_posix(),
            bytes=bytes,
            accuracy=accuracy,
            best=best,
            chosen_on=chosen_on,
            removed=list(removed),
        )

    def non_finite(self, step: int, names: Sequence[str], consequence: str) -> None:
        """A loss, gradient or metric was NaN or infinite."""
        self.emit(wire.NonFiniteEvent, step=step, names=list(names), consequence=consequence)

    def notice(self, step: int, name: str, message: str) -> None:
        """Something a person should know."""
        self.emit(wire.NoticeEvent, step=step, name=name, message=message)

    def end(self, reason: wire.EndReason) -> None:
        """The last event of an attempt."""
        self.emit(wire.EndedEvent, step=self.last_step, end=reason)
        self._ended = True
        self._publisher.update(state="ended", end=reason)

    def emit(self, event: type[wire.EventBase], **payload: Any) -> None:
        """Write one event and return when it is acknowledged; `seq` and `time` are filled in."""
        self._emit_all([(event, payload)])

    # ---------------------------------------------------------------- what happens now

    def state(self, state: Literal["starting", "running", "paused", "stopping"]) -> None:
        """Change the state in `status.json`."""
        self._publisher.update(state=state)

    def stage(self, stage: str) -> None:
        """Say in `status.json` what is being done, in words for people."""
        self._publisher.update(stage=stage)

    def live(
        self,
        *,
        step: int,
        phase: LivePhase,
        done: int,
        total: int,
        tokens_per_second: float | None = None,
        prompt: str | None = None,
        text: str | None = None,
    ) -> None:
        """Show what happens now; call as often as you like, the newest is written 4 times a second at most."""
        known: dict[str, Any] = {
            "step": step,
            "phase": phase,
            "done": done,
            "total": total,
            "tokens_per_second": tokens_per_second,
        }
        self._publisher.set_live(wire.Live(**known, prompt=prompt, text=text, updated=self._clock()))

    # ---------------------------------------------------------------- control

    def requests(self) -> list[PendingRequest]:
        """What is asked, in order of creation; each must be answered by `done`. Malformed requests are refused here."""
        return self._inbox.pending(self.last_step)

    def done(self, request: PendingRequest, outcome: Outcome, reason: str | None = None) -> None:
        """Answer a request: an event, and its file moves to `control/done/`."""
        self._inbox.answer(request, outcome, reason, self.last_step)

    # ---------------------------------------------------------------- lifetime

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """An error that nobody told ends the run as failed; then everything is closed."""
        with self._owned:
            if error is not None and not self._ended:
                reason = _end_of(error)
                try:
                    self.end(reason)
                except RunDirectoryError:  # The error that brought us here is the one to tell.
                    self._publisher.update(state="ended", end=reason)

    # ---------------------------------------------------------------- private

    def _emit_with_findings(self, step: int, lost: list[str], event: UnsentEvent) -> None:
        """The event, and before it in the same write what was found while it was made."""
        lost = [*lost, *(f"row/{name}" for name in self._rollouts.take_numbers_lost())]
        if self._rollouts.is_thinned:
            self._notice_once(
                "recording_thinned",
                "The records have reached recording.max_gb: from here on only recording.share_beyond of the groups "
                "keep their tokens; curves and the index go on.",
            )
        if self._publisher.trouble is not None:
            reason = self._publisher.trouble.strerror
            self._notice_once("status_not_written", f"status.json or live.json could not be written: {reason}.")
        found: list[UnsentEvent] = []
        if lost:
            found.append((wire.NonFiniteEvent, {"step": step, "names": lost, "consequence": "recorded as null"}))
        if self._inbox.trouble is not None:
            self._notice_once("request_not_moved", str(self._inbox.trouble))
        for name, message in self._pending_notices:
            found.append((wire.NoticeEvent, {"step": step, "name": name, "message": message}))
        self._pending_notices.clear()
        self._emit_all([*found, event])

    def _emit_all(self, events: Sequence[UnsentEvent]) -> None:
        if self._ended:
            raise ValueError("the run has ended; nothing may follow its `ended` event")
        with self._whole():
            self._events.emit(events)

    @contextmanager
    def _whole(self) -> Generator[None]:
        """After the disk refused once, nothing more is written: a gap must not be papered over."""
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except RunDirectoryError as error:
            self._broken = error
            raise

    def _notice_once(self, name: str, message: str) -> None:
        if name not in self._notices_given:
            self._notices_given.add(name)
            self._pending_notices.append((name, message))


def _end_of(error: BaseException) -> wire.EndReason:
    if isinstance(error, KeyboardInterrupt):
        return wire.EndReason(kind="stopped", message="interrupted")
    return wire.EndReason(kind="failed", message=f"{type(error).__name__}: {error}"[:1000])
