"""Running the trainer in tests: in this process, or as a process of its own that can be signalled and killed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file

from srft.launch import Fork, run_new, run_resumed
from srft.recipe import load_recipe

TRAINER = Path(__file__).resolve().parents[2]


def train_here(recipe: Path, run_dir: Path, fork: str | None = None, **overrides: object) -> list[str]:
    """Train in this process; keys are written `training__steps`. Returns what the trainer said."""
    said: list[str] = []
    pairs = [(key.replace("__", "."), json.dumps(value)) for key, value in overrides.items()]
    run_new(load_recipe(recipe, pairs), run_dir, said.append, None if fork is None else Fork.parse(fork))
    return said


def resume_here(run_dir: Path, *memory: tuple[str, str]) -> list[str]:
    """Resume in this process, with `--set` pairs; returns what the trainer said."""
    said: list[str] = []
    run_resumed(run_dir, None, said.append, memory)
    return said


class Trainers:
    """Starts `srft …` processes, forked from one that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.loop.zygote"],
            cwd=TRAINER,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(TRAINER)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: object) -> Started:
        """`srft ARGUMENTS`."""
        said = self._folder / f"said-{next(self._numbers)}.txt"
        return Started(self, self.ask({"argv": [*map(str, arguments)], "said": str(said)})["pid"], said)

    def ask(self, order: dict) -> dict:
        """One line to the zygote, one back."""
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()
        return json.loads(self._zygote.stdout.readline())

    def close(self) -> None:
        """End the zygote."""
        self._zygote.kill()
        self._zygote.communicate()


class Started:
    """One trainer process."""

    def __init__(self, trainers: Trainers, pid: int, said: Path) -> None:
        self.pid = pid
        self._trainers, self._said = trainers, said
        self._returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, when it has ended."""
        if self._returncode is None:
            self._returncode = self._trainers.ask({"wait": self.pid, "hang": False})["returncode"]
        return self._returncode

    def wait(self, seconds: float = 120) -> int:
        """The exit code; fails the test when it does not end."""
        wait_for(lambda: self.poll() is not None, seconds=seconds)
        assert self._returncode is not None
        return self._returncode

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def said(self) -> str:
        """All it printed."""
        return self._said.read_text()


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something is true; fails the test when it does not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for too long"
        time.sleep(0.01)


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


def end_of(run_dir: Path) -> dict:
    """How the run ended, by its last event."""
    return events(run_dir)[-1]["end"]
