"""Whatever ends a run, resuming it leads to the run that was never interrupted: records and weights to the bit."""

from __future__ import annotations

import random
import shutil
import signal

import pytest
import torch

from srft.run_directory.fold import comparable_run
from tests.loop.runs import events, train_here, wait_for, weights

KNOBS = {
    "srft": {},
    "probes": {"probes": '{"first": 2, "samples": 2, "sampling": {"max_tokens": 8}}'},
    "lora with dropout": {"model.lora": '{"rank": 4, "dropout": 0.2}'},
    "bfloat16 with masters": {"model.dtype": "bfloat16", "training.updates_per_step": "2"},
    "two phases with a reference": {
        "method": '{"kind": "sft_rl", "sft_steps": 3, "grpo": {"kind": "grpo", "kl": 0.1, "rollouts": 3}}'
    },
}


def kill_and_resume(trainers, recipe, run_dir, kill_when, options=()):
    """Start a run, kill it when something is true of its folder, resume it to its end."""
    process = trainers.start("train", recipe, "--run-dir", run_dir, *options)
    wait_for(lambda: kill_when(run_dir) or process.poll() is not None)
    process.send(signal.SIGKILL)
    process.wait()
    if not (run_dir / "run.json").is_file():
        shutil.rmtree(run_dir, ignore_errors=True)
        resumed = trainers.start("train", recipe, "--run-dir", run_dir, *options)
    else:
        resumed = trainers.start("train", "--resume", "--run-dir", run_dir)
    assert resumed.wait() == 0, resumed.said()


@pytest.mark.parametrize("knobs", KNOBS.values(), ids=KNOBS.keys())
def test_killed_in_the_middle(trainers, recipe, tmp_path, knobs):
    options = [text for key, value in knobs.items() for text in ("--set", f"{key}={value}")]
    whole = trainers.start("train", recipe, "--run-dir", tmp_path / "whole", *options)
    assert whole.wait() == 0, whole.said()
    kill_and_resume(trainers, recipe, tmp_path / "run", lambda run: len(events(run, "checkpoint")) >= 1, options)
    assert events(tmp_path / "run", "resumed")[0]["from_step"] in (2, 4)
    assert comparable_run(tmp_path / "run") == comparable_run(tmp_path / "whole")
    if "model.lora" not in knobs:
        mine, other = weights(tmp_path / "run", 6), weights(tmp_path / "whole", 6)
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[name], other[name]) for name in mine)


@pytest.mark.long
@pytest.mark.parametrize("number", range(20))
def test_killed_at_random_moments(trainers, recipe, tmp_path, number):
    train_here(recipe, tmp_path / "whole")
    bytes_before = random.Random(number).randrange(0, (tmp_path / "whole" / "events.jsonl").stat().st_size)

    def grown(run):
        path = run / "events.jsonl"
        return path.is_file() and path.stat().st_size >= bytes_before

    kill_and_resume(trainers, recipe, tmp_path / "run", grown)
    assert comparable_run(tmp_path / "run") == comparable_run(tmp_path / "whole")
    mine, other = weights(tmp_path / "run", 6), weights(tmp_path / "whole", 6)
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_a_fork_names_its_parent_and_goes_on_from_its_step(recipe, tmp_path):
    train_here(recipe, tmp_path / "parent", checkpoint__keep_last=3)
    train_here(recipe, tmp_path / "child", fork=f"{tmp_path / 'parent'}@4", optimiser__learning_rate=1e-4)
    assert [event["step"] for event in events(tmp_path / "child", "step")] == [5, 6]
    assert [event["name"] for event in events(tmp_path / "child", "notice")] == ["fresh_optimiser"]


def test_a_fork_of_the_newest_checkpoint_takes_the_optimiser_along(recipe, tmp_path):
    train_here(recipe, tmp_path / "parent", training__steps=4)
    train_here(recipe, tmp_path / "child", fork=f"{tmp_path / 'parent'}@4")
    assert events(tmp_path / "child", "notice") == []
    train_here(recipe, tmp_path / "whole")
    same = ("reward/mean", "loss/total", "gradient/norm")
    last = [events(tmp_path / name, "step")[-1]["metrics"] for name in ("child", "whole")]
    assert [last[0][name] for name in same] == [last[1][name] for name in same]
