"""Running the trainer in tests: in this process, or as the process a person starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file

from srft.launch import Fork, run_new
from srft.recipe import load_recipe

TRAINER = Path(__file__).resolve().parents[2]


def train_here(recipe: Path, run_dir: Path, fork: str | None = None, **overrides: object) -> list[str]:
    """Train in this process; keys are written `training__steps`. Returns what the trainer said."""
    said: list[str] = []
    pairs = [(key.replace("__", "."), json.dumps(value)) for key, value in overrides.items()]
    run_new(load_recipe(recipe, pairs), run_dir, said.append, None if fork is None else Fork.parse(fork))
    return said


def start(*arguments: object) -> subprocess.Popen[str]:
    """`srft …` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "srft.cli", *map(str, arguments)],
        cwd=TRAINER,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something is true; fails the test when it does not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for too long"
        time.sleep(0.02)


def events(run_dir: Path, kind: str | None = None) -> list[dict]:
    """The complete events of a run, of one kind or all."""
    path = run_dir / "events.jsonl"
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    found = [json.loads(line) for line in lines]
    return [event for event in found if kind is None or event["kind"] == kind]


def weights(run_dir: Path, step: int) -> dict:
    """The tensors of a checkpoint."""
    return load_file(run_dir / "checkpoints" / f"step-{step:06d}" / "model.safetensors")
