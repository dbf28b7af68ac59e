"""Writes a small run that has a bit of everything: `python -m tests.run_directory.make_fixture [--newer] DIR`.

The same bytes on every machine. With `--newer`, the run goes on as a later minor version might: with keys, an event
kind, a row kind and a column that this version does not know.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Literal

import numpy as np

from srft import wire
from srft.config import RecordingConfig
from srft.rows import Kind, StopReason
from srft.run_directory import Pass, RunDirectory
from tests.run_directory.examples import DEVICE, VERSIONS, manifest, options, pieces, prompt, row
from tests.run_directory.newer_minor import add_newer_things

SECONDS = ("generate", "logprob", "reward", "train", "record", "evaluate", "checkpoint", "other")
PROBLEMS = {"p1": "What is 1 + 2?", "p2": "Was ist 7 × 8?", "p3": "3 の 2 乗は？"}
CHECKPOINTS: dict[Pass, Literal["current", "last", "best"]] = {
    Pass.EVALUATION: "current",
    Pass.FINAL_LAST: "last",
    Pass.FINAL_BEST: "best",
}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def make_fixture(root: Path, *, newer: bool = False) -> None:
    """Write the run into `root`, which must not exist yet."""
    clock = Clock()
    how = options(clock=clock, segment_bytes=6000, recording=RecordingConfig(max_gb=15_000 / 1e9, share_beyond=0.5))
    parent = wire.Parent(run_id="fedcba9876543210" * 2, step=40)
    with RunDirectory.create(root, manifest(parent=parent), how) as run:
        first_attempt(run, clock)
    with RunDirectory.resume(root, how, from_step=2, device=DEVICE, versions={**VERSIONS, "torch": "2.10.1"}) as run:
        second_attempt(run, clock)
        if not newer:
            run.end(wire.EndReason(kind="finished"))
    if newer:
        add_newer_things(root)
        with RunDirectory.resume(root, how, from_step=6, device=DEVICE, versions=VERSIONS) as run:
            run.end(wire.EndReason(kind="finished"))
    still_the_status(root)
    (root / "trainer.log").write_text("step 1  reward 0.50\nstep 2  reward 0.50\n")


def first_attempt(run: RunDirectory, clock: Clock) -> None:
    run.state("running")
    run.stage("evaluate")
    evaluate(run, clock, 0)
    for step in (1, 2):
        train(run, clock, step)
    evaluate(run, clock, 2)
    save(run, clock, 2, accuracy=0.5, best=True, removed=[])
    ask(run, "3f2a", {"kind": "pause", "created": clock.now, "by": "the editor"})
    ask(run, "4b1c", {"kind": "continue", "created": clock.now + 1, "by": "the editor"})
    ask(run, "5d0e", {"kind": "explode", "created": clock.now, "by": "a person"})
    for request in run.requests():
        run.done(request, "done")
    train(run, clock, 3, loss=float("inf"))
    run.notice(3, "update_skipped", "The gradient norm was 120, more than optimiser.skip_above (100).")
    train(run, clock, 4)
    # Not acknowledged when the process ends: resuming cuts it.
    run.append_group(5, 0, prompt(), [row(0)])
    run.flush()
    ask(run, "6c77", {"kind": "stop", "created": clock.now, "by": "a person", "arguments": {"checkpoint": True}})


def second_attempt(run: RunDirectory, clock: Clock) -> None:
    run.state("running")
    train(run, clock, 3)
    run.phase(4, "grpo")
    for step in (4, 5):
        train(run, clock, step, phase="grpo")
    train(run, clock, 6, phase="grpo")
    evaluate(run, clock, 6)
    save(run, clock, 6, accuracy=0.75, best=True, removed=[2])
    evaluate(run, clock, 6, Pass.FINAL_LAST)
    evaluate(run, clock, 6, Pass.FINAL_BEST)
    run.live(
        step=6,
        phase="evaluate",
        done=3,
        total=3,
        tokens_per_second=512.5,
        prompt="<s>What is 1 + 2?",
        text="<think>1 + 2 = 3</think>\n3</s>",
    )
    run.non_finite(6, ["gradient/norm"], "the update was left out")


def train(run: RunDirectory, clock: Clock, step: int, *, loss: float = 1.25, phase: str = "srft") -> None:
    """Three groups: rollouts with a demonstration, rollouts with a hybrid, and odd ones."""
    clock.now += 2
    figures = {"temperature": 1.0, "policy_version": step - 1}
    for group, (name, question) in enumerate(PROBLEMS.items()):
        seed = 10 * step + group
        rows = [
            row(0, pieces("<think>1 + 2 = 3</think>\n3</s>"), seed, **figures),
            row(
                1,
                [b"<think>", b" so", b"\xf0\x9f", b"\x98\x80", b"\xff\xc3"],
                seed,
                reward=0.0,
                reward_parts={"exact": 0.0},
                correct=False,
                stop_reason=StopReason.LENGTH,
                advantage=-0.5,
                note="timeout" if group == 1 else None,
                **figures,
            ),
        ]
        if group == 0 and phase == "srft":
            rows.append(demonstration(2, seed))
        if group == 1:
            prefixed = row(3, pieces("7 × 8 is 56</s>"), seed, kind=Kind.HYBRID, prefix_length=2, **figures)
            rows.append(prefixed)
        if group == 2:
            count = len(rows[0].token_bytes)
            per_token = (np.arange(count) / 4 - 1).astype(np.float32)
            rows[0] = row(0, rows[0].token_bytes, seed, advantage=None, advantages=per_token, **figures)
        run.append_group(step, group, prompt(f"<s>{question}", name), rows)
    metrics = {
        "loss/total": loss,
        "loss/demo_sft": 1.0,
        "loss/self": 0.25,
        "entropy/rollout": 1.5 / step,
        "entropy/demonstration": 2.5 / step,
        "weight/sft": 0.25,
        "weight/rl": 0.125,
        "reward/mean": 0.5,
        "reward/exact": 0.5,
        "rollouts/correct": 0.5,
        "rollouts/truncated": 0.5,
        "length/rollout": 5.5,
        "gradient/norm": None if step == 2 else 0.75,
        "learning_rate": 1e-6,
        "logprob/drift": 0.0,
        "tokens_per_second": 512.0,
        **{f"seconds/{name}": 0.25 for name in SECONDS},
        "seconds/step": 2.0,
    }
    run.step(step, phase=phase, metrics=metrics, tokens=33 * step)


def demonstration(index: int, seed: int):
    return row(
        index,
        pieces("<think>one and two are three</think>\n3</s>"),
        seed,
        kind=Kind.DEMONSTRATION,
        stop_reason=StopReason.GIVEN,
        temperature=None,
        policy_version=None,
        prefix_length=5,
        weights={"w_sft": 0.25},
        pull={"demo_sft": np.linspace(0, 1, 5, dtype=np.float32), "demo_rl": np.full(5, 0.125, np.float32)},
    )


def evaluate(run: RunDirectory, clock: Clock, step: int, place: Pass = Pass.EVALUATION) -> None:
    clock.now += 1
    answers = {"kind": Kind.EVALUATION, "advantage": None, "weights": {}, "pull": {}, "entropy_pull": None}
    for group, (name, question) in enumerate(PROBLEMS.items()):
        correct = group < step
        rows = [
            row(
                index,
                pieces(f"answer {index}</s>"),
                1000 + step,
                correct=correct,
                reward=float(correct),
                reward_parts={"exact": float(correct)},
                temperature=0.0 if index == 0 else 0.5,
                policy_version=step,
                **answers,
            )
            for index in range(2)
        ]
        run.append_group(step, group, prompt(f"<s>{question}", name), rows, place)
    share = wire.Interval(value=0.5, low=0.25, high=0.75, count=3)
    run.evaluation(
        step,
        name="evaluation" if place is Pass.EVALUATION else "final_evaluation",
        checkpoint=CHECKPOINTS[place],
        greedy={"accuracy": share, "exact": share},
        sampled={"avg@1": share, "pass@1": share} if step else None,
        metrics={"length": 2.0, "entropy": 0.5, "truncated": 0.0, "seconds": 1.0},
    )


def save(run: RunDirectory, clock: Clock, step: int, *, accuracy: float | None, best: bool, removed: list[int]) -> None:
    clock.now += 1
    folder = run.layout.checkpoint(step)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}\n')
    for old in removed:
        shutil.rmtree(run.layout.checkpoint(old))
    run.checkpoint(
        step, path=folder, bytes=24, accuracy=accuracy, best=best, chosen_on="evaluation.data", removed=removed
    )


def ask(run: RunDirectory, name: str, request: dict) -> None:
    path = run.layout.control / f"{name}.json"
    path.write_text(json.dumps(request))
    os.utime(path, (1, 1))


def still_the_status(root: Path) -> None:
    """The number of heartbeats depends on how fast the machine is."""
    path = root / "status.json"
    status = json.loads(path.read_bytes())
    path.write_text(json.dumps({**status, "heartbeat": 12}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--newer", action="store_true")
    arguments = parser.parse_args()
    make_fixture(arguments.folder, newer=arguments.newer)
