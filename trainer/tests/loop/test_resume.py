"""Whatever ends a run, resuming it leads to the run that was never interrupted: records and weights to the bit."""

from __future__ import annotations

import random
import shutil
import signal

import pytest
import torch

from srft.run_directory.fold import comparable_run
from tests.loop.runs import events, start, train_here, wait_for, weights


@pytest.fixture
def unbroken(recipe, tmp_path):
    train_here(recipe, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def check_same(run_dir, unbroken):
    assert comparable_run(run_dir) == comparable_run(unbroken)
    mine, other = weights(run_dir, 6), weights(unbroken, 6)
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def kill_and_resume(recipe, run_dir, kill_when):
    """Start a run, kill it, resume it to its end."""
    process = start("train", recipe, "--run-dir", run_dir)
    wait_for(lambda: kill_when(run_dir) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    if not (run_dir / "run.json").is_file():
        shutil.rmtree(run_dir, ignore_errors=True)
        resumed = start("train", recipe, "--run-dir", run_dir)
    else:
        resumed = start("train", "--resume", "--run-dir", run_dir)
    _, said = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, said


def test_killed_in_the_middle(recipe, tmp_path, unbroken):
    kill_and_resume(recipe, tmp_path / "run", lambda run: len(events(run, "step")) >= 3)
    assert [event["from_step"] for event in events(tmp_path / "run", "resumed")]
    check_same(tmp_path / "run", unbroken)


@pytest.mark.long
@pytest.mark.parametrize("number", range(20))
def test_killed_at_random_moments(recipe, tmp_path, unbroken, number):
    bytes_before = random.Random(number).randrange(0, (unbroken / "events.jsonl").stat().st_size)

    def grown(run):
        path = run / "events.jsonl"
        return path.is_file() and path.stat().st_size >= bytes_before

    kill_and_resume(recipe, tmp_path / "run", grown)
    check_same(tmp_path / "run", unbroken)


@pytest.mark.parametrize(
    "overrides",
    [
        {"model.lora": '{"rank": 4, "dropout": 0.2}'},
        {"model.dtype": "bfloat16", "training.updates_per_step": "2"},
        {"method": '{"kind": "sft_rl", "sft_steps": 3, "grpo": {"kind": "grpo", "kl": 0.1, "rollouts": 3}}'},
    ],
    ids=["lora with dropout", "bfloat16 with masters", "two phases with a reference"],
)
def test_stopped_and_resumed(recipe, tmp_path, overrides):
    """Stopped by request after step 3 or so, resumed in a new process."""
    pairs = [text for key, value in overrides.items() for text in ("--set", f"{key}={value}")]
    whole = start("train", recipe, "--run-dir", tmp_path / "whole", *pairs)
    assert whole.wait(120) == 0, whole.communicate()[1]

    first = start("train", recipe, "--run-dir", tmp_path / "run", *pairs)
    wait_for(lambda: len(events(tmp_path / "run", "step")) >= 3)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second = start("train", recipe, "--resume", "--run-dir", tmp_path / "run", *pairs)
    assert second.wait(120) == 0, second.communicate()[1]
    assert comparable_run(tmp_path / "run") == comparable_run(tmp_path / "whole")


def test_a_fork_names_its_parent_and_goes_on_from_its_step(recipe, tmp_path):
    train_here(recipe, tmp_path / "parent", checkpoint__keep_last=3)
    train_here(recipe, tmp_path / "child", fork=f"{tmp_path / 'parent'}@4", optimiser__learning_rate=1e-4)
    steps = [event["step"] for event in events(tmp_path / "child", "step")]
    assert steps == [5, 6]
