"""A trainer that does nothing but record, to be killed."""

from __future__ import annotations

import random
from multiprocessing.connection import Connection
from pathlib import Path

from srft.run_directory.fold import fold_run
from tests.run_directory.examples import create, resume, write_step


def write_until_killed(root: Path, said: Connection) -> None:
    """Sends (attempt, 0) once the run is open, then (attempt, step) for each acknowledged step."""
    if (root / "run.json").exists():
        last = max(fold_run(root)["steps"], default=0)
        opened = resume(root, random.randint(max(0, last - 3), last), segment_bytes=30_000)
    else:
        opened = create(root, segment_bytes=30_000)
    with opened as run:
        said.send((run.attempt, 0))
        while True:
            step = run.last_step + 1
            write_step(run, step)
            run.live(step=step, phase="train", done=1, total=2)
            said.send((run.attempt, step))
