"""One run of a comparison: train for so many seconds, then ask the held-out problems with what was learned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.settings import DEMO

TRAINER = DEMO.parent
TRAINING_PARTS = ("generate", "logprob", "reward", "train", "other")
SFT_STEPS = 80
"""Steps of the first phase of `sft_rl`: about a quarter of the seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to."""

    setting: str
    method: str
    seed: int
    steps: int
    seconds: float
    """Of training alone: records, evaluations and checkpoints are left out."""
    accuracy: float
    """Greedy, on the held-out problems."""
    steps_valid: float
    """Share of greedy answers whose every line is right."""
    sampled: float
    """avg@8 at temperature 1 on the final set."""
    pass_at_8: float


def run_for_seconds(recipe: Path, run_dir: Path, method: str, seed: int, seconds: float) -> tuple[int, float]:
    """Train until the ledger has booked `seconds` of training; returns steps and seconds."""
    options = ["training.steps=100000", f"seed={seed}", "evaluation.every=100000", "checkpoint.every=100000"]
    options += ["model.threads=1"] + ([f"method.sft_steps={SFT_STEPS}"] if method == "sft_rl" else [])
    sets = [text for option in options for text in ("--set", option)]
    process = subprocess.Popen(
        [sys.executable, "-m", "srft.cli", "train", str(recipe), "--run-dir", str(run_dir), *sets],
        cwd=TRAINER,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    spent, steps = 0.0, 0
    for event in _follow(run_dir / "events.jsonl", process):
        if event["kind"] == "step":
            steps = event["step"]
            spent += sum(event["metrics"][f"seconds/{part}"] for part in TRAINING_PARTS)
            if spent >= seconds:
                _ask_to_stop(run_dir)
                break
    if process.wait() != 0:
        raise RuntimeError(f"{method}, seed {seed}: the trainer ended with {process.returncode}")
    with (run_dir / "events.jsonl").open() as lines:
        steps = max(event["step"] for event in map(json.loads, lines) if event["kind"] == "step")
    return steps, spent


def evaluate(recipe: Path, run_dir: Path, step: int) -> dict:
    """The figures of `srft evaluate` for a checkpoint."""
    answer = subprocess.run(
        [sys.executable, "-m", "srft.cli", "evaluate", str(recipe), "--checkpoint", f"{run_dir}@{step}", "--json"],
        cwd=TRAINER,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(answer.stdout)


def _follow(path: Path, process: subprocess.Popen) -> Iterator[dict]:
    """The events as they come, until the process has ended."""
    position, rest = 0, b""
    while True:
        ended = process.poll() is not None
        if path.is_file():
            with path.open("rb") as file:
                file.seek(position)
                new = file.read()
            position += len(new)
            *lines, rest = (rest + new).split(b"\n")
            yield from map(json.loads, lines)
        if ended:
            return
        time.sleep(0.05)


def _ask_to_stop(run_dir: Path) -> None:
    request = {"kind": "stop", "created": time.time(), "by": "the comparison", "arguments": {"checkpoint": True}}
    aside = run_dir / "control" / f".{uuid.uuid4()}"
    aside.write_text(json.dumps(request))
    aside.rename(aside.with_name(f"{aside.name[1:]}.json"))
