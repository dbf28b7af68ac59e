"""Where everything lies in a run directory, and how rows are named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_SEGMENT_NAME = re.compile(r"(\d{6,})\.seg")


class Pass(str, Enum):
    """The pass over prompts a row belongs to; its value is the letter in the row's id."""

    STEP = "s"
    EVALUATION = "e"
    FINAL_LAST = "l"
    """The final evaluation of the last checkpoint."""
    FINAL_BEST = "b"
    """The final evaluation of the best checkpoint."""
    PROBE = "p"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one run."""

    root: Path

    @property
    def manifest(self) -> Path:
        """`run.json`."""
        return self.root / "run.json"

    @property
    def status(self) -> Path:
        """`status.json`."""
        return self.root / "status.json"

    @property
    def live(self) -> Path:
        """`live.json`."""
        return self.root / "live.json"

    @property
    def events(self) -> Path:
        """`events.jsonl`."""
        return self.root / "events.jsonl"

    @property
    def rollouts(self) -> Path:
        """The folder of segments and index."""
        return self.root / "rollouts"

    @property
    def index(self) -> Path:
        """`rollouts/index.jsonl`."""
        return self.rollouts / "index.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.root / "checkpoints"

    @property
    def control(self) -> Path:
        """The folder requests are put into."""
        return self.root / "control"

    @property
    def control_done(self) -> Path:
        """The folder of requests that were answered."""
        return self.control / "done"

    @property
    def log(self) -> Path:
        """`trainer.log`: text for people."""
        return self.root / "trainer.log"

    @property
    def lock(self) -> Path:
        """`writer.lock`: the operating system's lock on it tells, not that it is there."""
        return self.root / "writer.lock"

    def segment(self, number: int) -> Path:
        """`rollouts/NNNNNN.seg`."""
        return self.rollouts / f"{number:06d}.seg"

    def segments(self) -> dict[int, Path]:
        """The segments that are there, by number, ascending."""
        if not self.rollouts.is_dir():
            return {}
        found = {int(m[1]): p for p in self.rollouts.iterdir() if (m := _SEGMENT_NAME.fullmatch(p.name))}
        return dict(sorted(found.items()))

    def checkpoint(self, step: int) -> Path:
        """`checkpoints/step-NNNNNN`."""
        return self.checkpoints / f"step-{step:06d}"


def row_id(attempt: int, place: Pass, step: int, group: int, index: int) -> str:
    """The id of a row, unique in its run."""
    return f"a{attempt}-{place.value}{step}-g{group}-{index}"
