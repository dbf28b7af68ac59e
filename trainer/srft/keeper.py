"""Which checkpoints exist: written when due, the newest few and the best kept, the rest deleted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from srft.config import CheckpointConfig
from srft.engine.checkpoint import TrainerState, drop_state, remove_left_overs, write_checkpoint
from srft.engine.policy import Policy
from srft.run_directory import RunDirectory
from srft.run_directory.errors import cannot_write


@dataclass(slots=True, kw_only=True)
class CheckpointKeeper:
    """Owns `checkpoints/` of one run."""

    run: RunDirectory
    config: CheckpointConfig
    chosen_on: str | None
    """The set that decides which is best."""
    accuracies: dict[int, float | None] = field(default_factory=dict)
    """Held-out accuracy of each checkpoint on disk, by step."""

    def write(self, step: int, policy: Policy, state: TrainerState, accuracy: float | None) -> None:
        """Write the checkpoint of `step`, delete what need not be kept, say so in an event.

        Raises `RunDirectoryError` when the disk refuses; the checkpoints before it stay.
        """
        folder = self.run.layout.checkpoint(step)
        self.accuracies[step] = accuracy
        best, kept = self.best_step(), self._kept()
        removed = [old for old in self.accuracies if old not in kept]
        own = {"accuracies": {str(old): self.accuracies[old] for old in kept}}
        try:
            size = write_checkpoint(folder, policy, replace(state, values={**state.values, "checkpoints": own}))
        except OSError as error:
            raise cannot_write(error, folder, self.run.layout.root) from error
        self.run.checkpoint(
            step,
            path=folder,
            bytes=size,
            accuracy=accuracy,
            best=best == step,
            chosen_on=self.chosen_on if accuracy is not None else None,
            removed=removed,
        )
        # Only now, when the new one is acknowledged.
        for old in removed:
            del self.accuracies[old]
            shutil.rmtree(self.run.layout.checkpoint(old), ignore_errors=True)
        for old in self.accuracies:
            if old != step:
                drop_state(self.run.layout.checkpoint(old))

    def best_step(self) -> int | None:
        """The step with the highest accuracy, the earliest of equals; None where none was measured."""
        measured = [(-accuracy, step) for step, accuracy in self.accuracies.items() if accuracy is not None]
        return min(measured)[1] if measured else None

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take back what the trainer state of a checkpoint tells; what it does not know of is deleted.

        Without any state (`{}`) the run begins anew, and a checkpoint that is there was never acknowledged.
        """
        accuracies = values["checkpoints"]["accuracies"] if values else {}
        self.accuracies = {int(step): accuracy for step, accuracy in accuracies.items()}
        remove_left_overs(self.run.layout.checkpoints)
        for step in checkpoint_steps(self.run.layout.checkpoints):
            if step not in self.accuracies:
                shutil.rmtree(self.run.layout.checkpoint(step), ignore_errors=True)

    def _kept(self) -> set[int]:
        newest = sorted(self.accuracies)[-self.config.keep_last :]
        measured = sorted((-a, step) for step, a in self.accuracies.items() if a is not None)
        return {*newest, *(step for _, step in measured[: self.config.keep_best])}


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps of the complete checkpoints in a `checkpoints` folder, ascending."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(int(name.removeprefix("step-")) for name in names if name.startswith("step-") and name[5:].isdigit())
